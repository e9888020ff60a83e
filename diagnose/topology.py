"""How entities are joined: who calls whom, what is part of what, and what the site says of it.

The site's file, ``topology.yaml``, holds lists of edges, "a -> b", in which ``*`` stands for
anything:

    known:      who calls whom, as "caller -> callee"
    contains:   what runs on or in what, as "whole -> part"
    required:   what acts on what whatever is measured, as "cause -> effect"
    forbidden:  what never acts on what, likewise
    sentences:  any of these in words, "backups cause disk load, never the other way"

The ends of the first two are entities; those of the others may also be signals, kinds of signals
or, as "entity · signal", single signals of an entity. ``models.sentences`` says which words are
understood; ``aitia config check`` shows the edges that they are read as.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from collectors.prometheus_labels import host_of
from diagnose.failure import Failure
from diagnose.settings.yaml_lines import Lines, read_yaml
from models.sentences import NotUnderstood, Sentence, understood

Pair = tuple[str, str]

ARROW: Final = "->"
LISTS: Final[tuple[str, ...]] = ("known", "contains", "required", "forbidden")
SAY: Final = 'write for example "backups cause disk load", and names in `backticks`'
# A pod of a Kubernetes service: of a deployment "web-7d4b9c-x2x4q", of a stateful set "web-0".
POD: Final = r"-(?:[a-z0-9]+-[a-z0-9]{5}|\d+)"


@dataclass(frozen=True, slots=True)
class Topology:
    """What is known of how entities are joined.

    Attributes:
        calls: (caller, callee) pairs.
        contains: (whole, part) pairs: a host and what runs on it.
    """

    calls: tuple[Pair, ...] = ()
    contains: tuple[Pair, ...] = ()

    def __add__(self, other: "Topology") -> "Topology":
        return Topology(_once(self.calls + other.calls), _once(self.contains + other.contains))


@dataclass(frozen=True, slots=True)
class SiteTopology:
    """What the people of a site say, in patterns in the style of a shell.

    Attributes:
        known: (caller, callee).
        contains: (whole, part).
        required: (cause, effect) that is so whatever is measured.
        forbidden: (cause, effect) that is never so.
        sentences: What was said in words; its edges are among the others.
    """

    known: tuple[Pair, ...] = ()
    contains: tuple[Pair, ...] = ()
    required: tuple[Pair, ...] = ()
    forbidden: tuple[Pair, ...] = ()
    sentences: tuple[Sentence, ...] = ()

    def among(self, entities: Iterable[str]) -> Topology:
        """Return what is known of ``entities`` and of what is named without a pattern."""
        names = sorted(set(entities))
        return Topology(_once(_expanded(self.known, names)), _once(_expanded(self.contains, names)))


NO_SITE: Final = SiteTopology()


def read_topology(file: Path | None) -> SiteTopology:
    """Return what ``file`` says; nothing where there is none.

    Raises:
        Failure: it cannot be read, or a line of it says what cannot be meant.
    """
    if file is None:
        return NO_SITE
    tree, lines = read_yaml(file)
    fields = SiteTopology.__dataclass_fields__
    for key in tree:
        if key not in fields:
            way_out = f"write one of {', '.join(fields)}"
            raise Failure(f"{file}, line {lines[key,]}: unknown key {key}", way_out)
    listed = {key: tuple(_pairs(file, key, tree[key], lines)) for key in LISTS if key in tree}
    said = tuple(_sentences(file, tree.get("sentences"), lines, _entities(listed)))
    meant = {key: tuple(pair for one in said for pair in getattr(one, key)) for key in LISTS}
    return SiteTopology(
        **{key: _once(listed.get(key, ()) + meant[key]) for key in LISTS}, sentences=said
    )


def _entities(listed: Mapping[str, Iterable[Pair]]) -> list[str]:
    """Return the names without a pattern that a site's lists hold."""
    ends = {end for pairs in listed.values() for pair in pairs for end in pair}
    return [end for end in ends if not set("*?[·") & set(end)]


def _sentences(
    file: Path, sentences: object, lines: Lines, entities: list[str]
) -> Iterator[Sentence]:
    """Yield what the sentences of a site mean."""
    if sentences is None:
        return
    if not isinstance(sentences, list):
        raise Failure(f"{file}, line {lines['sentences',]}: sentences is no list", SAY)
    for place, text in enumerate(sentences):
        where = f"{file}, line {lines['sentences', str(place)]}"
        if not isinstance(text, str):
            raise Failure(f"{where}: {text!r:.80} is no sentence", SAY)
        try:
            yield understood(text, entities)
        except NotUnderstood as error:
            raise Failure(f"{where}: {error}", SAY) from error


def _pairs(file: Path, key: str, edges: object, lines: Lines) -> Iterator[Pair]:
    """Yield the edges of one list."""
    way_out = f'write "a {ARROW} b", one a line'
    if edges is None:
        return
    if not isinstance(edges, list):
        raise Failure(f"{file}, line {lines[key,]}: {key} is no list", way_out)
    for place, edge in enumerate(edges):
        ends = [end.strip() for end in edge.split(ARROW)] if isinstance(edge, str) else []
        where = f"{file}, line {lines[key, str(place)]}"
        if len(ends) != 2 or not all(ends):
            raise Failure(f"{where}: {edge!r:.80} is no edge", way_out)
        if ends[0] == ends[1] and not set("*?[") & set(ends[0]):
            raise Failure(f"{where}: {ends[0]:.80} stands on both sides", way_out)
        yield ends[0], ends[1]


def resolved(pairs: Iterable[Pair], entities: Iterable[str]) -> tuple[Pair, ...]:
    """Return ``pairs`` of services' names as pairs of the entities that answer to them.

    Traces and service graphs know a service by its name alone, which many instances share: "web"
    stands for "db1/web" and for the pod "web-7d4b9c-x2x4q". A name to which nothing answers stays.
    """
    known = sorted(set(entities))
    named = {name: answering(name, known) or (name,) for pair in pairs for name in pair}
    return _once(
        (caller, callee)
        for one, other in pairs
        for caller in named[one]
        for callee in named[other]
        if caller != callee
    )


def answering(name: str, entities: Iterable[str]) -> tuple[str, ...]:
    """Return the entities that a service's name stands for.

    Example:
        >>> answering("web", ["h1/web", "web-0", "h1/webmail"])
        ('h1/web', 'web-0')
    """
    pods = re.compile(re.escape(name) + POD)
    return tuple(
        entity
        for entity in entities
        if entity == name
        or entity.rpartition("/")[2] == name
        or ("/" not in entity and pods.fullmatch(entity))
    )


def around(topology: Topology, start: str, most: int = 2) -> Mapping[str, int]:
    """Return the entities within ``most`` steps of ``start``, and how many each takes.

    A step is a call, in either direction; whatever shares a host is one step away.
    """
    joined: dict[str, set[str]] = {}
    for one, other in (*topology.calls, *topology.contains):
        joined.setdefault(one, set()).add(other)
        joined.setdefault(other, set()).add(one)
    steps = {start: 0}
    edge = [start]
    for step in range(1, most + 1):
        edge = sorted({other for one in edge for other in joined.get(one, ())} - steps.keys())
        steps.update(dict.fromkeys(edge, step))
    return steps


def nearness(
    entities: Iterable[str], start: str, topology: Topology, most: int = 2
) -> Mapping[str, int]:
    """Return which of ``entities`` are near ``start``, and how near each is: 0 is nearest.

    Its own telemetry is nearest, then what is one call away, then what shares its host, then what
    is further calls away, then the hosts of all these.

    Args:
        entities: Names.
        start: Whose symptom is explained.
        topology: Who calls whom.
        most: Calls after which nothing is near.
    """
    steps = around(topology, start, most)
    hosts = {host_of(name) for name in steps}
    near: dict[str, int] = {}
    for one in entities:
        if one in steps:
            near[one] = 2 * steps[one] - 1 if steps[one] else 0
        elif host_of(one) in hosts:
            near[one] = 2 if host_of(one) == host_of(start) else 2 * most
    return near


def _expanded(pairs: Iterable[Pair], names: list[str]) -> Iterator[Pair]:
    for one, other in pairs:
        for first in _matching(one, names):
            for second in _matching(other, names):
                if first != second:
                    yield first, second


def _matching(pattern: str, names: list[str]) -> Iterable[str]:
    """Return the names that a pattern stands for; a plain name stands for itself."""
    if not set("*?[") & set(pattern):
        return (pattern,)
    return [name for name in names if fnmatchcase(name, pattern)]


def _once(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    return tuple(dict.fromkeys(pairs))
