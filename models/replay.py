"""What a window's own past, replayed as if it were recent, tells of its surprises.

A surprise is extrapolated from a few hundred instants of one signal, with a prior for what they do
not show. Whether the tails of this system are lighter or heavier than that is seen by replaying:
parts of the baseline are judged by the rest of it, all signals are pooled, and the quantiles of
their surprises give the line on which -log10 of a true chance lies. So light tails are detected
early, and a system in which something bursts every hour stays silent.

Reference: the split into interleaved folds is that of Bergmeir, Benítez, "On the use of
cross-validation for time series predictor evaluation", Information Sciences 191 (2012); the line is
the exponential tail of peaks over a threshold (Pickands 1975), fitted at two quantiles, so that a
fault in the past bends it little.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Window
from models.deviation import (
    ALIKE,
    COARSE,
    HISTORY,
    Counts,
    Deviations,
    counts_things,
    judge,
    learn,
    settled,
)

Array = NDArray[np.float64]

PIECES: Final = 16  # into which the past is cut; every other one is judged by those between
BLOCKS: Final = 64  # as long as the recent part, that are judged at most
SIGNALS: Final = 500  # that are pooled at most
LEAST: Final = 200  # surprises that tell something
FAULT: Final = 0.01  # chance of what a signal shows in a fault ...
BROAD: Final = 0.1  # ... which more than this share of the signals must show at once ...
FEW: Final = 2  # ... and more than so many ...
FAULTS: Final = 0.1  # ... in at most this share of the blocks
RARE: Final = (0.1, 0.01)  # chances of the two quantiles through which the line goes
PRIOR: Final = 20.0  # surprises that the prior, a line of slope 1, is worth
STEEPEST: Final = 0.7  # slope below which no number of calm days makes us trust small movements


@dataclass(frozen=True, slots=True)
class Line:
    """How a surprise is read: from ``level`` on, ``slope`` of it make one order of magnitude."""

    level: float = 1.0
    slope: float = 1.0

    def read(self, surprise: Array) -> Array:
        """Return -log10 of the chance of each surprise in this window's own past."""
        usual = -np.log10(RARE[0])
        beyond = usual + (surprise - self.level) / self.slope
        read: Array = np.where(surprise > self.level, beyond, np.minimum(surprise, usual))
        return read


def replay(window: Window) -> Line:
    """Return the line on which the surprises of the baseline of ``window`` lie."""
    past = window.baseline.drop("time").to_numpy()[: settled(window)]
    recent = window.recent.drop("time").to_numpy()
    column = np.linspace(0, past.shape[1] - 1, min(SIGNALS, past.shape[1])).astype(np.intp)
    counting = counts_things(window, past, recent)[column]
    replayed = _replayed(past[:, column], counting, len(recent), window.since_alert())
    surprises = _calm(replayed)
    known = surprises[~np.isnan(surprises)]
    if len(known) < LEAST:
        return Line()
    level, high = np.quantile(known, [1 - share for share in RARE])
    slope = (high - level) / np.log10(RARE[0] / RARE[1])
    weight = RARE[0] * len(known)
    return Line(float(level), max((slope * weight + PRIOR) / (weight + PRIOR), STEEPEST))


def precedents(past: Array, length: int, found: Deviations) -> Counts:
    """Return how often each signal has already held nearly such a deviation as it shows now.

    Args:
        past: Values of the baseline that are surely no part of the fault, of shape (instants,
            signals).
        length: Instants of the recent part.
        found: What the recent part shows.
    """
    size = max(length // COARSE, 1)
    distance = np.nan_to_num(np.abs(past[len(past) % size :] - found.normal)) / found.scale
    ordered: Array = np.sort(distance.reshape(-1, size, past.shape[1]), axis=1)
    level = ordered[:, (size - 1) // 2]
    held = np.where(found.brief, level[1:], np.minimum(level[1:], level[:-1]))
    alike = held >= ALIKE * found.score
    runs = (np.diff(alike.astype(np.int8), axis=0, prepend=0) == 1).sum(axis=0)
    counts: Counts = np.where(found.score > 0, runs, 0)
    return counts


def _calm(surprises: Array) -> Array:
    """Return ``surprises`` without the few blocks in which many signals were surprising at once.

    Those were faults. One signal that bursts every hour stays: that is its normal life.
    """
    if not surprises.size:
        return surprises
    high = (surprises >= -np.log10(FAULT)).sum(axis=1)  # not where NaN
    broad = high > max(BROAD * surprises.shape[1], FEW)
    most = int(FAULTS * len(surprises))
    broad[np.argsort(-high, kind="stable")[most:]] = False
    calm: Array = surprises[~broad]
    return calm


def _replayed(past: Array, counting: NDArray[np.bool_], length: int, since: int) -> Array:
    """Return the surprises of blocks of ``length`` instants, of shape (blocks, signals).

    Each is judged as if an alert had come before its last ``since`` instants.
    """
    if not length:
        return np.empty((0, past.shape[1]))
    piece = np.arange(len(past)) // (length * ceil(len(past) / PIECES / length))
    found = []
    for fold in (0, 1):
        judged = piece % 2 == fold
        starts = [
            begin + k * length
            for begin in np.flatnonzero(judged & (np.diff(piece, prepend=-1) > 0))
            for k in range(int((piece == piece[begin]).sum()) // length)
        ]
        if not starts or (~judged).sum() < HISTORY:
            continue
        normal = learn(past[~judged], counting)
        chosen = np.linspace(0, len(starts) - 1, min(len(starts), BLOCKS // 2)).astype(np.intp)
        for start in np.array(starts)[chosen]:
            now = past[start : start + length]
            surprise = judge(normal, now, since=since)[2]
            surprise[(normal.counts < HISTORY) | np.isnan(now).all(axis=0)] = np.nan
            found.append(surprise)
    return np.array(found).reshape(-1, past.shape[1])
