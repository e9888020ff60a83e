"""Which signals a causal graph is about: a dozen, out of thousands.

The symptom, the load on its entity, the signals that left their normal range most, and what the
symptom's entity calls or is called by. Percentiles of one latency say the same thing several times,
so of each kind one signal an entity is taken before any second one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from diagnose.schema import Anomaly, Node, Signal, Window

AN_ENTITY = 3  # signals of one entity, as long as there are others
CALLERS = 2  # nodes that are kept for neighbours which show no anomaly


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
        considered: How many of the worst anomalies are looked at.
    """
    index = window.index()
    worst = [window.signals[index[a.node]] for a in anomalies if a.node in index][:considered]
    first = window.signals[index[symptom]]
    near = _neighbours(window.topology, symptom.entity)
    entities = {signal.node.entity for signal in worst} | {symptom.entity}
    room = max(AN_ENTITY, size // len(entities))
    neighbours = _like(first, near, [*worst, *window.signals])
    loads = _loads(entities, symptom.entity, [*worst, *window.signals])

    chosen = _spread([first, *loads[:1], *worst], room, size - min(CALLERS, len(neighbours)))
    chosen = _spread([*chosen, *neighbours, *loads], room, size)
    return tuple(dict.fromkeys([*chosen, *worst]))[:size]


def _neighbours(topology: Iterable[tuple[str, str]], entity: str) -> list[str]:
    """Return whom ``entity`` calls, then who calls it."""
    pairs = sorted(set(topology))
    called = [callee for caller, callee in pairs if caller == entity]
    callers = [caller for caller, callee in pairs if callee == entity]
    return [name for name in dict.fromkeys([*called, *callers]) if name != entity]


def _like(symptom: Signal, entities: Sequence[str], signals: Iterable[Signal]) -> list[Signal]:
    """Return the first signal of each entity that is of the symptom's kind."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if signal.kind == symptom.kind:
            found.setdefault(signal.node.entity, signal)
    return [found[entity] for entity in entities if entity in found]


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
        what = (signal.node.entity, signal.kind)
        if signal.kind.tier == "unknown" or what not in seen:
            seen.add(what)
            yield signal
