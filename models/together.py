"""What many signals show together, though none of them may be far from normal alone.

*Breadth*: on how many signals does something happen at once? A fault that shakes a tenth of all
signals is told from one noisy signal even after so short a history that nobody can say what one
signal may do. How broad a calm system is, is known roughly beforehand (``CALM``); the window's own
past says it better, the more of it there is.

*Pattern*: signals that follow one load move in a few directions. A movement off these directions is
told by the error of principal components that are fitted to the movements of the past. A movement
starts from the level shortly before, so that a daily wave is none.

References: Wang, Mei, "Large-scale multi-stream quickest change detection via shrinkage
post-change estimation", IEEE Transactions on Information Theory 61 (2015), for the sum of softly
thresholded streams; Shyu et al., "A novel anomaly detection scheme based on principal component
classifier", ICDM workshop 2003, for the error of principal components.
"""

from math import log, log10
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import log_ndtr

from models.deviation import ALIKE, COARSE, MAD_TO_SIGMA, MOVED, TOP, tail_index

Array = NDArray[np.float64]

LEAVES: Final = 3.0  # robust standard deviations from which a signal counts; e times as far, fully
CALM: Final = (-3.2, 0.6)  # mean and deviation of the logarithm of a calm window's breadth
ENOUGH: Final = 12  # signals below which one that moves is not called broad
CALM_WINDOWS: Final = 40.0  # windows of the past that this knowledge is worth
STEADIEST: Final = 0.2  # least deviation of the logarithm that a past may show
MANY: Final = 30.0  # windows of the past that tell one in a hundred
EXPLAINED: Final = 0.95  # share of the variance that the components keep
BEFORE: Final = 12  # instants whose median is the level from which a movement starts
BLOCKS: Final = 300  # windows of the past that are compared at most
PER_SIGNAL: Final = 3  # instants of the past, for each signal, that it takes to know the directions
FOLDS: Final = 5  # parts of the past, of which each is judged by the others
FEWEST: Final = 5  # windows of the past that it takes
BRIEF: Final = 10  # stretches into which a recent part is pooled, or a few more
SIGNALS: Final = 200  # that are compared at most
FAR: Final = 20.0  # standard deviations beyond which a movement does not count for more


def breadth(past: Array, now: Array, least: Array) -> float:
    """Return -log10 of the chance that a calm window is as broad as this at its broadest moment.

    Args:
        past: Values of the baseline, of shape (instants, signals), NaN where nothing was seen.
        now: Values of the recent part.
        least: Smallest scale of each signal: below it, movement is noise.
    """
    past, now = _pooled(past, now, COARSE)
    if len(now) < 2 or not past.size:
        return 0.0
    normal, scale = _normal(past, now, least)
    signals = max(past.shape[1], ENOUGH)
    before, lately = (_broad(np.abs(part - normal) / scale) for part in (past, now))
    mean, deviation = CALM
    windows = len(past) / len(now)
    if len(before) >= len(lately):
        own = np.log((sliding_window_view(before, len(lately)).max(axis=1) + 0.5) / signals)
        middle, tenth, rare = np.quantile(own, [0.5, 0.9, 0.99])
        spread = max((tenth - middle) / 1.28, MAD_TO_SIGMA * np.median(np.abs(own - middle)))
        if windows > MANY:
            spread = max(spread, (rare - middle) / 2.33)
        weight = windows / (windows + CALM_WINDOWS)
        mean = weight * middle + (1 - weight) * mean
        deviation = (weight * max(spread, STEADIEST) ** 2 + (1 - weight) * deviation**2) ** 0.5
    reached = log((lately.max() + 0.5) / signals)
    return float(-log_ndtr((mean - reached) / deviation) / log(10))


def pattern(past: Array, now: Array, least: Array) -> tuple[float, Array]:
    """Return how surprising the farthest movement off the usual directions is.

    Args:
        past: Values of the baseline, of shape (instants, signals), NaN where nothing was seen.
        now: Values of the recent part, which follows at once.
        least: Smallest scale of each signal: below it, movement is noise.

    Returns:
        -log10 of its chance in a window of the past, and each signal's share of it; 0 where the
        past is too short to tell.
    """
    shares = np.zeros(past.shape[1])
    if not past.size:
        return 0.0, shares
    column = np.linspace(0, past.shape[1] - 1, min(SIGNALS, past.shape[1])).astype(np.intp)
    past, now = _pooled(past[:, column], now[:, column], BRIEF)
    least = least[column]
    signals, length = past.shape[1], len(now)
    if length < 1 or len(past) < max(FEWEST * length, PER_SIGNAL * signals) + BEFORE:
        return 0.0, shares
    moves = _scaled(_moves(past, now), least)
    windows, asked = np.array_split(moves[:-1], FOLDS), moves[-1:]
    common = [np.einsum("wis,wit->st", part, part, optimize=True) for part in windows]
    whole = np.sum(common, axis=0)
    # Directions fit the rows they come from too well: each part of the past is judged by the rest.
    before = np.concatenate(
        [
            _off(part, _directions(whole - own)).max(axis=1)
            for part, own in zip(windows, common, strict=True)
        ]
    )
    directions = _directions(whole)
    reached = _off(asked, directions)[0]
    worst = asked[0, reached.argmax()]
    error = (worst - directions @ (directions.T @ worst)) ** 2
    shares[column] = error / max(float(error.sum()), 1e-9)
    return _surprise(before, float(reached.max()), len(past) / length), shares


def _surprise(before: Array, reached: float, windows: float) -> float:
    """Return -log10 of the chance of what was ``reached``, after what windows ``before`` showed.

    What has happened before is as rare as it was, whatever the tail says.
    """
    size = float(np.median(before))
    if size <= 0 or reached <= 0:
        return 0.0
    known, start = before[:, None] / size, np.quantile(before, [1 - TOP]) / size
    beyond = np.log10((1 + reached / size) / (1 + start)) / tail_index(known, start)
    alike = (before >= ALIKE * reached).astype(np.int8)
    times = int(np.diff(alike, prepend=0).clip(0).sum())
    most = log10(windows / times) if times else np.inf
    return max(min(float(beyond[0]) - log10(TOP), most), 0.0)


def _moves(past: Array, now: Array) -> Array:
    """Return movements from the level shortly before, of windows of the past and of ``now``, last.

    Returns:
        Shape (windows, instants, signals); 0 where nothing was seen.
    """
    usual = _median(past)
    values = np.vstack([past, now]) - usual
    values[np.isnan(values)] = 0.0
    last, length = len(past), len(now)
    starts = np.linspace(BEFORE, last - length, min(BLOCKS, last - length - BEFORE + 1))
    starts = np.append(starts, last).astype(np.intp)
    level = np.median(values[starts[:, None] - np.arange(1, BEFORE + 1)], axis=1)
    moves: Array = values[starts[:, None] + np.arange(length)] - level[:, None]
    return moves


def _pooled(past: Array, now: Array, stretches: int) -> tuple[Array, Array]:
    """Return both parts, pooled to lower medians: ``now`` to ``stretches`` or a few more."""
    size = max(len(now) // stretches, 1)
    if size == 1:
        return past, now

    def pool(part: Array) -> Array:
        count = len(part) // size  # said outright: of a part without signals it cannot be inferred
        whole = part[len(part) % size :].reshape(count, size, part.shape[1])
        middle = np.maximum((~np.isnan(whole)).sum(axis=1, keepdims=True) - 1, 0) // 2
        return np.take_along_axis(np.sort(whole, axis=1), middle, axis=1)[:, 0]  # NaN last

    return pool(past), pool(now)


def _normal(past: Array, now: Array, least: Array) -> tuple[Array, Array]:
    """Return each signal's median and a scale that faults in up to half of the past leave alone."""
    normal = _median(past)
    distance = np.abs(past - normal)
    scale = np.maximum(MAD_TO_SIGMA * _median(distance), least)
    # Steady most of the time: its rare movements are the scale; never moved: those of now.
    rare = np.sqrt(np.nan_to_num(distance**2).mean(axis=0)) if len(past) else scale
    scale = np.where(scale > 0, scale, rare)
    farthest = np.nan_to_num(np.abs(now - normal)).max(axis=0, initial=0.0) / MOVED
    scale = np.where(scale > 0, scale, farthest)
    return normal, np.where(scale > 0, scale, 1.0)


def _median(values: Array) -> Array:
    """Return the lower median of each column; 0 where nothing was seen."""
    middle = np.maximum((~np.isnan(values)).sum(axis=0) - 1, 0) // 2
    median: Array = np.nan_to_num(np.take_along_axis(np.sort(values, axis=0), middle[None], 0)[0])
    return median


def _broad(deviation: Array) -> Array:
    """Return how many signals have left their normal range at each two instants in a row."""
    held = np.nan_to_num(np.minimum(deviation[1:], deviation[:-1]))
    counts: Array = np.clip(np.log(np.maximum(held, LEAVES) / LEAVES), 0.0, 1.0).sum(axis=1)
    return counts


def _scaled(moves: Array, least: Array) -> Array:
    """Return ``moves`` in standard deviations of those of the past, none of them too far.

    Args:
        moves: Shape (windows, instants, signals); the last window is the one in question.
        least: Smallest scale of each signal.
    """
    scale = np.maximum(np.sqrt((moves[:-1] ** 2).mean(axis=(0, 1))), least)
    never = np.abs(moves[-1]).max(axis=0) / FAR
    scale = np.where(scale > 0, scale, np.where(never > 0, never, 1.0))
    scaled: Array = np.clip(moves / scale, -FAR, FAR)
    return scaled


def _directions(common: Array) -> Array:
    """Return the directions that explain enough of a sum of squares and products, as columns."""
    variance, directions = np.linalg.eigh(common)  # smallest first
    explained = np.cumsum(variance[::-1])
    number = int(np.searchsorted(explained, EXPLAINED * explained[-1])) + 1
    chosen: Array = directions[:, ::-1][:, :number]
    return chosen


def _off(moves: Array, directions: Array) -> Array:
    """Return how far ``moves`` are off the directions, of shape (windows, instants)."""
    flat = moves.reshape(-1, moves.shape[2])
    rest = (flat**2).sum(axis=1) - ((flat @ directions) ** 2).sum(axis=1)
    off: Array = np.sqrt(np.maximum(rest, 0.0)).reshape(moves.shape[:2])
    return off
