"""How entities are related by calls, seen from the few of them that a graph is about."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Relation(IntEnum):
    """What the entity of an effect is to the entity of its cause."""

    STRANGERS = 0  # both are in the topology, and no call joins them
    SAME = 1  # one machine
    TO_CALLER = 2  # the effect's entity calls the cause's
    TO_CALLED = 3  # the cause's entity calls the effect's
    BOTH = 4  # they call each other
    UNKNOWN = 5  # the topology does not know one of them


def relations(entities: Sequence[str], topology: Sequence[tuple[str, str]]) -> NDArray[np.int8]:
    """Return the relation of every pair, causes by effects.

    A call counts as direct where it passes only through entities of which no signal is considered:
    otherwise a fault could not cross a service that shows nothing.

    Args:
        entities: One a signal; they may repeat.
        topology: (caller, callee) pairs; cycles and unknown names are fine.
    """
    names = list(dict.fromkeys(entities))
    known = {name for pair in topology for name in pair}
    calls = {name: _called(name, _callees(topology), set(names)) for name in names}
    table = np.zeros((len(names), len(names)), dtype=np.int8)
    for i, cause in enumerate(names):
        for j, effect in enumerate(names):
            table[i, j] = _relation(cause, effect, calls, known)
    place = [names.index(entity) for entity in entities]
    return table[np.ix_(place, place)]


def _relation(
    cause: str, effect: str, calls: Mapping[str, frozenset[str]], known: set[str]
) -> Relation:
    if _machine(cause) == _machine(effect):
        return Relation.SAME
    down, up = effect in calls[cause], cause in calls[effect]
    if down and up:
        return Relation.BOTH
    if down or up:
        return Relation.TO_CALLED if down else Relation.TO_CALLER
    return Relation.STRANGERS if {cause, effect} <= known else Relation.UNKNOWN


def _machine(entity: str) -> str:
    """Return the machine of a unit: "db1" for "db1/postgresql.service"."""
    return entity.partition("/")[0]


def _callees(topology: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    callees: dict[str, list[str]] = {}
    for caller, callee in topology:
        callees.setdefault(caller, []).append(callee)
    return callees


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
