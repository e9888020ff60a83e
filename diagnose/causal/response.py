"""How a node answers to its parents over time, bent where it bends, and how sure that is.

A mechanism for playing an incident again under other values. Two kinds of answer are told apart by
which predicts better: one that is immediate, with noise that remembers its past (a latency under
load), and one that is approached step by step (a temperature under power). Both are

    y[t] = memory * y[t-1] + g(parents[t]) - immediate * memory * g(parents[t-1]) + noise[t]

with g a sum of broken lines, one a parent, and products of pairs. All of it is fitted again on
stretches of normal life that are drawn anew, so that each draw of an answer has its own mechanism.

Reference: Cochrane and Orcutt, "Application of least squares regression to relationships containing
auto-correlated error terms", Journal of the American Statistical Association 44, 1949; Künsch, "The
jackknife and the bootstrap for general stationary observations", Annals of Statistics 17, 1989.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.mechanism import MAD_TO_SIGMA, lagged

Floats = NDArray[np.float64]

KNOTS: Final = (0.25, 0.5, 0.75)  # quantiles of a parent at which its line may bend
REFITS: Final = 40  # mechanisms that fit normal life about as well
MOST_PRODUCTS: Final = 3  # parents, beyond which products of pairs are too many for the rows
LONGEST_MEMORY: Final = 0.98  # beyond which a level could not be told
MEMORIES: Final = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, LONGEST_MEMORY)
RIDGES: Final = (1e-3, 1e-2, 1e-1, 1.0)  # in rows, of what bends
FEWEST_ROWS: Final = 50
WILDEST: Final = 15.0  # the same, to which noise is bounded: a fault of old is none of it
CLIP: Final = 5.0  # robust standard deviations of the noise, beyond which a row is no normal life
BLOCK: Final = 3.0  # length of a drawn stretch, in cube roots of the rows


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What a mechanism sees of its parents: lines, their bends and products.

    Attributes:
        centre: Of each parent, in its unit.
        scale: Of each parent, in its unit.
        knots: Where each parent's line bends, in scales from its centre, shape (parents, knots).
        reach: Least and most that normal life showed, in scales, shape (2, parents); beyond, a
            parent counts as it does there.
    """

    centre: Floats
    scale: Floats
    knots: Floats
    reach: Floats

    @property
    def lines(self) -> int:
        """Return how many of the features are plain lines; they stand first."""
        return len(self.centre)

    def features(self, parents: Floats, bounded: bool = True) -> Floats:
        """Return the features, shape (..., features), of parents of shape (..., parents).

        Args:
            parents: In their units.
            bounded: Whether what lies beyond normal life counts as its end.
        """
        z = (parents - self.centre) / self.scale
        z = np.clip(z, *self.reach) if bounded else z
        bends = np.maximum(z[..., None] - self.knots, 0.0).reshape(*z.shape[:-1], -1)
        parts = [z, bends]
        if 1 < z.shape[-1] <= MOST_PRODUCTS:
            pairs = combinations(range(z.shape[-1]), 2)
            parts.append(np.stack([z[..., i] * z[..., j] for i, j in pairs], axis=-1))
        return np.concatenate(parts, axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A node's mechanism, as often as it was fitted again; in the first row as all rows have it.

    Attributes:
        parents: Columns of the parents.
        lags: Steps by which the node follows each.
        basis: What it sees of them.
        weights: Shape (refits, features), in the node's unit.
        base: What the node shows where all features are 0, shape (refits,).
        memory: Of the step before, 0..1, shape (refits,).
        immediate: Whether the answer is immediate and only the noise remembers, shape (refits,).
        noise: What each step of normal life added, shape (rows,), in order of time.
        apart: How far the node was from g, likewise.
        spread: Robust standard deviation of ``noise``.
    """

    parents: tuple[int, ...]
    lags: tuple[int, ...]
    basis: Basis
    weights: Floats
    base: Floats
    memory: Floats
    immediate: NDArray[np.bool_]
    noise: Floats
    apart: Floats
    spread: float

    def level(self, parents: Floats, bounded: bool = True) -> Floats:
        """Return g, shape (...), of parents of shape (..., parents), bounded or not."""
        features = self.basis.features(parents, bounded)
        return np.asarray(features @ self.weights[0] + self.base[0])

    def own(self, values: Floats, node: int) -> Floats:
        """Return what ``node`` shows beyond what acts on it, followed as far as it goes.

        That is the distance from g where the answer is immediate, else what each step added; NaN
        where unknown.

        Args:
            values: Shape (instants, columns), in order of time.
            node: Column of the node.
        """
        level = self.level(lagged(values, self.parents, self.lags), bounded=False)
        if self.immediate[0]:
            return np.asarray(values[:, node] - level)
        added = values[:, node] - level - self.memory[0] * np.roll(values[:, node], 1)
        added[:1] = np.nan
        return np.asarray(added)

    def surprises(self, values: Floats, node: int) -> Floats:
        """Return what each instant added that nobody expected, shape (instants,); NaN if unknown.

        Args:
            values: Shape (instants, columns), in order of time.
            node: Column of the node.
        """
        level = self.level(lagged(values, self.parents, self.lags))
        before, shown = np.roll(level, 1), values[:, node]
        past = np.roll(shown, 1) - (before if self.immediate[0] else 0.0)
        added = shown - level - self.memory[0] * past
        added[:1] = np.nan
        return np.asarray(added)


def respond(
    values: Floats,
    node: int,
    parents: Sequence[int],
    lags: Sequence[int],
    rng: np.random.Generator,
    refits: int = REFITS,
) -> Response | None:
    """Return how ``node`` answers to its parents; None where normal life is too short to tell.

    Args:
        values: Shape (instants, columns), of normal life; NaN where nothing was seen.
        node: Column of the effect.
        parents: Columns of the causes; one at least.
        lags: Steps by which the node follows each of them.
        rng: Draws the stretches of normal life.
        refits: How often it is fitted.
    """
    causes, shown = lagged(values, parents, lags), values[:, node]
    whole = np.isfinite(shown) & np.isfinite(causes).all(axis=1)
    pair = whole[1:] & whole[:-1]
    basis = _basis(causes[whole]) if whole.any() else None
    if basis is None or pair.sum() < max(FEWEST_ROWS, 5 * basis.features(causes[:1]).shape[1]):
        return None
    features = basis.features(np.where(whole[:, None], causes, 0.0))
    rows = _Rows(features[1:][pair], features[:-1][pair], shown[1:][pair], shown[:-1][pair])
    every = np.arange(len(rows.now))
    noise = rows.noise(rows.best(rows.kinds(every, basis.lines)))
    # A few instants far out move the mean, and so the fit, away from where most of the noise is.
    off = np.abs(noise - np.median(noise))
    spread = MAD_TO_SIGMA * float(np.median(off)) or float(noise.std())
    calm = np.flatnonzero(off <= CLIP * spread) if spread else np.arange(len(noise))
    kinds = rows.kinds(calm, basis.lines)
    fits = [rows.best(kinds)]
    length = max(round(BLOCK * len(calm) ** (1 / 3)), 1)
    for _ in range(refits - 1):
        starts = rng.integers(0, len(calm), -(-len(calm) // length))
        drawn = (starts[:, None] + np.arange(length)).ravel()[: len(calm)] % len(calm)
        fits.append(rows.best([rows.fit(calm[drawn], basis.lines, kind) for kind in kinds]))
    # Fitted noise is smaller than true noise, by the freedom of the fit.
    freedom = np.sqrt(len(calm) / max(len(calm) - features.shape[1] - 2, 1))
    return Response(
        tuple(parents),
        tuple(lags),
        basis,
        np.array([fit.weights for fit in fits]),
        np.array([fit.base for fit in fits]),
        np.array([fit.memory for fit in fits]),
        np.array([fit.immediate for fit in fits]),
        _bounded(rows.noise(fits[0])) * freedom,
        _bounded(rows.apart(fits[0])) * freedom,
        spread,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """One mechanism, by how much it errs (generalised cross-validation) and what it was given."""

    weights: Floats
    base: float
    memory: float
    immediate: bool
    error: float
    ridge: float


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Pairs of instants that follow each other.

    Attributes:
        now: Features, shape (rows, features).
        before: The same, one step earlier.
        shown: The node.
        past: The same, one step earlier.
    """

    now: Floats
    before: Floats
    shown: Floats
    past: Floats

    def kinds(self, chosen: NDArray[np.int64], lines: int) -> list[_Fit]:
        """Return the best mechanism of each kind of answer."""
        immediate = [
            self._fit(chosen, lines, memory, ridge) for memory in MEMORIES for ridge in RIDGES
        ]
        approached = [self._fit(chosen, lines, None, ridge) for ridge in RIDGES]
        return [self.best(immediate), self.best(approached)]

    def fit(self, chosen: NDArray[np.int64], lines: int, like: _Fit) -> _Fit:
        """Return the mechanism of the same kind as ``like`` that fits the chosen rows."""
        return self._fit(chosen, lines, like.memory if like.immediate else None, like.ridge)

    def best(self, fits: Sequence[_Fit]) -> _Fit:
        """Return the fit that errs least."""
        return min(fits, key=lambda fit: fit.error)

    def apart(self, fit: _Fit) -> Floats:
        """Return how far each row is from where its parents alone would have it."""
        return np.asarray(self.shown - self.now @ fit.weights - fit.base)

    def noise(self, fit: _Fit) -> Floats:
        """Return what each row adds to what ``fit`` expects."""
        level, before = self.now @ fit.weights + fit.base, self.before @ fit.weights + fit.base
        past = self.past - (before if fit.immediate else 0.0)
        return np.asarray(self.shown - level - fit.memory * past)

    def _fit(
        self, chosen: NDArray[np.int64], lines: int, memory: float | None, ridge: float
    ) -> _Fit:
        """Return the mechanism for a memory of the noise; None has the node approach its level.

        What bends is drawn towards no bend by ``ridge``; lines hardly are.
        """
        now, shown, past = self.now[chosen], self.shown[chosen], self.past[chosen]
        if memory is None:
            x, y = np.column_stack((now, past)), shown
        else:
            x, y = now - memory * self.before[chosen], shown - memory * past
        middle, centre = x.mean(axis=0), float(y.mean())
        x, y = x - middle, y - centre
        gram = x.T @ x
        strength = np.full(x.shape[1], 1e-6)
        strength[lines : now.shape[1]] += ridge
        if memory is None:
            strength[-1] = 1e-9 * gram[-1, -1] / len(x)  # the node is in its own unit
        inverse = np.linalg.inv(gram + np.diag(strength * len(x) + 1e-12))
        weights = inverse @ (x.T @ y)
        freedom = float(np.trace(inverse @ gram)) + 1
        error = float(((y - x @ weights) ** 2).mean()) / (1 - min(freedom / len(x), 0.9)) ** 2
        base = centre - float(middle @ weights)
        if memory is None:
            kept = float(np.clip(weights[-1], 0.0, LONGEST_MEMORY))
            return _Fit(weights[:-1], base, kept, False, error, ridge)
        return _Fit(weights, base / (1 - memory), memory, True, error, ridge)


def _bounded(values: Floats) -> Floats:
    """Return values no farther from their median than the wildest normal life."""
    middle = np.median(values)
    reach = WILDEST * (MAD_TO_SIGMA * np.median(np.abs(values - middle)) or values.std())
    return np.asarray(np.clip(values, middle - reach, middle + reach))


def _basis(causes: Floats) -> Basis:
    """Return how the parents are looked at, by what normal life showed of them."""
    centre = np.median(causes, axis=0)
    spread = MAD_TO_SIGMA * np.median(np.abs(causes - centre), axis=0)
    spread = np.where(spread > 0, spread, causes.std(axis=0))
    scale = np.where(spread > 0, spread, 1.0)
    z = (causes - centre) / scale
    return Basis(centre, scale, np.quantile(z, KNOTS, axis=0).T, np.stack((z.min(0), z.max(0))))
