"""What people of a site say of cause and effect, in a sentence, and the edges that they mean.

A sentence is taken apart by a small grammar, and whoever wrote it is shown the edges. A sentence
that is not understood as a whole is refused: half of what somebody meant may be the opposite.

    backups cause disk load, never the other way     backup -> disk utilization, not back
    fan speed does not affect latency                nothing from fan speed to any latency
    `checkout` calls `payments-db`                   a call
    the payments-db is upstream of checkout          the same call
    `web` runs on `h1`                               a whole and its part

A phrase is an entity that the site's file names, a name in backticks, a kind of signal in the words
of this project's vocabulary ("latency" is every kind of latency), or a kind of one entity: "latency
of checkout".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from models.kinds import UNKNOWN, VOCABULARY, kind_of_metric

Pair = tuple[str, str]
Says = Literal["known", "contains", "required", "forbidden"]

ALL: Final = frozenset(kind.name for kind in VOCABULARY if kind != UNKNOWN)
WORDS: Final = frozenset(word for name in ALL for word in re.findall(r"[a-z-]+", name))
# What people call a kind that the vocabulary calls otherwise.
CALLED: Final = {
    "cpu": "cpu utilization",
    "cpu load": "cpu utilization",
    "cpu usage": "cpu utilization",
    "disk load": "disk utilization",
    "disk usage": "file system space used",
    "disk space": "file system space used",
    "disk latency": "disk io latency",
    "memory": "memory used",
    "memory usage": "memory used",
    "gc": "garbage collection time",
    "garbage collection": "garbage collection time",
    "traffic": "request rate",
    "requests": "request rate",
    "errors": "error rate",
    "deployment": "change: deployment",
    "deploy": "change: deployment",
    "reboot": "change: reboot",
}

ACTS: Final = (
    r"(?:causes?|affects?|influences?|drives?|impacts?|slows?(?: down)?|raises?|increases?|lowers?|"
    r"triggers?|produces?|leads? to|results? in|acts? on|explains?)"
)
ACT: Final = (
    r"(?:cause|affect|influence|drive|impact|slow(?: down)?|raise|increase|lower|trigger|produce|"
    r"lead to|result in|act on|explain)"
)
ACTED: Final = r"(?:caused|affected|influenced|driven|impacted|slowed(?: down)?|raised|triggered)"

# Whether the second phrase is the cause.
_FORMS: Final[tuple[tuple[Says, bool, str], ...]] = (
    (
        "forbidden",
        False,
        rf"(?P<a>.+?) (?:do(?:es)? not|don't|doesn't|never|cannot) {ACTS} (?P<b>.+)",
    ),
    ("forbidden", False, r"(?P<a>.+?) (?:has|have) no (?:effect|influence|impact) on (?P<b>.+)"),
    ("forbidden", True, rf"(?P<a>.+?) (?:is|are) (?:not|never) {ACTED} by (?P<b>.+)"),
    ("forbidden", True, r"(?P<a>.+?) (?:does not|do not|never) depends? on (?P<b>.+)"),
    ("required", True, rf"(?P<a>.+?) (?:is|are) (?:always )?{ACTED} by (?P<b>.+)"),
    ("required", True, r"(?P<a>.+?) depends? on (?P<b>.+)"),
    ("required", False, rf"(?P<a>.+?) (?:always )?{ACTS} (?P<b>.+)"),
    ("known", False, r"(?P<a>.+?) (?:calls?|uses?|queries|(?:is|are) downstream of) (?P<b>.+)"),
    ("known", True, r"(?P<a>.+?) (?:is|are) (?:called by|used by|upstream of) (?P<b>.+)"),
    ("contains", True, r"(?P<a>.+?) (?:runs? (?:on|in)|(?:is|are) (?:a )?part of) (?P<b>.+)"),
    ("contains", False, r"(?P<a>.+?) (?:hosts?|contains?) (?P<b>.+)"),
)
FORMS: Final = tuple(
    (says, turned, re.compile(rf"^{form}$", re.IGNORECASE)) for says, turned, form in _FORMS
)
NEITHER: Final = re.compile(
    r"^(?P<a>.+?) and (?P<b>.+?) (?:are (?:un|not )related|have nothing to do with each other|"
    rf"(?:do not|never|don't) {ACT} each other)$",
    re.IGNORECASE,
)
NOT_BACK: Final = re.compile(
    r",?\s*(?:(?:but|and)\s+)?(?:never|not)\s+(?:the\s+other\s+way(?:\s+a?round)?|the\s+reverse|"
    r"vice\s+versa|in\s+reverse|back)$",
    re.IGNORECASE,
)
QUOTED: Final = re.compile(r"`([^`]+)`")
PLACE: Final = re.compile(r"\x00(\d+)\x00")
OF: Final = re.compile(r"^(?P<kind>.+?) (?:of|on|at|in) (?P<entity>.+)$")
OWNS: Final = re.compile(r"^(?P<entity>.+?)(?:'s|s') (?P<kind>.+)$")
ARTICLE: Final = re.compile(r"^(?:the|an?|every|any|all|our)\s+", re.IGNORECASE)


class NotUnderstood(ValueError):  # noqa: N818 - it reads "raise NotUnderstood(what)"
    """A sentence that is no statement about cause and effect, or names what nobody knows."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the edges that it means, as a site's file would list them.

    Attributes:
        text: As written.
        known: (caller, callee).
        contains: (whole, part).
        required: (cause, effect) that is so.
        forbidden: (cause, effect) that is never so.
    """

    text: str
    known: tuple[Pair, ...] = field(default=())
    contains: tuple[Pair, ...] = field(default=())
    required: tuple[Pair, ...] = field(default=())
    forbidden: tuple[Pair, ...] = field(default=())

    def edges(self) -> list[tuple[Says, Pair]]:
        """Return what the sentence means, edge by edge."""
        return [
            *(("known", pair) for pair in self.known),
            *(("contains", pair) for pair in self.contains),
            *(("required", pair) for pair in self.required),
            *(("forbidden", pair) for pair in self.forbidden),
        ]


def understood(text: str, entities: Iterable[str] = ()) -> Sentence:
    """Return the edges that a sentence means.

    Args:
        text: One sentence.
        entities: Names that may stand in it without backticks.

    Raises:
        NotUnderstood: it is no such sentence, or a phrase of it is no name that is known.

    Example:
        >>> understood("fan speed does not affect cpu temperature").edges()
        [('forbidden', ('fan speed', 'cpu temperature'))]
    """
    names = sorted(set(entities), key=len, reverse=True)
    quoted: list[str] = []

    def kept(match: re.Match[str]) -> str:
        quoted.append(match[1])
        return f"\0{len(quoted) - 1}\0"

    bare = re.sub(r"\s+", " ", QUOTED.sub(kept, text.strip())).rstrip(".! ")
    one_way = NOT_BACK.search(bare)
    if one_way:
        bare = bare[: one_way.start()]
    edges: list[tuple[Says, Pair]] = []
    neither = NEITHER.match(bare)
    if neither:
        pairs = _pairs(neither["a"], neither["b"], names, quoted)
        edges = [("forbidden", pair) for a, b in pairs for pair in ((a, b), (b, a))]
    else:
        says, a, b = _form(bare, text)
        edges = [(says, pair) for pair in _pairs(a, b, names, quoted)]
        if says in ("known", "contains"):
            _only_entities(edges, text)
        if one_way and says != "required":
            raise NotUnderstood(f"{text!r:.200}: which way is meant?")
        if one_way:
            edges += [("forbidden", (effect, cause)) for _, (cause, effect) in edges]
    return _sentence(text, edges)


def spoken(says: Says, pair: Pair) -> str:
    """Return a sentence that means exactly one edge.

    Example:
        >>> spoken("forbidden", ("fan speed", "db1 · latency"))
        'fan speed never affects `db1 · latency`'
    """
    a, b = (one if one in ALL else f"`{one}`" for one in pair)
    return {
        "known": f"{a} calls {b}",
        "contains": f"{b} runs on {a}",
        "required": f"{a} causes {b}",
        "forbidden": f"{a} never affects {b}",
    }[says]


def _sentence(text: str, edges: Sequence[tuple[Says, Pair]]) -> Sentence:
    def of(says: Says) -> tuple[Pair, ...]:
        return tuple(dict.fromkeys(pair for said, pair in edges if said == says))

    found = Sentence(text, of("known"), of("contains"), of("required"), of("forbidden"))
    for _, (a, b) in found.edges():
        if a == b:
            raise NotUnderstood(f"{text!r:.200}: {a!r} stands on both sides")
    return found


def _form(bare: str, text: str) -> tuple[Says, str, str]:
    for says, turned, form in FORMS:
        match = form.match(bare)
        if match:
            return (says, match["b"], match["a"]) if turned else (says, match["a"], match["b"])
    raise NotUnderstood(f"{text!r:.200} says nothing about cause and effect that is understood")


def _only_entities(edges: Sequence[tuple[Says, Pair]], text: str) -> None:
    for _, pair in edges:
        for end in pair:
            several = end.startswith("*") and any(name.endswith(f" {end[1:]}") for name in ALL)
            if end in ALL or several or "·" in end:
                raise NotUnderstood(f"{text!r:.200}: {end!r} is a signal, and only entities call")


def _pairs(causes: str, effects: str, names: Sequence[str], quoted: Sequence[str]) -> list[Pair]:
    return [(a, b) for a in _ends(causes, names, quoted) for b in _ends(effects, names, quoted)]


def _ends(phrase: str, names: Sequence[str], quoted: Sequence[str]) -> list[str]:
    """Return what a phrase, or each of a list of phrases, stands for."""
    parts = [phrase] if phrase in ALL else re.split(r",? (?:and|or) |, ", phrase)
    return [_end(part, names, quoted) for part in parts if part.strip()]


def _end(phrase: str, names: Sequence[str], quoted: Sequence[str]) -> str:
    """Return an entity, a kind or a pattern of kinds, or "entity · kind"."""
    if phrase in ALL:
        return phrase
    plain = ARTICLE.sub("", phrase.strip())
    entity = _entity(plain, names, quoted)
    if entity is not None:
        return entity
    for form in (OF, OWNS):
        match = form.match(plain)
        owner = _entity(ARTICLE.sub("", match["entity"]), names, quoted) if match else None
        kind = _kind(match["kind"]) if match else None
        if owner is not None and kind is not None:
            return f"{owner} · {kind}"
    for name in names:
        if plain.lower().startswith(name.lower() + " "):
            kind = _kind(plain[len(name) + 1 :])
            if kind is not None:
                return f"{name} · {kind}"
    kind = _kind(plain)
    if kind is None:
        shown = PLACE.sub(lambda match: quoted[int(match[1])], plain)
        raise NotUnderstood(
            f"{shown!r:.120} is neither an entity of this file nor a kind of signal"
        )
    return kind


def _entity(phrase: str, names: Sequence[str], quoted: Sequence[str]) -> str | None:
    """Return the name that a phrase is, in backticks or among those that are known."""
    match = PLACE.fullmatch(phrase)
    if match:
        return quoted[int(match[1])]
    wanted = _apart(phrase)
    return next((name for name in names if _apart(name) == wanted), None)


def _apart(name: str) -> tuple[str, ...]:
    """Return the words of a name: "payments-db" is written "payments database", too."""
    words = re.findall(r"[^\W_]+", name.lower())
    return tuple("database" if word == "db" else word for word in words)


def _kind(phrase: str) -> str | None:
    """Return the kind of signal that a phrase means, or a pattern for several; None for none."""
    text = ARTICLE.sub("", phrase.strip().lower())
    for one in (text, re.sub(r"(?<=[a-rt-z])s$", "", text)):
        if one in CALLED or one in ALL:
            return CALLED.get(one, one)
        if any(name.endswith(f" {one}") for name in ALL):
            return f"*{one}"
    # The rules for names of metrics are generous: each word must be one that a kind is made of.
    words = re.findall(r"[a-z-]+", text)
    if words and all(word in WORDS or word.rstrip("s") in WORDS for word in words):
        found = kind_of_metric(text).name
        return None if found == UNKNOWN.name else found
    return None
