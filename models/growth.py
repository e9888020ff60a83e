"""Errors that come ever faster: when will corrected errors reach what a part is replaced for?

Errors are a Poisson process whose rate grows by a constant factor a day, which maximises the
likelihood of when they came. Errors come in bursts, so the uncertainty is widened by as much as the
counts scatter more than a Poisson process would. Where growth is not sure, nothing is said.

Assumes:
    The growth of the past goes on.

Reference: McCullagh, Nelder, "Generalized Linear Models", 2nd edition 1989, sections 6.2, 4.5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import softmax

from diagnose.schema import Prediction, Signal, Window
from models.exhaustion import (
    FARTHEST,
    HORIZON_SECONDS,
    Exhaustible,
    Exhaustion,
    Forecaster,
    foreseen,
)

Array = NDArray[np.float64]

BUCKETS: Final = 24
LEAST_ERRORS: Final = 8
ROUNDS: Final = 50  # of Newton's method, which needs about five
STEEPEST: Final = 30.0  # growth over the whole span, as a logarithm: beyond, the fit has run away
DAY_SECONDS: Final = 86_400.0
CARD: Final = (
    "A rate of errors that grows by a constant factor a day; assumes that the growth of the past "
    "goes on, and was fitted on nothing else."
)
# Errors a day: ten corrected ones of a module are where Linux' daemons take memory out of use.
GROWING: Final = (
    Exhaustible("memory corrected errors", 10.0, "memory-failure"),
    Exhaustible("hw.gpu.ecc_errors/corrected", 100.0, "gpu-failure"),
)


@dataclass(frozen=True, slots=True)
class GrowthPredictor:
    """Foresee whose errors reach a limit.

    Attributes:
        horizon_seconds: How far ahead to say anything.
        alpha: Chance that a steady rate is said to grow, 0..1.
        levels: What is looked at; limits are errors a day.
    """

    horizon_seconds: float = HORIZON_SECONDS
    alpha: float = 0.01
    levels: Sequence[Exhaustible] = GROWING

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return whose errors reach their limit, soonest first."""
        by = Forecaster("growth", CARD, {"metric", "counter"}, self._ask)
        return foreseen(window, self.levels, by, self.horizon_seconds)

    def _ask(
        self, window: Window, signal: Signal, seen: pl.DataFrame, level: Exhaustible
    ) -> Exhaustion | None:
        name = str(signal.node)
        if signal.source == "counter":
            added = seen[name] * window.step_seconds
        else:
            added = seen[name].diff().clip(0).fill_null(0.0)
        seconds = (seen["time"] - window.as_of).dt.total_microseconds().to_numpy() / 1e6
        return growth(seconds, added.to_numpy(), level.limit, self.horizon_seconds, self.alpha)


def growth(
    seconds: Array, added: Array, limit: float, horizon_seconds: float, alpha: float = 0.01
) -> Exhaustion | None:
    """Return when a rate of errors reaches ``limit``; None where it is not sure to grow.

    Args:
        seconds: When each count was taken, increasing, 0 at the moment of asking.
        added: Errors since the count before.
        limit: Errors a day.
        horizon_seconds: What the probability is about, from the moment of asking.
        alpha: Chance that a steady rate is said to grow, 0..1.
    """
    span = seconds[-1] - seconds[0]
    if span <= 0 or added.sum() < LEAST_ERRORS:
        return None
    count, edges = np.histogram(seconds, BUCKETS, weights=added)
    at = (edges[:-1] + edges[1:]) / 2 / span
    slope, error, expected = _slope(at, count)
    margin = NormalDist().inv_cdf(1 - alpha / 2) * error
    if slope <= margin:
        return None
    # Rate and slope do not depend on each other at the errors' own middle.
    middle = float(np.average(at, weights=count))
    now = np.interp(middle, at, np.log(expected * BUCKETS / span * DAY_SECONDS))
    ahead = float(np.log(limit) - now)
    ends = [(ahead / one + middle) * span for one in (slope + margin, slope, slope - margin)]
    shortest, lead, longest = sorted(max(end, 0.0) for end in ends)
    if longest > FARTHEST * span:
        return None
    needed = ahead / (horizon_seconds / span - middle)  # the slope that would just reach it
    since_first = float(seconds[-1] - seconds[(added > 0).argmax()])
    within = NormalDist(slope, error).cdf(2 * slope - needed)
    return Exhaustion(since_first, lead, shortest, longest, within)


def _slope(at: Array, count: Array) -> tuple[float, float, Array]:
    """Return by which power of e the rate grows in one unit of ``at``, its error, what it expects.

    Given how many errors there were, only when they came tells of the growth.
    """
    total, slope = float(count.sum()), 0.0
    mean = float(count @ at) / total
    for _ in range(ROUNDS):
        share = softmax(slope * at)
        centre = float(share @ at)
        power = float(share @ (at - centre) ** 2)
        slope = float(np.clip(slope + (mean - centre) / power, -STEEPEST, STEEPEST))
    expected = total * softmax(slope * at)
    scatter = float(np.sum((count - expected) ** 2 / expected)) / (len(at) - 2)
    return slope, float(np.sqrt(max(scatter, 1.0) / (total * power))), expected
