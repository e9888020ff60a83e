"""How far around a symptom is read: how long before it, how far from it, and how much.

What is near the symptom comes first: its entity, whom that calls and who calls it, its host, then
what is two calls away and the hosts of all these. What does not fit is left out, and said.
"""

from datetime import timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

HISTORY: Final = timedelta(hours=1)  # before the moment that is asked about, or ...
HISTORY_STEPS: Final = 240  # ... so many steps: the longer holds
HOPS: Final = 2  # calls after which nothing is near
MOST: Final = 2000  # series
STEP_SECONDS: Final = 15.0  # where neither readings nor their source tell it
LONGEST_STEP: Final = 900.0


def median_step(apart: NDArray[np.integer[Any]]) -> float:
    """Return the median distance of neighbouring readings in whole seconds.

    Args:
        apart: Microseconds between each reading of a series and the one before it; what is not
            positive tells nothing.

    Example:
        >>> median_step(np.array([15_000_000, 15_100_000, 0, 60_000_000]))
        15.0
    """
    positive = apart[apart > 0]
    if not len(positive):
        return STEP_SECONDS
    return min(max(1.0, float(round(np.median(positive) / 1e6))), LONGEST_STEP)
