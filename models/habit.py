"""What a signal shows around the same time every day: a nightly job is no anomaly.

The values around an instant's time of day, on the other days of the baseline, span what is habit.
It takes two earlier days to make a habit, since what happened once at this hour may have been the
same fault; and both must agree.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from diagnose.schema import Window

Array = NDArray[np.float64]

DAY: Final = 86_400.0
DAYS: Final = 2  # earlier days that make a habit
AROUND: Final = 2  # instants before and after that belong to the same time: a job starts late


@dataclass(frozen=True, slots=True, eq=False)
class Habit:
    """Least and greatest values that other days lead to expect; infinite where they say nothing.

    Attributes:
        past: For each instant of the baseline, two arrays of shape (instants, signals).
        recent: For each instant of the recent part, the same.
    """

    past: tuple[Array, Array]
    recent: tuple[Array, Array]


def habits(window: Window, baseline: Array) -> Habit | None:
    """Return what days lead to expect; None where the baseline covers too few days.

    Args:
        window: Its times.
        baseline: Values of its baseline, of shape (instants, signals), NaN where unseen.
    """
    instants, day = window.recent.height, round(DAY / window.step_seconds)
    if not window.baseline.height or not instants or not day:
        return None
    reach = (window.recent["time"][0] - window.baseline["time"][0]).total_seconds()
    now = round(reach / window.step_seconds)  # where the recent part would start
    starts = [now - k * day for k in range(1, now // day + 1)]
    starts = [start for start in starts if start + instants <= len(baseline)]
    if len(starts) < DAYS:
        return None
    low, high = _around(baseline)
    earlier = [slice(start, start + instants) for start in starts]
    recent = _agreed(np.stack([low[s] for s in earlier]), np.stack([high[s] for s in earlier]))
    return Habit((_beside(low, day, np.fmax, np.inf), _beside(high, day, np.fmin, -np.inf)), recent)


def beyond(values: Array, low: Array, high: Array) -> Array:
    """Return how far ``values`` lie outside of [low, high]; 0 inside, infinity without bounds."""
    return np.maximum(np.maximum(low - values, values - high), 0.0)


def _around(values: Array) -> tuple[Array, Array]:
    """Return the least and the greatest value seen around each instant; NaN where none was."""
    unseen = np.isnan(values)
    size = 2 * AROUND + 1
    low = minimum_filter1d(np.where(unseen, np.inf, values), size, axis=0, mode="nearest")
    high = maximum_filter1d(np.where(unseen, -np.inf, values), size, axis=0, mode="nearest")
    nothing = low == np.inf
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def _beside(bound: Array, day: int, stricter: np.ufunc, nothing: float) -> Array:
    """Return a bound from the day before and the day after, as far as they are kept.

    Both must agree: what happened on one day only stays a rare event.
    """
    both = np.full(bound.shape, np.nan)
    both[day:] = bound[:-day]
    stricter(both[:-day], bound[day:], out=both[:-day])
    both[np.isnan(both)] = nothing
    return both


def _agreed(lows: Array, highs: Array) -> tuple[Array, Array]:
    """Return the bounds on which at least half of the days agree, of arrays (days, ...)."""
    seen = (~np.isnan(lows)).sum(axis=0)[None]
    upper = np.take_along_axis(np.sort(lows, axis=0), np.minimum(seen // 2, len(lows) - 1), axis=0)
    lower = np.take_along_axis(np.sort(highs, axis=0), np.maximum(seen - 1, 0) // 2, axis=0)
    low, high = upper[0], lower[0]
    return np.where(seen[0] > 0, low, np.inf), np.where(seen[0] > 0, high, -np.inf)
