"""How far each signal left its own normal life, and how surprising that is.

Two measures, since neither wins everywhere. The *score* is the distance from the median in robust
standard deviations, sustained for several instants: it compares signals by size. The *surprise* is
-log10 of the chance that the signal's own past shows as much: it knows that some signals jump every
day. The tail behind it is extrapolated from the largest tenth of the baseline, since a few hundred
instants alone cannot tell one in ten thousand.

Median and quantiles hold when the alert comes late and the fault has already entered the history;
mean and standard deviation do not. Where earlier days are kept, a value is compared with what the
signal showed at the same time of those days as well: a nightly job is no anomaly.

Reference: Hill, "A simple general approach to inference about the tail of a distribution", Annals
of Statistics 3 (1975), applied to 1 + deviation, with a prior towards ``TAIL``; Pham, Ha, Zhang,
"BARO", FSE 2024, for median and interquartile range.

Assumes:
    The baseline is mostly normal: fewer than a quarter of its instants belong to faults.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Window

Array = NDArray[np.float64]

WORST: Final = 1e6  # ceiling of a score: finite, since JSON has no infinity
HISTORY: Final = 10  # least instants seen in the baseline that make a normal range
FLOOR: Final = 0.01  # smallest scale, as a share of the median: below it, movement is noise
MOVED: Final = 20.0  # score of a signal that was always zero and is not any more
SUSTAINED: Final = 20  # a deviation counts that lasts for this part of the recent instants ...
INSTANTS: Final = 2  # ... and for this many at least
TOP: Final = 0.1  # share of the baseline that shows how the tail falls
TAIL: Final = 0.3  # prior of the tail's index: heavier than normal, lighter than a spike a day
PRIOR: Final = 3.0  # instants that the prior is worth
NOVEL: Final = (
    3  # instants of a never-seen value that count as evidence; more follow from the first
)
IQR_TO_SIGMA: Final = 0.7413  # makes the interquartile range of normal data its deviation
MAD_TO_SIGMA: Final = 1.4826  # the same for the median absolute deviation
SPREAD_TO_SIGMA: Final = 1 / 3.29  # the same for the range from the 5th to the 95th percentile
LEVEL: Final = 3.0  # robust standard deviations from which a movement may be an onset
COUNTS: Final = ("count", "")  # units of a gauge that may count things
DAY: Final = 86_400.0
DAYS: Final = 2  # earlier days that make a habit


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """One value a signal of a window, in the window's order.

    Attributes:
        normal: Median of the baseline, in the signal's unit.
        scale: Robust standard deviation of the baseline, in the signal's unit, floored.
        score: Sustained deviation of the recent part, in ``scale``; 0 where there is no history.
        largest: The same at the most deviating instant alone, a blip included.
        surprise: -log10 of the chance of such a score in normal life, before any correction for
            the number of signals; 0 or more.
        peak: Index of the most deviating recent instant; -1 where the score is 0.
        onset: Index of the first recent instant outside the normal range; -1 where there is none.
        tested: Whether the signal has a history and was seen lately.
    """

    normal: Array
    scale: Array
    score: Array
    largest: Array
    surprise: Array
    peak: NDArray[np.intp]
    onset: NDArray[np.intp]
    tested: NDArray[np.bool_]


def measure(window: Window) -> Deviations:
    """Return how far each signal of ``window`` has left its baseline."""
    past = window.baseline.drop("time").to_numpy()
    now = window.recent.drop("time").to_numpy()
    normal, scale, counts, constant = _normal_range(past, now)
    scale = np.maximum(scale, _counting_error(window, past, now, normal))
    tail = np.sort(np.abs(past - normal) / scale, axis=0)  # NaN last
    lately = np.nan_to_num(np.abs(now - normal) / scale, nan=0.0)
    usual = _same_time_of_earlier_days(window, past, len(now))
    if usual is not None:
        seasonal = np.abs(now - usual) / scale
        lately = np.fmin(lately, np.nan_to_num(seasonal, nan=np.inf))
    seen = (~np.isnan(now)).sum(axis=0)
    tested = (counts >= HISTORY) & (seen > 0)
    lately = np.where(tested, np.minimum(lately, WORST), 0.0)
    score = _sustained(lately, seen)
    surprise = _surprise(tail, counts, score, seen)
    # The first never-seen values of a constant are evidence one by one; Laplace's rule of
    # succession gives each the chance 1 / (n + 1), however far they lie.
    moved = np.minimum((lately > 1).sum(axis=0), NOVEL) * np.log10(counts + 1.0)
    surprise = np.where(constant, np.minimum(surprise, moved), surprise)
    return Deviations(
        np.nan_to_num(normal),
        scale,
        score,
        lately.max(axis=0, initial=0.0),
        np.where(tested, surprise, 0.0),
        np.where(score > 0, lately.argmax(axis=0) if len(lately) else -1, -1),
        _onset(lately, tail, counts),
        tested,
    )


def _normal_range(
    past: Array, now: Array
) -> tuple[Array, Array, NDArray[np.intp], NDArray[np.bool_]]:
    """Return median, scale, number of instants seen, and whether the past is constant."""
    ordered = np.sort(past, axis=0)
    counts = (~np.isnan(past)).sum(axis=0)
    low, q25, normal, q75, high = (
        _quantile(ordered, counts, q) for q in (0.05, 0.25, 0.5, 0.75, 0.95)
    )
    mad = _quantile(np.sort(np.abs(past - normal), axis=0), counts, 0.5)
    widths = [MAD_TO_SIGMA * mad, IQR_TO_SIGMA * (q75 - q25), SPREAD_TO_SIGMA * (high - low)]
    scale = np.maximum(np.nan_to_num(np.max(widths, axis=0)), FLOOR * np.abs(np.nan_to_num(normal)))
    extent = np.nan_to_num(_quantile(ordered, counts, 1.0) - _quantile(ordered, counts, 0.0))
    constant = extent <= 1e-9 * np.abs(np.nan_to_num(normal))
    # Rarely moving: neither quantile sees it, so its whole range is the scale.
    scale = np.where(scale > 0, scale, extent)
    farthest = np.nan_to_num(np.abs(now - normal)).max(axis=0, initial=0.0)
    scale = np.where(scale > 0, scale, np.maximum(farthest / MOVED, 1e-12))
    return normal, scale, counts, constant


def _counting_error(window: Window, past: Array, now: Array, normal: Array) -> Array:
    """Return the root of what is usual for gauges that count a few things, 0 for all others.

    A third connection beside two is not news, even if there were two all day. Rates and log counts
    are exempt (one error a second is news), and so are states that are only ever 0 or 1.
    """
    counting = np.array([s.source == "metric" and s.kind.unit in COUNTS for s in window.signals])
    with np.errstate(invalid="ignore"):
        whole = np.ones(len(counting), dtype=bool)
        largest = np.zeros(len(counting))
        for part in (past, now):
            whole &= (np.isnan(part) | (part == np.rint(part))).all(axis=0)
            largest = np.fmax(largest, np.nan_to_num(part).max(axis=0, initial=0.0))
    usual = np.sqrt(np.maximum(np.abs(np.nan_to_num(normal)), 1.0))
    return np.where(counting & whole & (largest > 1), usual, 0.0)


def _quantile(ordered: Array, counts: NDArray[np.intp], share: float) -> Array:
    """Return the nearest quantile of each column of ``ordered``, whose NaN come last."""
    if not len(ordered):
        return np.full(ordered.shape[1], np.nan)
    row = np.rint(share * np.maximum(counts - 1, 0)).astype(np.intp)
    quantile: Array = np.take_along_axis(ordered, row[None], axis=0)[0]
    return quantile


def _sustained(lately: Array, seen: NDArray[np.intp]) -> Array:
    """Return the deviation that each signal reached at enough instants to be more than a blip."""
    if not len(lately):
        return np.zeros(lately.shape[1])
    rank = np.minimum(np.maximum(INSTANTS, seen // SUSTAINED), np.maximum(seen, 1))
    ordered = -np.sort(-lately, axis=0)
    sustained: Array = np.take_along_axis(ordered, (rank - 1)[None], axis=0)[0]
    return sustained


def _surprise(tail: Array, counts: NDArray[np.intp], score: Array, seen: NDArray[np.intp]) -> Array:
    """Return -log10 of the chance that a normal signal sustains ``score``.

    Args:
        tail: Deviations of the baseline, ascending, NaN last.
        counts: Instants of the baseline that were seen.
        score: Sustained deviation.
        seen: Instants of the recent part that were seen: so many chances to deviate.
    """
    if not len(tail):
        return np.zeros_like(score)
    start = np.nan_to_num(_quantile(tail, counts, 1 - TOP))
    row = np.arange(len(tail))[:, None]
    largest = (row < counts) & (tail > start)
    excess = np.log((1 + np.where(largest, tail, 0.0)) / (1 + start))
    number = largest.sum(axis=0)
    index = (np.where(largest, excess, 0.0).sum(axis=0) + TAIL * PRIOR) / (number + PRIOR)
    beyond = np.log10((1 + score) / (1 + start)) / index - np.log10(TOP)
    runs = np.maximum(seen / np.maximum(INSTANTS, seen // SUSTAINED), 1.0)
    surprise: Array = np.maximum(beyond - np.log10(runs), 0.0)
    return surprise


def _onset(lately: Array, tail: Array, counts: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first of two instants in a row that lie outside what is normal; -1 for none."""
    if not len(lately):
        return np.full(lately.shape[1], -1, dtype=np.intp)
    level = np.maximum(LEVEL, np.nan_to_num(_quantile(tail, counts, 0.99)))
    outside = lately > level
    lasting = outside.copy()
    lasting[:-1] &= outside[1:]
    lasting = np.where(lasting.any(axis=0), lasting, outside)
    return np.where(lasting.any(axis=0), lasting.argmax(axis=0), -1)


def _same_time_of_earlier_days(window: Window, past: Array, instants: int) -> Array | None:
    """Return the median of what was seen at the recent instants' time of day, on earlier days.

    NaN where nothing was seen; None where the baseline holds fewer than ``DAYS`` earlier days,
    since what happened once at this hour may have been the same fault.
    """
    if not window.baseline.height or not instants:
        return None
    reach = (window.recent["time"][0] - window.baseline["time"][0]).total_seconds()
    starts = [
        round((reach - day * DAY) / window.step_seconds) for day in range(1, int(reach // DAY) + 1)
    ]
    days = [past[start : start + instants] for start in starts if start + instants <= len(past)]
    if len(days) < DAYS:
        return None
    ordered = np.sort(np.stack(days), axis=0)
    counts = (~np.isnan(ordered)).sum(axis=0)
    middle = (np.maximum(counts, 1) - 1) // 2
    usual: Array = np.take_along_axis(ordered, middle[None], axis=0)[0]
    return usual
