"""How far a server is off its normal life, which was learned from days of it.

The detector (``models.detector``) compares the last minutes with what came before them, so what has
lasted for hours is normal to it. Here something has learned how the signals of calm days follow
each other, and remembers: what comes otherwise than it foretells is odd for as long as it lasts. It
foretells the next values from a narrow state alone and never from the last values, so that a level
at which nobody has been before cannot be copied.

One foreteller serves all servers that have the same signals; each server's own past says what is
usual for it. Nothing is labelled.

Assumes:
    The days that are learned from are mostly calm.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from models.foretellers import CONTEXT, Foreteller, Table

Array = NDArray[np.float64]

FARTHEST: Final = 10.0  # robust deviations beyond which a value does not count for more
UNIT: Final = 5.0  # robust deviations that are read as 1
FLOOR: Final = 0.01  # of a signal's range: the least scale
RARELY: Final = 0.3  # of the standard deviation: likewise, of what seldom moves
ROUNDING: Final = 1e-9  # of the median: likewise, of what never does
NOISE: Final = 0.02  # least error that is usual, in what is read
ODDEST: Final = 100.0  # ceiling of one signal's squared error
KEPT: Final = 0.2  # share of the past, its end, from which nothing was learned
TOP: Final = 0.1  # share of the past that shows how the tail falls


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """What is usual for each signal of a server.

    Attributes:
        middle: Median.
        width: Robust standard deviation, floored.
    """

    middle: Array
    width: Array

    @classmethod
    def of(cls, past: Array) -> Self:
        """Return the scale of values of shape (instants, signals), NaN where nothing was seen.

        A signal that was never seen has none, and is never told.
        """
        seen = np.isfinite(past).any(axis=0)
        middle, width = (np.full(past.shape[1], np.nan) for _ in range(2))
        past = past[:, seen]
        low, middle[seen], high = np.nanquantile(past, [0.05, 0.5, 0.95], axis=0)
        range_ = np.nanmax(past, axis=0) - np.nanmin(past, axis=0)
        least = np.maximum((high - low) / 3.29, FLOOR * np.maximum(range_, 1e-9))
        least = np.maximum(least, ROUNDING * np.abs(middle[seen]))
        width[seen] = np.maximum(least, RARELY * np.nanstd(past, axis=0))
        return cls(middle, width)

    def read(self, values: Array) -> Table:
        """Return values as a foreteller reads them, of shape (..., instants, 2 x signals).

        Each value in its unit, and whether it was seen.
        """
        moved = np.clip((values - self.middle) / self.width, -FARTHEST, FARTHEST) / UNIT
        told = np.isfinite(moved)
        return np.concatenate([np.where(told, moved, 0.0), told], axis=-1).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class NormalLife:
    """The normal life of one server.

    Attributes:
        scale: Of its signals.
        foreteller: Who foretells them.
        error: How wrong it usually is about each signal.
        odd: How odd the calm end of the past was, an instant at a time; NaN where nothing was seen.
    """

    scale: Scale
    foreteller: Foreteller
    error: Array
    odd: Array

    @classmethod
    def of(cls, past: Array, foreteller: Foreteller) -> Self:
        """Return what a server's past says.

        Args:
            past: Values of shape (instants, signals), NaN where nothing was seen.
            foreteller: Who has learned from servers with the same signals, and nothing from the
                last ``KEPT`` of this past.
        """
        begin = calm_from(len(past))
        scale = Scale.of(past)
        wrong = wrong_by(foreteller, scale.read(past[begin - CONTEXT :]))
        seen = np.isfinite(wrong)
        square = np.where(seen, wrong, 0.0) ** 2
        error = np.sqrt(square.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)) + NOISE
        odd = oddness(wrong, error)
        return cls(scale, foreteller, error, np.where(seen.any(axis=1), odd, np.nan))

    def oddness(self, values: Array) -> Array:
        """Return how odd each instant is after the first ``CONTEXT``; about 1 in normal life.

        Args:
            values: Of shape (instants, signals), NaN where nothing was seen.
        """
        return oddness(wrong_by(self.foreteller, self.scale.read(values)), self.error)

    def calm(self, length: int) -> Array:
        """Return how odd stretches of ``length`` instants were in the calm past, on a log scale.

        They are sorted; those in which nothing was seen are left out.
        """
        whole = self.odd[len(self.odd) % length :].reshape(-1, length)
        whole = whole[np.isfinite(whole).any(axis=1)]
        return np.sort(np.log1p(np.nanmean(whole, axis=1)))


def calm_from(instants: int) -> int:
    """Return where the calm end of a past begins."""
    return instants - max(int(KEPT * instants), CONTEXT + 1)


def wrong_by(foreteller: Foreteller, course: Table) -> Array:
    """Return by how much each instant after the first ``CONTEXT`` differs from what was foretold.

    Returns:
        Shape (instants, signals), NaN where nothing was seen.
    """
    places = np.arange(CONTEXT, len(course))
    return missed(course, places, foreteller.foretell(course, places))


def missed(course: Table, places: NDArray[np.int64], foretold: Table) -> Array:
    """Return what came less what was foretold; NaN where nothing was seen."""
    signals = course.shape[1] // 2
    now, told = course[places, :signals], course[places, signals:] > 0
    return np.where(told, now - foretold, np.nan).astype(np.float64)


def oddness(wrong: Array, error: Array) -> Array:
    """Return the mean squared error of the signals seen, in usual ones; 0 where none was."""
    square = squares(wrong, error)
    seen = np.isfinite(square)
    odd: Array = np.where(seen, square, 0.0).sum(axis=-1) / np.maximum(seen.sum(axis=-1), 1)
    return odd


def squares(wrong: Array, error: Array) -> Array:
    """Return the squared error of each signal, in usual ones, at most ``ODDEST``."""
    square: Array = np.minimum((wrong / error) ** 2, ODDEST)
    return square


def surprise(calm: Array, odd: Array) -> Array:
    """Return -log10 of the chance of a stretch in the calm past that is as odd as this.

    The tail beyond the oddest tenth falls as an exponential of the logarithm.

    Args:
        calm: As ``NormalLife.calm`` gives it.
        odd: Means over stretches of the same length.
    """
    start = float(np.quantile(calm, 1 - TOP))
    above = calm[calm > start]
    index = max(float((above - start).mean()) if len(above) else 0.0, 1e-9)
    reached = np.log1p(odd)
    share = 1 - np.searchsorted(calm, reached) / len(calm)
    beyond = -np.log10(TOP) + (reached - start) / index / np.log(10)
    seen = -np.log10(np.maximum(share, TOP))
    read: Array = np.where(reached > start, beyond, seen)
    return read
