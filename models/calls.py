"""How entities are related, seen from the few of them that a graph is about.

They call each other, or one is a part of the other: a service of its host.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Relation(IntEnum):
    """What the entity of an effect is to the entity of its cause."""

    STRANGERS = 0  # calls of both are known, and none joins them
    SAME = 1  # one entity, or parts of one machine of which no call is known
    TO_CALLER = 2  # the effect's entity calls the cause's
    TO_CALLED = 3  # the cause's entity calls the effect's
    BOTH = 4  # they call each other
    UNKNOWN = 5  # no calls of one of them are known
    TO_PART = 6  # the effect's entity is a part of the cause's: it runs on it
    TO_WHOLE = 7  # the cause's entity is a part of the effect's


def relations(
    entities: Sequence[str],
    topology: Sequence[tuple[str, str]],
    contains: Sequence[tuple[str, str]] = (),
) -> NDArray[np.int8]:
    """Return the relation of every pair, causes by effects.

    A call counts as direct where it passes only through entities of which no signal is considered:
    otherwise a fault could not cross a service that shows nothing.

    Args:
        entities: One a signal; they may repeat.
        topology: (caller, callee) pairs; cycles and unknown names are fine.
        contains: (whole, part) pairs, likewise. "a/b" is a part of "a" without such a pair.
    """
    names = list(dict.fromkeys(entities))
    known = {name for pair in topology for name in pair}
    calls = {name: _called(name, _lists(topology), set(names)) for name in names}
    parts = {name: _parts(name, _lists(contains), names) for name in names}
    table = np.zeros((len(names), len(names)), dtype=np.int8)
    for i, cause in enumerate(names):
        for j, effect in enumerate(names):
            table[i, j] = _relation(cause, effect, calls, parts, known)
    place = [names.index(entity) for entity in entities]
    return table[np.ix_(place, place)]


def _relation(
    cause: str,
    effect: str,
    calls: Mapping[str, frozenset[str]],
    parts: Mapping[str, frozenset[str]],
    known: set[str],
) -> Relation:
    if cause == effect:
        return Relation.SAME
    inside, around = effect in parts[cause], cause in parts[effect]
    if inside != around:
        return Relation.TO_PART if inside else Relation.TO_WHOLE
    down, up = effect in calls[cause], cause in calls[effect]
    if down and up:
        return Relation.BOTH
    if down or up:
        return Relation.TO_CALLED if down else Relation.TO_CALLER
    if {cause, effect} <= known:
        return Relation.STRANGERS
    return Relation.SAME if _machine(cause) == _machine(effect) else Relation.UNKNOWN


def _machine(entity: str) -> str:
    """Return the machine of a unit: "db1" for "db1/postgresql.service"."""
    return entity.partition("/")[0]


def _parts(whole: str, parts: Mapping[str, list[str]], names: Sequence[str]) -> frozenset[str]:
    """Return which of ``names`` are parts of ``whole``, or parts of its parts."""
    found, ahead = set[str](), [whole]
    while ahead:
        one = ahead.pop()
        inside = {*parts.get(one, ()), *(name for name in names if name.startswith(f"{one}/"))}
        ahead.extend(inside - found)
        found |= inside
    return frozenset(found - {whole})


def _lists(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the second ends of pairs by the first."""
    seconds: dict[str, list[str]] = {}
    for first, second in pairs:
        seconds.setdefault(first, []).append(second)
    return seconds


def _called(start: str, callees: Mapping[str, list[str]], considered: set[str]) -> frozenset[str]:
    """Return the considered entities that ``start`` calls, directly or through others."""
    found, ahead, seen = set(), list(callees.get(start, ())), {start}
    while ahead:
        name = ahead.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in considered:
            found.add(name)
        else:
            ahead.extend(callees.get(name, ()))
    return frozenset(found)
