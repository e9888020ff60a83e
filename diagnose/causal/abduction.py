"""An incident lived through again with one signal elsewhere and all noise as it was: rung three.

Where noise adds up it need not be named to be kept: each node shows what it showed, and on top of
that the difference which the other values of its parents make.

Assumes:
    Mechanisms with additive noise, as they were fitted on normal life, near what it showed. Where
    that does not hold, ``obscured`` says so.

Reference: Pearl, "Causality", 2nd edition, 2009, chapter 7 (abduction, action, prediction).
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.invertible import hidden_noise
from diagnose.causal.mechanism import lagged
from diagnose.causal.rehearsal import MARGIN, Stage, approached
from diagnose.causal.response import Response
from diagnose.causal.scene import Scene

Floats = NDArray[np.float64]

WORST: Final = 5  # instants of the incident that are asked of
FAR: Final = 1.0  # widths of what was seen, beyond which nothing is reckoned
BROKEN: Final = 0.25  # the same for noise, beyond which a mechanism did not hold


def worst(incident: Scene) -> NDArray[np.int64]:
    """Return the instants of the incident at which the symptom deviates most."""
    deviation = np.abs(incident.recent[:, incident.target] - incident.normal[incident.target])
    order = np.argsort(np.where(incident.affected, -deviation, np.inf), kind="stable")
    return order[: min(WORST, int(incident.affected.sum()))]


def obscured(stage: Stage, cause: int) -> str | None:
    """Return why nobody can tell what else the effect would have shown; None where one can.

    Args:
        stage: The incident and its mechanisms.
        cause: What would have been elsewhere.
    """
    incident, asked = stage.inner, worst(stage.incident)
    for node in stage.between([cause]):
        response, name = stage.responses[node], incident.acting.nodes[node]
        if response is None:
            return f"too little of normal life was seen to tell what {name} follows"
        normal = incident.baseline[:, node]
        loads = lagged(incident.baseline, response.parents, response.lags)
        expected = response.level(loads)[:, None]
        refused = hidden_noise(
            name,
            normal[np.isfinite(normal)],
            incident.recent[asked, node],
            response.surprises(incident.baseline, node),
            expected if loads.shape[1] == 1 else np.column_stack((expected, loads)),
        )
        if refused := refused or _too_far(incident, node, response, asked):
            return refused
    return None


def relived(stage: Stage, held: Mapping[int, float]) -> Floats:
    """Return what the effect would have shown, shape (instants,), had some signals been elsewhere.

    Args:
        stage: With a response for each node between.
        held: A value for each place.
    """
    recent = stage.inner.recent.copy()
    for place, value in held.items():
        recent[:, place] = stage.inward(place, value)
    for node in stage.between(held):
        response = stage.responses[node]
        assert response is not None
        was, would = (
            response.level(lagged(values, response.parents, response.lags), bounded=False)
            for values in (stage.inner.recent, recent)
        )
        change = would - was
        if not response.immediate[0]:
            change = approached(change[None], response.memory[:1], 0.0)[0]
        recent[:, node] += change
    return stage.outward(stage.effect, recent[:, stage.effect])


def _too_far(
    incident: Scene, node: int, response: Response, asked: NDArray[np.int64]
) -> str | None:
    """Return why the mechanism of ``node`` cannot be used on the incident; None if it can."""
    nodes = incident.acting.nodes
    inputs = lagged(incident.recent, response.parents, response.lags)[asked]
    reach = [incident.beyond(p, inputs[:, k]).max() for k, p in enumerate(response.parents)]
    farthest = int(np.argmax(reach))
    if reach[farthest] > FAR:
        far = nodes[response.parents[farthest]]
        return f"{far} is far from all that normal life showed, too far to reckon with"
    usual = response.own(incident.baseline, node)
    now = response.own(incident.recent, node)[asked]
    usual, now = usual[np.isfinite(usual)], now[np.isfinite(now)]
    width = max(float(np.ptp(usual)), 1e-12)
    strange = np.maximum(usual.min() - now, now - usual.max()).max(initial=0.0) / width
    if reach[farthest] > MARGIN and strange > BROKEN:
        return f"what {nodes[node]} shows does not follow from what acts on it as it used to"
    return None
