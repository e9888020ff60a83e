"""Other ways to rank signals, in their plainest form, on the very window that Aitia reads.

References: n-sigma as in Shan et al., "ε-Diagnosis", WWW 2019; the RobustScorer of Pham, Ha, Zhang,
"BARO", FSE 2024; the information-theoretic tail score of Budhathoki et al., "Causal structure-based
root cause analysis of outliers", ICML 2022.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import RootCause, Window

Array = NDArray[np.float64]
TINY: Final = 1e-9


def n_sigma(past: Array, now: Array) -> Array:
    """Return the largest distance from the mean in standard deviations."""
    mean, sigma = np.nanmean(past, axis=0), np.nanstd(past, axis=0)
    return np.asarray(np.nanmax(np.abs(now - mean), axis=0, initial=0.0) / (sigma + TINY))


def robust_scorer(past: Array, now: Array) -> Array:
    """Return the largest distance from the median in interquartile ranges."""
    low, median, high = np.nanquantile(past, [0.25, 0.5, 0.75], axis=0)
    return np.asarray(np.nanmax(np.abs(now - median), axis=0, initial=0.0) / (high - low + TINY))


def tail_score(past: Array, now: Array) -> Array:
    """Return -log of the share of the past that lies at least as far from the median."""
    median = np.nanmedian(past, axis=0)
    farthest = np.nanmax(np.abs(now - median), axis=0, initial=0.0)
    beyond = (np.abs(past - median) >= farthest).sum(axis=0)
    return np.asarray(-np.log((beyond + 1) / (len(past) + 1)))


PEERS: Final[dict[str, Callable[[Array, Array], Array]]] = {
    "n-sigma": n_sigma,
    "BARO RobustScorer": robust_scorer,
    "tail score": tail_score,
}


def ranking(peer: Callable[[Array, Array], Array], window: Window) -> tuple[RootCause, ...]:
    """Return all signals as ``peer`` ranks them, ties in the window's order."""
    past, now = (part.drop("time").to_numpy() for part in (window.baseline, window.recent))
    with np.errstate(all="ignore"):
        scores = np.nan_to_num(peer(past, now), posinf=0.0)
    order = np.argsort(-scores, kind="stable")
    nodes = [window.signals[i].node for i in order]
    return tuple(RootCause(node.entity, node.signal, 0.0) for node in nodes)
