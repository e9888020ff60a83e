"""Whether a node's own noise can be told from what it shows: what a counterfactual starts from.

A node that stands at its limit, shows a few levels only, or whose noise grows with what acts on it
shows the same under many noises, or not one that adds up. Then nobody knows what else it would have
shown.

Reference: Breusch and Pagan, "A simple test for heteroscedasticity and random coefficient
variation", Econometrica 47, 1979; White, "A heteroskedasticity-consistent covariance matrix
estimator and a direct test for heteroskedasticity", Econometrica 48, 1980; Neyman, "'Smooth test'
for goodness of fit", Skandinavisk Aktuarietidskrift 20, 1937; Pyper and Peterman, as in
``independence``.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Node

Floats = NDArray[np.float64]

LEVELS: Final = 12  # distinct values, below which a node is taken to show levels
PILED: Final = 0.02  # share of normal life at exactly one end of it, from which that is a limit
STANDS: Final = 3  # instants of the incident at one value, from which the node stands at a limit
CHANCE: Final = 0.01  # that noise of one size is taken for noise that grows
SLIGHT: Final = 0.1  # correlation of the noise's size with a load, below which it does not matter
FEWEST: Final = 30  # instants from which growth can be told
REMEMBERED: Final = 0.2  # of all instants: how far back a past is looked for


def hidden_noise(
    node: Node, normal: Floats, worst: Floats, noise: Floats, loads: Floats
) -> str | None:
    """Return why the noise of ``node`` cannot be told from what it shows; None where it can.

    Args:
        node: Whose.
        normal: What it showed in normal life, finite.
        worst: What it showed in the incident.
        noise: What each instant of normal life added that nobody expected, shape (instants,); NaN
            where that is not known.
        loads: What the size of the noise may follow, shape (instants, loads).
    """
    if len(np.unique(normal)) < LEVELS:
        return f"{node} shows a few levels only, and many causes lead to the same"
    ends = [end for end in (normal.min(), normal.max()) if (normal == end).mean() > PILED]
    if any(end in worst for end in ends) or (
        len(worst) >= STANDS and np.ptp(worst) <= 1e-9 * max(abs(float(worst[0])), 1e-12)
    ):
        return f"{node} stands at a limit, and what would be beyond it cannot be told"
    known = np.isfinite(noise) & np.isfinite(loads).all(axis=1)
    if known.sum() < FEWEST:
        return None
    size = np.abs(noise[known] - np.median(noise[known]))
    tests = [_grows(size, load[known]) for load in loads.T]
    if any(p < CHANCE / len(tests) and strength > SLIGHT for p, strength in tests):
        return f"what {node} adds by itself grows with what acts on it, and is not told apart"
    return None


def _grows(size: Floats, load: Floats) -> tuple[float, float]:
    """Return the chance that noise of one size follows ``load`` as much, and how much it does.

    Asked of ranks, by a line and a parabola: noise may grow towards one end of its load, towards
    both, or in the middle. Where both move slowly there are fewer independent instants.
    """
    from scipy.stats import chi2, rankdata

    if np.ptp(load) <= 0 or np.ptp(size) <= 0:
        return 1.0, 0.0
    place = 2 * rankdata(load) / (len(load) + 1) - 1
    shapes = _unit(np.stack((place, 1.5 * place**2)))
    follows = _unit(rankdata(size))
    correlation = shapes @ follows / len(follows)
    alike = _memory(shapes) * _memory(follows)
    independent = len(follows) / np.maximum(1 + 2 * alike.sum(axis=-1), 1.0)
    power = correlation**2
    return float(chi2.sf(power @ independent, len(shapes))), float(np.sqrt(power.sum()))


def _unit(values: Floats) -> Floats:
    """Return rows of mean 0 and variance 1."""
    centred = values - values.mean(axis=-1, keepdims=True)
    spread = centred.std(axis=-1, keepdims=True)
    return np.asarray(centred / np.where(spread > 0, spread, 1.0))


def _memory(values: Floats) -> Floats:
    """Return how rows of mean 0 and variance 1 correlate with their own past, shape (..., lags)."""
    length = values.shape[-1]
    power = np.abs(np.fft.rfft(values, 2 * length)) ** 2
    past = np.fft.irfft(power)[..., 1 : 1 + round(REMEMBERED * length)]
    return np.asarray(past / length)
