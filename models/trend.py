"""When does it run out? Where a level of capacity, wear, temperature or latency is heading.

A trend is told where both agree that there is one: the pairs of instants, nearly all of which rise
(Kendall), and the line in noise whose neighbours hang together (``linear_trend``). How likely that
line is beyond the limit at any time to come gives the lead time and its interval.

A step away from the limit (somebody cleared up, rotated, resized) ends a trend at once: nothing is
foretold from what lies before the last one. What has been cleared twice will be cleared again, so
of that nothing is said until it goes further than it ever did.

Assumes:
    The rate of the past goes on. A daily cycle that the window does not hold twice looks like a
    trend.

Reference: Kendall, "Rank Correlation Methods", 1948; and of ``linear_trend``.
"""

from collections.abc import Sequence
from math import floor, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import Prediction, Signal, Window
from models.exhaustion import (
    FARTHEST,
    HORIZON_SECONDS,
    Exhaustible,
    Exhaustion,
    Forecaster,
    foreseen,
)
from models.linear_trend import linear_trend
from models.steps import HELD_LATELY, last_step, medians, stepping

Array = NDArray[np.float64]

BUCKETS: Final = 40  # whose medians are compared: bounds the pairs, and evens out short swings
LEAST: Final = 10  # buckets that must hold a value
ROUTINE: Final = 2  # steps away from the limit that make clearing up a habit
CARD: Final = (
    "A straight line through what this level showed; assumes that the rate of the past goes on, "
    "and was fitted on nothing else."
)


EXHAUSTIBLE: Final = (
    Exhaustible("system.filesystem.utilization", 1.0, "disk-full"),
    Exhaustible("system.filesystem.inodes.utilization", 1.0, "inodes-full"),
    Exhaustible("system.linux.memory.available", 0.0, "memory-exhausted"),
    Exhaustible("hw.physical_disk.wear", 1.0, "disk-wear-out"),
    Exhaustible("hw.physical_disk.available_spare", 0.0, "disk-wear-out"),
    Exhaustible("node_filesystem_avail_bytes", 0.0, "disk-full"),
    Exhaustible("node_filesystem_files_free", 0.0, "inodes-full"),
    Exhaustible("node_memory_MemAvailable_bytes", 0.0, "memory-exhausted"),
    Exhaustible("database connection pool use", 1.0, "connections-exhausted"),
    Exhaustible("disk temperature", 60.0, "disk-overheating"),
    Exhaustible("gpu temperature", 90.0, "gpu-overheating"),
    Exhaustible("cpu temperature", 95.0, "overheating"),
    Exhaustible("inlet air temperature", 40.0, "overheating"),
    Exhaustible("fan speed", 0.3, "fan-failure", relative=True),
    Exhaustible("response latency", 3.0, "service-degradation", relative=True),
    Exhaustible("client latency", 3.0, "service-degradation", relative=True),
    Exhaustible("database query latency", 3.0, "service-degradation", relative=True),
    Exhaustible("queue depth", 10.0, "service-degradation", relative=True),
    Exhaustible("consumer lag", 10.0, "service-degradation", relative=True),
)


class TrendPredictor:
    """Foresee what runs out within a horizon.

    Args:
        horizon_seconds: How far ahead to say anything.
        alpha: Chance that a level without trend is given one, 0..1.
        levels: What is looked at.
    """

    def __init__(
        self,
        horizon_seconds: float = HORIZON_SECONDS,
        alpha: float = 0.01,
        levels: Sequence[Exhaustible] = EXHAUSTIBLE,
    ) -> None:
        self.horizon_seconds = horizon_seconds
        self.alpha = alpha
        self.levels = tuple(levels)

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return what runs out, soonest first."""
        by = Forecaster("trend", CARD, {"metric"}, self._ask)
        return foreseen(window, self.levels, by, self.horizon_seconds)

    def _ask(
        self, window: Window, signal: Signal, seen: pl.DataFrame, level: Exhaustible
    ) -> Exhaustion | None:
        name = str(signal.node)
        limit = level.limit
        if level.relative:
            usual = window.baseline[name].median()
            if not isinstance(usual, float) or usual <= 0:
                return None
            limit *= usual
        seconds = (seen["time"] - seen["time"][-1]).dt.total_microseconds().to_numpy() / 1e6
        return exhaustion(seconds, seen[name].to_numpy(), limit, self.horizon_seconds, self.alpha)


def exhaustion(
    seconds: Array, values: Array, limit: float, horizon_seconds: float, alpha: float = 0.01
) -> Exhaustion | None:
    """Return when ``values`` reach ``limit``; None where they are not sure to head there.

    Args:
        seconds: When each value was seen, increasing.
        values: The level, finite.
        limit: Where it ends, in the same unit; above or below the values.
        horizon_seconds: What the probability is about, from the last value.
        alpha: Chance that a level without trend is given one, 0..1.
    """
    upwards = values if limit > np.median(values) else -values
    begin, steps = last_step(upwards, lambda first: _bucket(seconds[first:]))
    if steps >= ROUTINE and np.median(upwards[-HELD_LATELY:]) <= upwards[:begin].max():
        return None
    at, level = _buckets(seconds[begin:], upwards[begin:])
    if len(at) < LEAST:
        return None
    trend = linear_trend(at, level)
    sure = 1 - alpha / 2
    if trend.steeper < _fewest_rising(len(at), alpha) or trend.rising() < sure:
        return None
    now, bound = float(seconds[-1]), limit if limit > np.median(values) else -limit
    seen = now - float(seconds[begin])
    farthest = now + FARTHEST * seen
    if trend.above(now, bound) > 0.5 or trend.above(farthest, bound) < sure:
        return None
    shortest, lead, longest = (
        trend.crossing(bound, chance, now, farthest) - now for chance in (alpha / 2, 0.5, sure)
    )
    within = trend.above(now + horizon_seconds, bound)
    return Exhaustion(seen, lead, shortest, longest, within)


def heading(values: Array, alpha: float = 0.01) -> NDArray[np.bool_]:
    """Return which levels may have a trend: of all others ``exhaustion`` says nothing.

    Args:
        values: Of shape (instants, levels), on one regular step, NaN where nothing was seen.
        alpha: As ``exhaustion`` takes it.
    """
    moving: NDArray[np.bool_] = np.fmax.reduce(values, axis=0) > np.fmin.reduce(values, axis=0)
    whole = np.flatnonzero(moving & ~np.isnan(values).any(axis=0))  # others have other buckets
    seconds = np.arange(len(values), dtype=np.float64)
    edges = np.append(np.flatnonzero(np.diff(_bucket(seconds))) + 1, len(values))
    if len(edges) < LEAST or not len(whole):
        return moving
    starts = np.append(0, edges[:-1])
    level = np.array(
        [np.median(values[a:b, whole], axis=0) for a, b in zip(starts, edges, strict=True)]
    )
    rises, falls = np.zeros(len(whole)), np.zeros(len(whole))
    for distance in range(1, len(level)):
        apart = level[distance:] - level[:-distance]
        rises += (apart > 0).sum(axis=0)
        falls += (apart < 0).sum(axis=0)
    stepped = (stepping(values[:, whole]) != 0).any(axis=0) | (stepping(level) != 0).any(axis=0)
    trending = np.maximum(rises, falls) >= _fewest_rising(len(level), alpha)
    moving[whole] = trending | stepped  # after a step, the rest may have a trend
    return moving


def _fewest_rising(instants: int, alpha: float) -> int:
    """Return how many pairs of instants rise at least where a level that goes nowhere rarely does.

    Asked of noise whose neighbours are strangers: of all noise the least.
    """
    n, pairs = instants, instants * (instants - 1) // 2
    margin = NormalDist().inv_cdf(1 - alpha / 2) * sqrt(n * (n - 1) * (2 * n + 5) / 18)
    return floor((pairs + margin) / 2)


def _buckets(seconds: Array, values: Array) -> tuple[Array, Array]:
    """Return the middle instant and the median of equal spans of time that hold a value."""
    span = seconds[-1] - seconds[0]
    if span <= 0:
        return seconds[:1], values[:1]
    first = np.append(0, np.flatnonzero(np.diff(_bucket(seconds))) + 1)
    at = np.add.reduceat(seconds, first) / np.diff(first, append=len(seconds))
    return at, medians(values, first)


def _bucket(seconds: Array) -> NDArray[np.intp]:
    """Return the number of the equal span of time in which each instant lies."""
    span = seconds[-1] - seconds[0]
    part: Array = np.minimum((seconds - seconds[0]) * (BUCKETS / span), BUCKETS - 1)
    return part.astype(np.intp)
