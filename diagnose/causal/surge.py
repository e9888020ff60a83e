"""Whether the symptom is what more demand from outside does, and where that came in.

A system that is asked for several times as much as ever slows down in all its parts, the weakest
first, and none of them is broken. What tells such an incident is that demand rose at somebody whom
nobody calls, and rose all the way from there.
"""

from typing import Final

import numpy as np

from diagnose.causal.coverage import reached
from diagnose.schema import Node, Window
from models.demand import new_demand

PEAK: Final = 0.5  # share of new demand up to which it is a peak, or asked again


def surge(window: Window, symptom: Node, hop: float) -> dict[str, float]:
    """Return for each entity whom nobody calls how much of a surge it sends towards the symptom.

    Demand goes from callers to the called as far as these, too, are asked for more, and from there
    slowness goes back to callers.

    Args:
        window: Its signals of demand, and its calls; without calls nothing is said.
        symptom: What is to be explained.
        hop: What a step keeps of an explanation, 0..1.

    Returns:
        Shares 0..1, by entity; those that have none are left out.
    """
    calls = [(caller, callee) for caller, callee in window.topology if caller != callee]
    outside = {caller for caller, _ in calls} - {callee for _, callee in calls}
    entities = sorted({entity for pair in calls for entity in pair})
    if not outside or symptom.entity not in entities:
        return {}
    shares = new_demand(window)
    new = {one: (share - PEAK) / (1 - PEAK) for one, share in shares.items() if share > PEAK}
    place = {entity: i for i, entity in enumerate(entities)}
    felt = np.zeros((len(entities), len(entities)))
    for caller, callee in calls:
        felt[place[callee], place[caller]] = 1.0
    for caller, callee in calls:
        handed = min(new.get(caller, 0.0), new.get(callee, 0.0))
        felt[place[caller], place[callee]] = max(felt[place[caller], place[callee]], handed)
    arrives = reached(hop * felt)[:, place[symptom.entity]]
    return {
        entity: new[entity] * float(arrives[place[entity]])
        for entity in sorted(outside & new.keys())
    }
