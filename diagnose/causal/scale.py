"""On which scale a signal's causes add up: its own, or that of its logarithm.

Causes of a latency, a rate or a size multiply more often than they add up. On the logarithm such a
signal is as regular as any other, and noise that seemed to grow with the load does not.

Reference: Box and Cox, "An analysis of transformations", Journal of the Royal Statistical Society B
26, 1964.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.scene import Scene

Floats = NDArray[np.float64]

FEWEST: Final = 50  # instants from which a scale can be told


def multiplying(incident: Scene) -> NDArray[np.bool_]:
    """Return, for each node, whether it is likelier to be normal on the scale of its logarithm.

    Nodes that ever show 0 or less are not.
    """
    return np.array(
        [
            bool((now > 0).all()) and _multiplies(past[np.isfinite(past)])
            for past, now in zip(incident.baseline.T, incident.recent.T, strict=True)
        ],
        dtype=np.bool_,
    )


def _multiplies(values: Floats) -> bool:
    if len(values) < FEWEST or values.min() <= 0 or np.ptp(values) <= 0:
        return False
    logarithm = np.log(values)
    added, multiplied = (-0.5 * len(values) * np.log(one.var()) for one in (values, logarithm))
    return bool(multiplied - logarithm.sum() > added)


def inward(values: Floats, multiplies: NDArray[np.bool_]) -> Floats:
    """Return ``values``, shape (..., nodes), on the scales on which causes add up."""
    with np.errstate(divide="ignore"):
        logarithm = np.log(np.maximum(values, 0.0))
    return np.where(multiplies, logarithm, values)


def outward(values: Floats, multiplies: NDArray[np.bool_]) -> Floats:
    """Return ``values``, shape (..., nodes), on the scales of the signals."""
    return np.where(multiplies, np.exp(np.where(multiplies, values, 0.0)), values)


def rescaled(incident: Scene, multiplies: NDArray[np.bool_]) -> Scene:
    """Return the incident with each node on the scale on which its causes add up."""
    return replace(
        incident,
        baseline=inward(incident.baseline, multiplies),
        recent=inward(incident.recent, multiplies),
        normal=inward(incident.normal, multiplies),
        low=inward(incident.low, multiplies),
        high=inward(incident.high, multiplies),
        seen=inward(incident.seen, multiplies),
    )
