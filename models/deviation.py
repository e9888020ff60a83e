"""How far each signal left its own normal life, and how surprising that is.

Two measures, since neither wins everywhere. The *score* is the distance from the median in robust
standard deviations, sustained for some time (or shown by all that was seen since the alert, which
may be one reading): it compares signals by size. The *surprise* is -log10
of the chance that the signal's own past shows as much: it knows that some signals jump every day.
The tail behind it is extrapolated from the largest tenth of the baseline, since a few hundred
instants alone cannot tell one in ten thousand.

Median and quantiles hold when the alert comes late and the fault has already entered the history;
mean and standard deviation do not. For the same reason the last minutes of the history are learned
from only as far as the rest of it calls them normal. Where earlier days are kept, a value is
compared with what the signal showed around the same time of those days as well: a nightly job is no
anomaly.

Reference: Hill, "A simple general approach to inference about the tail of a distribution", Annals
of Statistics 3 (1975), applied to 1 + deviation, with a prior towards ``TAIL``; Pham, Ha, Zhang,
"BARO", FSE 2024, for median and interquartile range.

Assumes:
    The baseline is mostly normal: fewer than a quarter of its instants belong to faults.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Signal, Window
from models.habit import Habit, beyond, habits

Array = NDArray[np.float64]
Counts = NDArray[np.intp]

WORST: Final = 1e6  # ceiling of a score: finite, since JSON has no infinity
HISTORY: Final = 10  # least instants seen in the baseline that make a normal range
GUARD: Final = 1800.0  # seconds at the baseline's end that a slow fault or late alert may spoil ...
GUARD_INSTANTS: Final = 3  # ... and at least so many instants ...
GUARD_SHARE: Final = 0.15  # ... but at most this share of the baseline
FLOOR: Final = 0.01  # smallest scale, as a share of the median: below it, movement is noise
MOVED: Final = 20.0  # score of a signal that was always zero and is not any more
COARSE: Final = 40  # stretches into which a long recent part is pooled, so that blips cancel
TOP: Final = 0.1  # share of the baseline that shows how the tail falls
TAIL: Final = 0.4  # prior of the tail's index: heavier than normal, lighter than a spike a day
PRIOR: Final = 5.0  # runs that the prior is worth
NOVEL: Final = 3  # instants of a never-seen value that are evidence; more follow from the first
IQR_TO_SIGMA: Final = 0.7413  # makes the interquartile range of normal data its deviation
MAD_TO_SIGMA: Final = 1.4826  # the same for the median absolute deviation
SPREAD_TO_SIGMA: Final = 1 / 3.29  # the same for the range from the 5th to the 95th percentile
ALIKE: Final = 0.8  # share of a movement that an earlier one must reach to be its precedent
CALM: Final = 5  # instants within the normal range that end an excursion
LEVEL: Final = 3.0  # robust standard deviations from which a movement may be an onset
COUNTS: Final = ("count", "")  # units of a gauge that may count things


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
        onset: Index of the recent instant at which the excursion that holds the peak left the
            normal range; -1 where there is none.
        tested: Whether the signal has a history and was seen lately.
        brief: Whether it was seen too briefly since the alert to have sustained anything, so that
            the last stretch counts alone.
    """

    normal: Array
    scale: Array
    score: Array
    largest: Array
    surprise: Array
    peak: Counts
    onset: Counts
    tested: NDArray[np.bool_]
    brief: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """What is normal for some signals; one value a signal.

    Attributes:
        normal: Median.
        scale: Robust standard deviation; 0 where the signal was always zero.
        counts: Instants seen.
        constant: Whether it never moved.
        start: Deviation, in ``scale``, that a share ``TOP`` of the instants reaches.
        rare: Deviation that one instant in a hundred reaches.
        index: How fast the tail falls beyond ``start``: P(d) ~ ((1 + d) / (1 + start))^(-1/index).
    """

    normal: Array
    scale: Array
    counts: Counts
    constant: NDArray[np.bool_]
    start: Array
    rare: Array
    index: Array


def measure(window: Window) -> Deviations:
    """Return how far each signal of ``window`` has left its baseline."""
    baseline = window.baseline.drop("time").to_numpy()
    now = window.recent.drop("time").to_numpy()
    habit = habits(window, baseline)
    counting = counts_things(window, baseline, now)
    return measured(baseline, now, settled(window), counting, habit, window.since_alert())


def measured(
    baseline: Array,
    now: Array,
    settled: int,
    counting: NDArray[np.bool_],
    habit: Habit | None = None,
    since: int | None = None,
) -> Deviations:
    """Return how far each signal has left its baseline; any number of signals of any servers.

    Args:
        baseline: Values of shape (instants, signals), NaN where nothing was seen.
        now: Likewise, of the recent part.
        settled: Instants of the baseline that are normal even if the alert came late.
        counting: Signals that count a few things.
        habit: What earlier days lead to expect.
        since: Last instants of ``now`` that came since the alert; None for all.
    """
    past = _learned(baseline, settled, counting, habit)
    lately, score, surprise, brief = judge(past, now, habit, since)
    tested = (past.counts >= HISTORY) & ~np.isnan(now).all(axis=0)
    reached = np.nan_to_num(lately, nan=0.0)
    return Deviations(
        past.normal,
        _scale(past, now),
        score,
        reached.max(axis=0, initial=0.0),
        surprise,
        np.where(score > 0, reached.argmax(axis=0) if len(now) else -1, -1),
        _onset(reached, np.maximum(LEVEL, past.rare)),
        tested,
        brief,
    )


def settled(window: Window) -> int:
    """Return how many of the baseline's first instants are normal even if the alert came late."""
    return settled_instants(window.baseline.height, window.step_seconds)


def settled_instants(instants: int, step_seconds: float) -> int:
    """Return the same of a baseline of ``instants`` that are ``step_seconds`` apart."""
    guard = max(round(GUARD / step_seconds), GUARD_INSTANTS)
    return instants - min(guard, int(GUARD_SHARE * instants))


def counts_things(window: Window, past: Array, now: Array) -> NDArray[np.bool_]:
    """Return which signals are gauges that count a few things.

    Rates and log counts are exempt (one error a second is news), and so are states that are only
    ever 0 or 1.
    """
    return counting_among(countable(window.signals), past, now)


def countable(signals: Iterable[Signal]) -> NDArray[np.bool_]:
    """Return which signals may count things, by what they are."""
    return np.array([s.source == "metric" and s.kind.unit in COUNTS for s in signals], dtype=bool)


def counting_among(countable: NDArray[np.bool_], past: Array, now: Array) -> NDArray[np.bool_]:
    """Return which of the ``countable`` signals do count things, by what they show."""
    counting = countable.copy()
    for part in (past, now):
        counting &= (np.isnan(part) | (part == np.rint(part))).all(axis=0)
    largest = np.fmax.reduce(np.vstack([past, now]), axis=0, initial=0.0)
    counting &= largest > 1
    return counting


def smallest_scale(normal: Array, counting: NDArray[np.bool_]) -> Array:
    """Return the scale below which movement is noise.

    Args:
        normal: Median of each signal.
        counting: Signals that vary by the root of their number at least: a third connection beside
            two is not news, even if there were two all day.
    """
    share, error = FLOOR * np.abs(normal), np.sqrt(np.maximum(np.abs(normal), 1.0))
    return np.where(counting, np.maximum(share, error), share)


def learn(
    past: Array, counting: NDArray[np.bool_], habit: tuple[Array, Array] | None = None
) -> Past:
    """Return what is normal in ``past``.

    Args:
        past: Values of shape (instants, signals), NaN where nothing was seen.
        counting: Signals that vary by the root of their number at least.
        habit: Least and greatest value that other days lead to expect at each instant.
    """
    ordered = np.sort(past, axis=0)  # NaN last
    counts = (~np.isnan(past)).sum(axis=0)
    least, low, q25, normal, q75, high, most = (
        np.nan_to_num(_quantile(ordered, counts, q))
        for q in (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
    )
    distance = np.abs(past - normal)
    mad = np.nan_to_num(_quantile(np.sort(distance, axis=0), counts, 0.5))
    widths = [MAD_TO_SIGMA * mad, IQR_TO_SIGMA * (q75 - q25), SPREAD_TO_SIGMA * (high - low)]
    scale = np.maximum(np.max(widths, axis=0), FLOOR * np.abs(normal))
    # Rarely moving: neither quantile sees it, so its whole range is the scale.
    scale = np.where(scale > 0, scale, most - least)
    scale = np.where(counting, np.maximum(scale, smallest_scale(normal, counting)), scale)
    if habit is not None:
        distance = np.fmin(distance, beyond(past, *(bound[: len(past)] for bound in habit)))
    deviations = distance / np.where(scale > 0, scale, 1.0)
    tail = np.sort(deviations, axis=0)
    start = np.nan_to_num(_quantile(tail, counts, 1 - TOP))
    rare = np.nan_to_num(_quantile(tail, counts, 0.99))
    constant = most - least <= 1e-9 * np.abs(normal)
    return Past(normal, scale, counts, constant, start, rare, tail_index(deviations, start))


def judge(
    past: Past, now: Array, habit: Habit | None = None, since: int | None = None
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    """Return the deviation at each instant, the sustained one, and how surprising that is.

    Args:
        past: What is normal.
        now: Values of shape (instants, signals), NaN where nothing was seen.
        habit: What earlier days lead to expect.
        since: Last instants of ``now`` that came since the alert; None for all.

    Returns:
        Deviations of the shape of ``now``, NaN where nothing was seen; a score and a surprise a
        signal, 0 where it has no history; whether its last stretch counts alone.
    """
    distance = np.abs(now - past.normal)
    if habit is not None:
        distance = np.fmin(distance, beyond(now, *habit.recent))
    lately = np.minimum(distance / _scale(past, now), WORST)
    lately[:, past.counts < HISTORY] = np.nan
    score, stretches, brief = sustained(lately, since)
    beyond_start = np.log10((1 + score) / (1 + past.start)) / past.index - np.log10(TOP)
    surprise = np.maximum(beyond_start - np.log10(np.maximum(stretches / 2, 1.0)), 0.0)
    # The first never-seen values of a constant are evidence one by one; Laplace's rule of
    # succession gives each the chance 1 / (n + 1), however far they lie.
    moved = np.minimum((lately > 1).sum(axis=0), NOVEL) * np.log10(past.counts + 1.0)
    surprise = np.where(past.constant, np.minimum(surprise, moved), surprise)
    return lately, score, np.where(score > 0, surprise, 0.0), brief


def sustained(lately: Array, since: int | None = None) -> tuple[Array, Counts, NDArray[np.bool_]]:
    """Return the deviation that each signal held over two stretches in a row, which no blip does.

    Who asks as the alert comes sees the fault in a single reading. A signal of which no more than
    one stretch was seen since the alert has had no time to hold anything: its last counts alone.

    Args:
        lately: Deviations of shape (instants, signals), NaN where nothing was seen. What was seen
            is pooled, in order, to ``COARSE`` stretches or a few more, each at its lower median.
        since: Last instants that came since the alert; None for all.

    Returns:
        The deviation, 0 where nothing was seen; the number of stretches; whether the last one
        counts alone; one each a signal.
    """
    unseen = np.isnan(lately)
    order = np.argsort(unseen, axis=0, kind="stable")
    ordered = np.take_along_axis(lately, order, axis=0)
    seen = (~unseen).sum(axis=0)
    after = seen if since is None else (~unseen[len(lately) - since :]).sum(axis=0)
    pool = np.maximum(seen // COARSE, 1)
    brief = (after <= pool) & (seen > 0)
    score = np.zeros(lately.shape[1])
    for size in np.unique(pool[seen > 0]):
        column = (pool == size) & (seen > 0)
        whole = seen[column].max() // size
        parts = ordered[: whole * size, column].reshape(whole, size, -1)
        level = np.sort(parts, axis=1)[:, (size - 1) // 2]
        held = np.minimum(level[1:], level[:-1])  # NaN where either was not seen
        lasting = np.fmax.reduce(held, axis=0, initial=0.0)
        last = np.take_along_axis(level, (seen[column] // size - 1)[None], axis=0)[0]
        score[column] = np.where(brief[column], np.fmax(lasting, last), lasting)
    return score, seen // pool, brief


def tail_index(deviations: Array, start: Array) -> Array:
    """Return Hill's estimate of how fast the tail falls, with its prior.

    What counts as one observation is a run of instants beyond ``start``: a level that drifts for a
    minute has told once how far it goes, not sixty times.
    """
    beyond_start = deviations > start  # not where NaN
    excess = np.log((1 + np.where(beyond_start, deviations, 0.0)) / (1 + start))
    instants = np.maximum(beyond_start.sum(axis=0), 1)
    runs = (np.diff(beyond_start.astype(np.int8), axis=0, prepend=0) == 1).sum(axis=0)
    mean = np.where(beyond_start, excess, 0.0).sum(axis=0) / instants
    index: Array = (mean * runs + TAIL * PRIOR) / (runs + PRIOR)
    return index


def _learned(
    baseline: Array, settled: int, counting: NDArray[np.bool_], habit: Habit | None
) -> Past:
    """Return what is normal in ``baseline``, whose end may already belong to the fault.

    Of what follows its first ``settled`` instants, only what they call normal is learned from.
    """
    expected = habit.past if habit else None
    past = learn(baseline[:settled], counting, expected)
    late = baseline[settled:]
    if not len(late):
        return past
    distance = np.abs(late - past.normal)
    if expected is not None:
        distance = np.fmin(distance, beyond(late, *(bound[settled:] for bound in expected)))
    odd = distance > np.maximum(LEVEL, past.rare) * _scale(past, late)
    return learn(np.vstack([baseline[:settled], np.where(odd, np.nan, late)]), counting, expected)


def _quantile(ordered: Array, counts: Counts, share: float) -> Array:
    """Return the nearest quantile of each column of ``ordered``, whose NaN come last."""
    if not len(ordered):
        return np.full(ordered.shape[1], np.nan)
    row = np.rint(share * np.maximum(counts - 1, 0)).astype(np.intp)
    quantile: Array = np.take_along_axis(ordered, row[None], axis=0)[0]
    return quantile


def _scale(past: Past, now: Array) -> Array:
    """Return the scale; what was always zero has none, so the movement itself gives it."""
    farthest = np.fmax.reduce(np.abs(now - past.normal), axis=0, initial=0.0) / MOVED
    return np.where(past.scale > 0, past.scale, np.where(farthest > 0, farthest, 1.0))


def _onset(lately: Array, level: Array, calm: int = CALM) -> Counts:
    """Return where the excursion beyond ``level`` that holds the peak began; -1 for none.

    It ends, looking back, where ``calm`` instants in a row lie within: what was over by then was
    something else, however far it went.
    """
    if not len(lately):
        return np.full(lately.shape[1], -1, dtype=np.intp)
    outside = lately > level
    instant = np.arange(len(lately))[:, None]
    within_for = instant - np.maximum.accumulate(np.where(outside, instant, -1), axis=0)
    over = (within_for >= calm) & (instant < lately.argmax(axis=0))
    begin = np.where(over, instant, -1).max(axis=0)
    since = outside & (instant > begin)
    return np.where(since.any(axis=0), since.argmax(axis=0), -1)
