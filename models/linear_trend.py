"""A straight line in noise whose neighbours hang together: where it is, and how sure that is.

Where neighbours correlate by r, n values are worth n (1 - r) / (1 + r) independent ones, and a few
such values hardly tell r. So the line is fitted for many r (generalised least squares), and each
fit counts by how well it explains what was seen. What is said of the line is said over all of them:
where r might be near 1, intervals are wide although the best r is not.

The line is looked for near the median of all pairs' slopes (Theil, Sen), and no value counts as
farther from that than noise of its size goes, so that a few wild ones cannot turn it.

Assumes:
    What lies beside the line is an autoregression of order one on a regular step.

Reference: Zellner, Tiao, "Bayesian Analysis of the Regression Model With Autocorrelated Errors",
JASA 59, 1964; Prais, Winsten, "Trend Estimators and Serial Correlation", Cowles Commission 1954;
Sen, "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 1968.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtr

Array = NDArray[np.float64]

LEAST_TOGETHER: Final = -0.5  # correlations of neighbours that are thought of, from here to 1 ...
CORRELATIONS: Final = 32  # ... at so many values
# How much more often correlations near 1 are expected, as a power of 1 / (1 - r²): none where every
# r is as likely as any other, 0.5 in Jeffreys' prior. Intervals of the one are too narrow for noise
# as slow as what was seen is long, those of the other too wide for all other noise.
NEAR_ONE: Final = 0.25
WILD: Final = (
    4.0  # robust standard deviations from the line, beyond which a value counts no farther
)
MAD_TO_SIGMA: Final = 1.4826
ROUNDING: Final = 1e-9  # share of what a level covers that is no noise of its own
EXACT: Final = 1e-6  # of the noise's power: what rounding leaves of it


@dataclass(frozen=True, slots=True, eq=False)
class LinearTrend:
    """A line for each correlation that neighbours may have, each as likely as it explains.

    Attributes:
        likely: Of each line, summing up to 1.
        middle: The instant at which levels are given.
        level: Of each line, at ``middle``.
        slope: Of each line, a unit of time.
        variances: Of level, of slope, and their covariance, shape (3, lines).
        freedom: Degrees of it that the noise's power was estimated with.
        steeper: Of all pairs of values, how many rise.
    """

    likely: Array
    middle: float
    level: Array
    slope: Array
    variances: Array
    freedom: int
    steeper: int

    def rising(self) -> float:
        """Return how likely the level rises, 0..1."""
        return self._mixed(self.slope, self.variances[1])

    def above(self, at: float, limit: float) -> float:
        """Return how likely the line lies above ``limit`` at an instant, 0..1."""
        ahead = at - self.middle
        own, slope, both = self.variances
        variance = own + ahead * (2 * both + ahead * slope)
        return self._mixed(self.level + ahead * self.slope - limit, variance)

    def crossing(self, limit: float, sure: float, begin: float, end: float) -> float:
        """Return the instant by which the line is above ``limit`` with chance ``sure``.

        Args:
            limit: In the level's unit.
            sure: The chance, 0..1.
            begin: Where to look, and what is returned where it is as likely by then.
            end: Until when; it is likelier by then.
        """
        if self.above(begin, limit) >= sure:
            return begin
        span = end - begin
        return float(
            brentq(lambda at: self.above(at, limit) - sure, begin, end, xtol=ROUNDING * span)
        )

    def _mixed(self, distance: Array, variance: Array) -> float:
        told = float(self.likely @ stdtr(self.freedom, distance / np.sqrt(variance)))
        return min(told, 1.0)  # the weights' sum may be off by a rounding


def linear_trend(at: Array, level: Array) -> LinearTrend:
    """Return the line through a level.

    Args:
        at: Instants, nearly on a regular step; three at least.
        level: What was seen then, finite.
    """
    count, span, middle = len(at), float(at[-1] - at[0]), float(at.mean())
    i, j = np.triu_indices(count, 1)
    slopes = (level[j] - level[i]) / (at[j] - at[i])
    steep = float(np.median(slopes))
    high, rest = _beside(level - steep * (at - middle))
    unit = max(float(rest.std()), ROUNDING * float(np.ptp(level)), np.finfo(float).tiny)
    columns = np.column_stack((np.ones(count), (at - middle) / span, rest / unit))
    lowest = np.arcsin(LEAST_TOGETHER)
    angle = lowest + (np.arange(CORRELATIONS) + 0.5) / CORRELATIONS * (np.pi / 2 - lowest)
    moments = _whitened(columns, np.sin(angle))
    inverse = np.linalg.inv(moments[:, :2, :2])
    line = (inverse @ moments[:, :2, 2:])[..., 0]
    power = moments[:, 2, 2] - (moments[:, 2, :2] * line).sum(axis=1)
    power = np.maximum(power, EXACT)
    # Of correlations at equal angles, those near 1 are as dense as in Jeffreys' prior.
    fresh = np.log(np.cos(angle) ** 2)
    weight = 0.5 * fresh + 0.5 * np.linalg.slogdet(inverse)[1]
    weight += (0.5 - NEAR_ONE) * fresh - (count - 2) / 2 * np.log(power)
    likely = np.exp(weight - weight.max())
    scale = unit**2 * power / (count - 2)
    return LinearTrend(
        likely / likely.sum(),
        middle,
        high + line[:, 0] * unit,
        steep + line[:, 1] * unit / span,
        scale * np.stack((inverse[:, 0, 0], inverse[:, 1, 1] / span**2, inverse[:, 0, 1] / span)),
        count - 2,
        int((slopes > 0).sum()),
    )


def _beside(level: Array) -> tuple[float, Array]:
    """Return the median of a level without slope, and what lies beside it, wild values bounded."""
    high = float(np.median(level))
    rest = level - high
    reach = WILD * MAD_TO_SIGMA * float(np.median(np.abs(rest)))
    return high, np.clip(rest, -reach, reach) if reach else rest


def _whitened(columns: Array, together: Array) -> Array:
    """Return products of columns, shape (correlations, columns, columns), freed of the memory.

    Each value less what neighbours that correlate by ``together`` make of the one before; the first
    in their size.
    """
    products = columns.T @ columns
    ends = columns[[0, -1]]
    neighbours = columns[1:].T @ columns[:-1]
    r = together[:, None, None]
    return np.asarray(
        products - r * (neighbours + neighbours.T) + r**2 * (products - ends.T @ ends)
    )
