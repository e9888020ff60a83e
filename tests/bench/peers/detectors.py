"""Other ways to tell an incident from a healthy window: one number a window, larger is worse.

References: Shyu et al., "A novel anomaly detection scheme based on principal component classifier",
2003, for the error of reconstruction; Liu, Ting, Zhou, "Isolation forest", ICDM 2008.
"""

import warnings
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tests.bench.peers.rankers import FLOOR, TINY, Rows

Array = NDArray[np.float64]

IQR_TO_SIGMA: Final = 0.7413  # makes the interquartile range of normal data its deviation
EXPLAINED: Final = 0.95  # share of the variance that the components keep
TREES: Final = 100
SEED: Final = 0
MOST: Final = 1e6


def largest_robust_z(rows: Rows) -> float:
    """Return the largest distance from the median, in robust standard deviations."""
    return float(_robust_z(rows).max(initial=0.0))


def symptoms_z(rows: Rows) -> float | None:
    """Return the same of the symptom alone; None where there is none."""
    found = [i for i, signal in enumerate(rows.signals) if signal.node == rows.symptom]
    return float(_robust_z(rows)[found[0]]) if found else None


def reconstruction_error(rows: Rows) -> float:
    """Return the largest error of principal components, over the 99th percentile of the past's."""
    from sklearn.decomposition import PCA

    past, now = _standardised(rows)
    components = PCA(n_components=EXPLAINED, svd_solver="full").fit(past)

    def error(part: Array) -> Array:
        rebuilt = components.inverse_transform(components.transform(part))
        return np.asarray(((part - rebuilt) ** 2).sum(axis=1))

    return float(error(now).max() / (np.quantile(error(past), 0.99) + TINY))


def isolation(rows: Rows) -> float:
    """Return the largest score of an isolation forest that was grown on the past."""
    from sklearn.ensemble import IsolationForest

    past, now = _standardised(rows)
    forest = IsolationForest(n_estimators=TREES, random_state=SEED).fit(past)
    return float(-forest.score_samples(now).min())


DETECTORS: Final[dict[str, Callable[[Rows], float | None]]] = {
    "largest robust z": largest_robust_z,
    "symptom's z": symptoms_z,
    "PCA": reconstruction_error,
    "isolation forest": isolation,
}


def _robust_z(rows: Rows) -> Array:
    """Return the largest distance of each signal; what was not seen in the past says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what was never seen
        low, median, high = np.nanquantile(rows.past, [0.25, 0.5, 0.75], axis=0)
        scale = np.maximum(IQR_TO_SIGMA * (high - low), FLOOR * np.abs(median))
        scale = np.where(scale > 0, scale, np.nanstd(rows.past, axis=0) + TINY)
        distance = np.nanmax(np.abs(rows.now - median), axis=0, initial=0.0) / scale
    return np.asarray(np.minimum(np.nan_to_num(distance), MOST))


def _standardised(rows: Rows) -> tuple[Array, Array]:
    """Return past and recent part in standard deviations of the past, gaps at its mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what was never seen
        mean, sigma = np.nanmean(rows.past, axis=0), np.nanstd(rows.past, axis=0)
        scale = np.maximum(sigma, FLOOR * np.abs(mean))
        parts = [(part - mean) / np.where(scale > 0, scale, 1.0) for part in (rows.past, rows.now)]
    past, now = (np.nan_to_num(np.clip(part, -MOST, MOST)) for part in parts)
    return past, now
