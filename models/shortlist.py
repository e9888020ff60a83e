"""Which signals a causal graph is about: a dozen, out of thousands.

The symptom, the load on its entity, the signals that left their normal range, what the symptom's
entity calls or is called by, what its host runs short of and who takes it, and what moved most
beside. Percentiles of one latency say the same
thing several times, so of each kind one signal an entity is taken before any second one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from diagnose.schema import Anomaly, Node, Signal, Window
from models.deviation import measure
from models.evidence import SHORTAGES, TAKEN

AN_ENTITY: Final = 3  # signals of one entity, as long as there are others
NEIGHBOURS: Final = 3  # places that are kept for neighbours, anomalous or not


def shortlist(
    window: Window,
    anomalies: Sequence[Anomaly],
    symptom: Node,
    size: int = 12,
    considered: int = 40,
) -> tuple[Signal, ...]:
    """Return the signals that go to the judge, the symptom first; all are in the window.

    Args:
        window: Where they come from.
        anomalies: What left its normal range, worst first.
        symptom: What is to be explained; a signal of the window.
        size: The most signals to return.
        considered: How many of the most deviating signals are looked at.
    """
    index = window.index()
    abnormal = [window.signals[index[a.node]] for a in anomalies if a.node in index][:considered]
    moved = list(dict.fromkeys([*abnormal, *_most_deviating(window, considered)]))[:considered]
    first = window.signals[index[symptom]]
    entities = {signal.node.entity for signal in [first, *moved]}
    room = max(AN_ENTITY, size // len(entities))
    everything = list(dict.fromkeys([*moved, *window.signals]))
    neighbours = _like(first, _neighbours(window.topology, symptom.entity), everything)
    loads = _loads(entities, symptom.entity, everything)

    shared = _shared(window.contains, symptom.entity, moved)
    kept = [*neighbours[:NEIGHBOURS], *shared]
    chosen = _spread([first, *loads[:1], *abnormal], room, max(1, size - len(kept)))
    chosen = _spread([*chosen, *kept, *moved, *loads], room, size)
    return tuple(dict.fromkeys([*chosen, *moved]))[:size]


def _most_deviating(window: Window, most: int) -> list[Signal]:
    """Return the signals that moved at all, by distance and by surprise, the worst first."""
    found = measure(window)
    moved = np.log1p(found.largest) + found.surprise
    order = np.argsort(-moved, kind="stable")[:most]
    return [window.signals[i] for i in order if moved[i] > 0]


def _neighbours(topology: Iterable[tuple[str, str]], entity: str) -> set[str]:
    """Return whom ``entity`` calls and who calls it."""
    called = {callee for caller, callee in topology if caller == entity}
    callers = {caller for caller, callee in topology if callee == entity}
    return (called | callers) - {entity}


def _shared(
    contains: Sequence[tuple[str, str]], entity: str, moved: Sequence[Signal]
) -> list[Signal]:
    """Return what the whole of ``entity`` runs short of most, and what a part of it takes most.

    A starved host need not be among the worst: its parts may suffer more than it shows.
    """
    wholes = {whole for whole, part in contains if part == entity}
    parts = {part for whole, part in contains if whole in wholes}
    short = (s for s in moved if s.node.entity in wholes and s.kind.name in SHORTAGES)
    taken = (s for s in moved if s.node.entity in parts and s.kind.name in TAKEN)
    return [*islice(short, 1), *islice(taken, 1)]


def _like(symptom: Signal, entities: set[str], signals: Iterable[Signal]) -> list[Signal]:
    """Return the first signal of each entity that is of the symptom's kind, in their order."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if signal.kind.name == symptom.kind.name and signal.node.entity in entities:
            found.setdefault(signal.node.entity, signal)
    return list(found.values())


def _loads(entities: set[str], own: str, signals: Iterable[Signal]) -> list[Signal]:
    """Return the first load signal of each entity, the symptom's own first."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if signal.kind.load and signal.node.entity in entities:
            found.setdefault(signal.node.entity, signal)
    return [found[entity] for entity in sorted(found, key=lambda name: (name != own, name))]


def _spread(signals: Iterable[Signal], room: int, size: int) -> list[Signal]:
    """Return the first ``size``, of which at most ``room`` an entity and one a known kind there."""
    chosen: list[Signal] = []
    entities: Counter[str] = Counter()
    for signal in _one_a_kind(dict.fromkeys(signals)):
        if len(chosen) < size and entities[signal.node.entity] < room:
            entities[signal.node.entity] += 1
            chosen.append(signal)
    return chosen


def _one_a_kind(signals: Iterable[Signal]) -> Iterator[Signal]:
    seen = set()
    for signal in signals:
        what = (signal.node.entity, signal.kind.name)
        if signal.kind.tier == "unknown" or what not in seen:
            seen.add(what)
            yield signal
