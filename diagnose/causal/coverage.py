"""How much of what is abnormal lies downstream of each entity: who could have caused most of it.

A fault is of an entity, and what an entity does wrong is felt by all that call it. So the call
graph counts whole, also where none of an entity's signals was chosen for the causal graph, together
with the edges between entities that no test refuted.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.influence import Influence
from diagnose.schema import Anomaly, Node, Window

Floats = NDArray[np.float64]


def coverage(
    window: Window,
    acting: Influence,
    anomalies: Sequence[Anomaly],
    symptom: Node,
    hop: float,
    certain: float,
) -> dict[str, float]:
    """Return for each entity the share of all abnormality that it could have caused, 0..1.

    An entity of which nothing is known is left out: neither in the graph nor, where calls are
    known, among the entities of the window.

    Args:
        window: Its entities and calls.
        acting: The causal graph's edges that no test refuted.
        anomalies: What left its normal range; demand that did is nobody's fault.
        symptom: Abnormal, since somebody asks about it.
        hop: What a step keeps of an explanation, 0..1.
        certain: Surprise from which a signal counts as wholly abnormal.
    """
    entities = sorted({signal.node.entity for signal in window.signals})
    place = {entity: i for i, entity in enumerate(entities)}
    demand = {signal.node for signal in window.signals if signal.kind.load}
    abnormal = np.zeros(len(entities))
    for anomaly in anomalies:
        if anomaly.node not in demand:
            row = place[anomaly.node.entity]
            abnormal[row] = max(abnormal[row], min(anomaly.surprise / certain, 1.0))
    if symptom.entity in place:
        abnormal[place[symptom.entity]] = 1.0
    felt = np.zeros((len(entities), len(entities)))
    for caller, callee in window.topology:
        if caller in place and callee in place:
            felt[place[callee], place[caller]] = 1.0
    at = np.array([place[node.entity] for node in acting.nodes], dtype=np.intp)
    np.maximum.at(felt, (at[:, None], at[None, :]), acting.carried)
    explained = reached(hop * felt) @ abnormal / max(abnormal.sum(), 1.0)
    known = set(entities) if window.topology else {node.entity for node in acting.nodes}
    return {entity: float(explained[place[entity]]) for entity in entities if entity in known}


def reached(felt: Floats) -> Floats:
    """Return at [cause, effect] what the best path between them carries; 1 from each to itself."""
    best = np.maximum(felt, np.eye(len(felt)))
    for middle in range(len(best)):
        best = np.maximum(best, best[:, [middle]] * best[[middle], :])
    return best
