"""How a node follows its parents: linear, with a lag for each, fitted on normal life.

The fit does not mind wild instants (Huber's weights), and it is made on what each instant adds to
the one before (Cochrane and Orcutt), since two slow signals seem to follow each other otherwise.

Reference: Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics
35, 1964; Cochrane and Orcutt, "Application of least squares regression to relationships containing
auto-correlated error terms", Journal of the American Statistical Association 44, 1949.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST_ROWS: Final = 10  # instants a parent, and at least, that a fit needs
WILD: Final = 1.345  # Huber's constant: deviations beyond it weigh less
FARTHEST: Final = 10.0  # robust standard deviations at which a fit stops to look any farther
ROUNDS: Final = 4  # reweightings, after which the weights hardly change
SHRINK: Final = 1e-3  # ridge, in variances: keeps twins among the parents from cancelling
STEADIEST: Final = 0.98  # memory of the noise beyond which a level could not be told
MAD_TO_SIGMA: Final = 1.4826


@dataclass(frozen=True, slots=True, eq=False)
class Mechanism:
    """A node as the weighted sum of its parents, some steps ago, and noise.

    Attributes:
        parents: Columns of the parents.
        lags: Steps by which the node follows each.
        weights: By how much, in the node's unit for one of the parent's.
        doubt: Covariance of the errors of ``weights``.
        base: What the node shows where all parents are 0, in its unit.
        spread: Robust standard deviation of the noise, in the node's unit.
        rows: Instants behind the fit; 0 where there were too few, and the node is then taken to
            follow nothing.
    """

    parents: tuple[int, ...]
    lags: tuple[int, ...]
    weights: Floats
    doubt: Floats
    base: float
    spread: float
    rows: int

    def expected(self, values: Floats) -> Floats:
        """Return what the parents make of the node, shape (instants,); NaN where one was not seen.

        Args:
            values: Shape (instants, columns), in order of time. Before its first instant, a
                parent is taken for what it was then.
        """
        return np.asarray(lagged(values, self.parents, self.lags) @ self.weights + self.base)


def lagged(values: Floats, parents: Sequence[int], lags: Sequence[int]) -> Floats:
    """Return each parent as it was ``lags`` steps ago, shape (instants, parents)."""
    ago = np.maximum(np.arange(len(values))[:, None] - np.array(lags, dtype=np.int64), 0)
    return values[ago, np.array(parents, dtype=np.int64)]


def fit(values: Floats, node: int, parents: Sequence[int], lags: Sequence[int]) -> Mechanism:
    """Return how ``node`` follows its parents.

    Args:
        values: Shape (instants, columns), of normal life; NaN where nothing was seen.
        node: Column of the effect.
        parents: Columns of the causes; may be empty.
        lags: Steps by which the node follows each of them.
    """
    causes = lagged(values, parents, lags)
    effect = values[:, node]
    seen = np.isfinite(effect) & np.isfinite(causes).all(axis=1)
    enough = seen.sum() >= FEWEST_ROWS * (len(parents) + 1)
    weights, doubt = np.zeros(len(parents)), np.zeros((len(parents), len(parents)))
    if enough and parents:
        weights, doubt = _weights(causes, effect, seen)
    rest = (effect - np.where(np.isfinite(causes), causes, 0.0) @ weights)[seen]
    base = float(np.median(rest)) if len(rest) else 0.0
    spread = MAD_TO_SIGMA * float(np.median(np.abs(rest - base))) if len(rest) else 0.0
    rows = int(seen.sum()) if enough else 0
    return Mechanism(tuple(parents), tuple(lags), weights, doubt, base, spread, rows)


def _weights(causes: Floats, effect: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the weight of each cause, in the effect's unit for one of its own, and their doubt."""
    x, y = np.where(seen[:, None], causes, 0.0), np.where(seen, effect, 0.0)
    scale = _scale(x[seen])
    unit = _scale(y[seen, None])[0]
    x = np.clip((x - np.median(x[seen], axis=0)) / scale, -FARTHEST, FARTHEST)
    y = np.clip((y - np.median(y[seen])) / unit, -FARTHEST, FARTHEST)
    level, doubt = _huber(x[seen], y[seen])
    noise = y - x @ level
    both = seen[1:] & seen[:-1]
    power = float(noise[1:][both] @ noise[1:][both])
    memory = float(noise[1:][both] @ noise[:-1][both]) / power if power > 0 else 0.0
    memory = min(max(memory, 0.0), STEADIEST)
    if memory and both.sum() >= FEWEST_ROWS * (x.shape[1] + 1):
        level, doubt = _huber((x[1:] - memory * x[:-1])[both], (y[1:] - memory * y[:-1])[both])
    worth = unit / scale
    return level * worth, doubt * np.outer(worth, worth)


def _huber(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the slopes of a robust regression with an intercept, and their covariance."""
    ones = np.column_stack((x, np.ones(len(x))))
    ridge = SHRINK * len(x) * np.eye(ones.shape[1]) * np.append((x**2).mean(axis=0) + SHRINK, 0.0)
    weight = np.ones(len(x))
    for _ in range(ROUNDS):
        weighted = ones * weight[:, None]
        inverse = np.linalg.inv(weighted.T @ ones + ridge)
        slopes = inverse @ (weighted.T @ y)
        rest = np.abs(y - ones @ slopes)
        usual = MAD_TO_SIGMA * float(np.median(rest)) or float(rest.std())
        weight = np.minimum(1.0, WILD * usual / np.maximum(rest, 1e-12)) if usual else weight
    return slopes[:-1], usual**2 * inverse[:-1, :-1]


def _scale(columns: Floats) -> Floats:
    """Return each column's robust standard deviation; 1 where it does not move."""
    apart = np.abs(columns - np.median(columns, axis=0))
    middle = MAD_TO_SIGMA * np.median(apart, axis=0)
    spread = np.where(middle > 0, middle, apart.mean(axis=0))
    return np.where(spread > 0, spread, 1.0)
