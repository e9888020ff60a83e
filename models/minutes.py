"""What signals showed, minute by minute, however often they are read.

What is learned from days must not depend on how often somebody reads, and an instant a minute is
little enough to learn from days of many servers.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MINUTE_SECONDS: Final = 60.0


def minutes_of(values: Array, step_seconds: float, most: int) -> Array:
    """Return the mean of each minute, counted from the end, of shape (minutes, signals).

    Args:
        values: Of shape (instants, signals), NaN where nothing was seen.
        step_seconds: Distance between two instants; where it is longer than a minute, there are no
            minutes.
        most: Minutes at the end that are wanted.

    Returns:
        NaN where nothing was seen in a minute; fewer than ``most`` where there are no more.

    Example:
        >>> minutes_of(np.array([[1.0], [2.0], [3.0], [np.nan]]), 30.0, 5).tolist()
        [[1.5], [3.0]]
    """
    if step_seconds > MINUTE_SECONDS:
        return np.empty((0, values.shape[1]))
    back = (np.arange(len(values))[::-1] * step_seconds // MINUTE_SECONDS).astype(np.intp)
    begin = int((back >= most).sum())
    begins = np.flatnonzero(np.diff(back[begin:], prepend=-1))
    columns = values[begin:].T  # a panel holds each column in one piece
    seen = ~np.isnan(columns)
    count = np.add.reduceat(seen, begins, axis=1, dtype=np.int32)
    total = np.add.reduceat(np.where(seen, columns, 0.0), begins, axis=1)
    means: Array = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means.T
