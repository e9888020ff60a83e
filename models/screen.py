"""The most that the detector could say of each of many servers, at a fraction of its price.

Who looks at thousands of servers every few minutes cannot replay the past of each. What replaying
may add is bounded, though (``models.replay`` makes no line steeper than ``STEEPEST``), and all else
that the detector weighs costs little. So a server whose bound is below a bar is certainly calm, and
only the others are shown to the detector.
"""

from itertools import pairwise
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.detector import LONG, WITNESSES
from models.deviation import (
    COARSE,
    Deviations,
    counting_among,
    measured,
    settled_instants,
    smallest_scale,
)
from models.replay import RARE, STEEPEST
from models.together import breadth, pattern

Array = NDArray[np.float64]

AT_ONCE: Final = 4000  # signals that are measured together, so that they stay in the cache


def bounds(
    past: Array,
    now: Array,
    first: NDArray[np.intp],
    countable: NDArray[np.bool_],
    step_seconds: float,
) -> Array:
    """Return, for each server, what ``RobustDetector.score`` certainly does not exceed.

    Args:
        past: Values of the baseline, of shape (instants, signals), NaN where nothing was seen;
            the signals of a server stand together.
        now: Likewise, of the recent part, which follows at once.
        first: Of each server, the place of its first signal; then the number of all signals.
        countable: Signals that may count things (``deviation.countable``).
        step_seconds: Distance between two instants.

    Assumes:
        The baseline covers less than three days; longer ones have habits, which are not asked.
    """
    settled = settled_instants(len(past), step_seconds)
    found = []
    begin = 0
    while begin < len(first) - 1:
        end = max(int(np.searchsorted(first, first[begin] + AT_ONCE, "right")) - 1, begin + 1)
        part = slice(int(first[begin]), int(first[end]))
        before, lately = past[:, part], now[:, part]
        counting = counting_among(countable[part], before, lately)
        measures = measured(before, lately, settled, counting)
        places = (first[begin : end + 1] - first[begin]).tolist()
        for low, high in pairwise(places):
            found.append(_bound(before, lately, measures, counting, slice(low, high)))
        begin = end
    return np.array(found)


def _bound(
    past: Array, now: Array, measures: Deviations, counting: NDArray[np.bool_], part: slice
) -> float:
    """Return the bound of the server whose signals are ``part``."""
    tested = np.flatnonzero(measures.tested[part]) + part.start
    least = smallest_scale(measures.normal[tested], counting[tested])
    surprise = float(measures.surprise[tested].max(initial=0.0))
    read = -log10(RARE[0]) + surprise / STEEPEST if surprise else 0.0
    past, now = past[:, tested], now[:, tested]
    unusual = pattern(past, now, least)[0]
    alone = max(read - log10(max(len(tested), 1)), unusual - log10(WITNESSES), 0.0)
    stretches = len(past) / max(len(now) // COARSE, 1)
    weight = stretches / (stretches + LONG)
    return weight * alone + (1 - weight) * breadth(past, now, least)
