"""How signals on one regular step move together, now and with a lag, and how well some predict one.

Every signal is turned into normal scores first (its ranks, spread like a normal variable), so that
spikes and heavy tails weigh no more than they should. All later questions are answered from one
matrix: the covariance of each signal at each lag with each other.

Reference: Liu, Lafferty, Wasserman, "The Nonparanormal", JMLR 10 (2009), for the normal scores;
Schwarz, "Estimating the Dimension of a Model", Annals of Statistics 6 (1978), for the criterion.

Assumes:
    Relations are monotone, additive and the same over the given rows. Gaps have nothing to do with
    the values that they hide: each pair of columns uses the rows in which both were seen.
"""

from collections.abc import Iterable
from functools import cache
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

Array = NDArray[np.float64]

OWN_PAST: Final = 2  # how many of an effect's own past values predict it before anything else may
JOINT: Final = 10  # instants in which two columns must both be seen to have a covariance
RIDGE: Final = 1e-3  # added to variances of about 1, so that twins do not make a matrix singular


def normal_scores(values: Array) -> Array:
    """Return ``values`` with each column's ranks spread like a standard normal variable.

    Args:
        values: Instants by signals; NaN is a gap and stays one. A constant becomes 0.
    """
    seen = np.isfinite(values)
    ranks = rankdata(np.where(seen, values, np.inf), axis=0)  # gaps rank last
    share = (ranks - 0.5) / np.maximum(seen.sum(axis=0), 1)
    return np.where(seen, ndtri(np.clip(share, 1e-9, 1 - 1e-9)), np.nan)


class LaggedMoments:
    """The second moments of some signals and of their past.

    Args:
        values: Instants by signals, on one step, in any units; NaN is a gap.
        max_lag: By how many steps an effect may follow its cause; at least ``OWN_PAST``.
        max_rows: How many instants the evidence is worth at most. Thousands of instants that
            depend on each other, under a model that is only roughly right, would outvote all else.

    Attributes:
        gain: Causes by effects; what the best lagged value of the cause alone adds to the effect's
            own past, in units of log-likelihood, penalised; 0 at least.
        lead: Causes by effects; the same with lags of one step and more only, not penalised.
        lag: Causes by effects; the lag in steps at which ``gain`` is reached.
        penalty: Causes by effects; what the score charges for one parent.
        rows: For each effect, how many instants its evidence is worth.
    """

    def __init__(self, values: Array, max_lag: int = 3, max_rows: int = 300) -> None:
        self.max_lag = max(max_lag, OWN_PAST)
        self.size: int = values.shape[1]
        self._covariance, seen = _covariance(normal_scores(values), self.max_lag)
        self.rows = np.minimum(seen, max_rows)
        gain = np.zeros((self.max_lag + 1, self.size, self.size))
        for effect in range(self.size):
            gain[:, :, effect] = self._single_gains(effect)
        self.lag = gain.argmax(axis=0)
        self.lead = gain[1:].max(axis=0)
        self.penalty = self._penalty()
        self.gain = np.maximum(gain.max(axis=0) - self.penalty, 0.0)
        # Remembered for this object's life only; a search asks for the same sets again and again.
        self.score = cache(self._score)

    def _penalty(self) -> Array:
        """Return what each parent costs each effect: a coefficient, and the choice of its lag.

        Where either is constant, the data have nothing to say, and nothing to charge for.
        """
        cost = np.log(np.maximum(self.rows, 2.0)) / 2 + log(self.max_lag + 1)
        return np.where((self.rows > 0)[:, None] & (self.rows > 0), cost, 0.0)

    def _score(self, effect: int, parents: frozenset[int]) -> float:
        """Return the penalised log-likelihood of ``effect`` given its own past and ``parents``."""
        given = self._own_past(effect) + [self._column(p, effect) for p in sorted(parents)]
        variance = _residual(self._covariance, given, [effect])[0, 0]
        likelihood = -self.rows[effect] / 2 * log(max(variance, RIDGE))
        return float(likelihood - self.penalty[list(parents), effect].sum())

    def _single_gains(self, effect: int) -> Array:
        """Return lags by causes: the log-likelihood that one column adds to the own past."""
        others = list(range(len(self._covariance)))
        left = _residual(self._covariance, self._own_past(effect), [effect, *others])
        variances = np.maximum(np.diag(left)[1:], RIDGE) * max(left[0, 0], RIDGE)
        squares = np.clip(left[0, 1:] ** 2 / variances, 0.0, 1 - RIDGE)
        gains = -self.rows[effect] / 2 * np.log1p(-squares).reshape(self.max_lag + 1, self.size)
        gains[:, effect] = 0.0
        return np.asarray(gains)

    def _own_past(self, effect: int) -> list[int]:
        return [lag * self.size + effect for lag in range(1, OWN_PAST + 1)]

    def _column(self, cause: int, effect: int) -> int:
        return int(self.lag[cause, effect]) * self.size + cause


def _covariance(scores: Array, max_lag: int) -> tuple[Array, Array]:
    """Return the covariance of all columns at all lags, and how often each signal was seen.

    Column ``lag * signals + i`` of the matrix is signal ``i``, ``lag`` steps ago.
    """
    rows, size = scores.shape
    width = (max_lag + 1) * size
    if rows <= max_lag + JOINT:
        return np.zeros((width, width)), np.zeros(size)
    past = [scores[max_lag - lag : rows - lag] for lag in range(max_lag + 1)]
    stacked = np.concatenate(past, axis=1)
    seen = np.isfinite(stacked)
    filled = np.where(seen, stacked, 0.0)
    counts = seen.T.astype(float) @ seen.astype(float)
    covariance = np.where(counts >= JOINT, filled.T @ filled / np.maximum(counts, 1.0), 0.0)
    if not seen.all():  # moments from different rows need not fit together
        values, vectors = np.linalg.eigh(covariance)
        covariance = (vectors * np.maximum(values, 0.0)) @ vectors.T
    useful = np.maximum(counts.diagonal()[:size] - OWN_PAST - 1, 0.0)
    return covariance, np.where(np.diag(covariance)[:size] > RIDGE, useful, 0.0)


def _residual(covariance: Array, given: Iterable[int], wanted: list[int]) -> Array:
    """Return the covariance of columns ``wanted`` once columns ``given`` have explained them."""
    given = list(given)
    known = covariance[np.ix_(given, given)] + RIDGE * np.eye(len(given))
    shared = covariance[np.ix_(given, wanted)]
    explained = shared.T @ np.linalg.solve(known, shared)
    return np.asarray(covariance[np.ix_(wanted, wanted)] - explained)
