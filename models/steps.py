"""Where a level has stepped down: somebody cleared up, rotated, resized, restarted.

What a level did before such a step tells nothing of where it goes after it.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

HELD: Final = 5  # values after a step, all of which lie below it ...
HELD_LATELY: Final = 2  # ... and so many where no more have followed yet ...
ABOVE: Final = 3  # ... and values before it that lie above: fewer are a blip
BEYOND_NOISE: Final = 6.0  # robust deviations of what a level gains in one go, for a step
UNDONE: Final = 0.25  # least share of all that the level has covered, for a step
MAD_TO_SIGMA: Final = 1.4826  # makes the median absolute deviation of normal noise its deviation


def stepping(values: Array) -> NDArray[np.int8]:
    """Return at which instants levels have just stepped, and stayed there: 1 up, -1 down, else 0.

    A step is larger than the noise between neighbours and undoes a fair share of all that the level
    has covered, so that neither white noise nor a level that wanders has any.

    Args:
        values: Of shape (instants, levels), finite.

    Example:
        >>> level = np.r_[np.linspace(0.5, 0.9, 20), 0.2, 0.21]
        >>> np.flatnonzero(stepping(level[:, None]) < 0).tolist()
        [20]
    """
    stepped = np.zeros(values.shape, dtype=np.int8)
    if len(values) < ABOVE + HELD:
        return stepped
    gains = np.diff(values, axis=0)
    noise = MAD_TO_SIGMA * _median(np.abs(gains - _median(gains)))
    for sign in (1, -1):
        (column,) = np.nonzero((sign * gains).max(axis=0) > BEYOND_NOISE * noise)
        lasts = _lasting(sign * values[:, column], BEYOND_NOISE * noise[column])
        stepped[ABOVE : 1 - HELD_LATELY, column] += np.int8(sign) * lasts
    return stepped


def _lasting(values: Array, least: Array) -> NDArray[np.bool_]:
    """Return where ``values`` step up by more than ``least``, and stay up, from ``ABOVE`` on."""
    covered = np.maximum.accumulate(values, axis=0) - np.minimum.accumulate(values, axis=0)
    later = np.vstack([values[ABOVE:], np.full((HELD - HELD_LATELY, values.shape[1]), np.inf)])
    after = sliding_window_view(later, HELD, axis=0).min(axis=-1)
    before = sliding_window_view(values, ABOVE, axis=0).max(axis=-1)[: len(after)]
    share: Array = UNDONE * covered[ABOVE - 1 : -HELD_LATELY]
    lasts: NDArray[np.bool_] = after - before > np.maximum(least, share)
    return lasts


def _median(values: Array) -> Array:
    """Return the upper median of each column; faster than numpy's."""
    middle = len(values) // 2
    median: Array = np.partition(np.ascontiguousarray(values.T), middle, axis=1)[:, middle]
    return median


def medians(values: Array, first: NDArray[np.intp]) -> Array:
    """Return the median of each stretch of ``values``.

    Args:
        values: Finite.
        first: Where each stretch begins, in order; the last ends with the values.
    """
    sizes = np.diff(first, append=len(values))
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(first)), sizes)))]
    middle: Array = (ordered[first + (sizes - 1) // 2] + ordered[first + sizes // 2]) / 2
    return middle


def last_step(values: Array, bucket: Callable[[int], NDArray[np.intp]]) -> tuple[int, int]:
    """Return where the values after the last step down begin, and how many steps there were.

    A step within one instant is seen as soon as it has lasted for two, one that takes longer in the
    medians of the buckets.

    Args:
        values: A level, in the order of time.
        bucket: Told a place, returns the number of the bucket of each value from there on.
    """
    begin = steps = 0
    while len(values) - begin >= ABOVE + HELD:
        rest = values[begin:]
        places = np.flatnonzero(stepping(rest[:, None]) < 0)
        if not len(places):
            first = np.append(0, np.flatnonzero(np.diff(bucket(begin))) + 1)
            places = first[np.flatnonzero(stepping(medians(rest, first)[:, None]) < 0)]
        if not len(places):
            break
        begin += int(places[-1])
        steps += len(places)
    return begin, steps
