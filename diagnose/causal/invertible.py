"""Whether a node's own noise can be told from what it shows: what a counterfactual starts from.

A node that stands at its limit, shows a few levels only, or whose noise grows with what acts on it
shows the same under many noises, or not one that adds up. Then nobody knows what else it would have
shown.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Node

Floats = NDArray[np.float64]

LEVELS: Final = 12  # distinct values, below which a node is taken to show levels
PILED: Final = 0.02  # share of normal life at exactly one end of it, from which that is a limit
STANDS: Final = 3  # instants of the incident at one value, from which the node stands at a limit
GROWS: Final = 0.25  # rank correlation of the noise's size with what is expected
SURELY: Final = 4.0  # standard errors of that correlation


def hidden_noise(node: Node, normal: Floats, worst: Floats, noise: Floats) -> str | None:
    """Return why the noise of ``node`` cannot be told from what it shows; None where it can.

    Args:
        node: Whose.
        normal: What it showed in normal life.
        worst: What it showed in the incident.
        noise: Of normal life, as a mechanism with additive noise has it.
    """
    from scipy.stats import spearmanr

    if len(np.unique(normal)) < LEVELS:
        return f"{node} shows a few levels only, and many causes lead to the same"
    ends = [end for end in (normal.min(), normal.max()) if (normal == end).mean() > PILED]
    if any(end in worst for end in ends) or (
        len(worst) >= STANDS and np.ptp(worst) <= 1e-9 * max(abs(float(worst[0])), 1e-12)
    ):
        return f"{node} stands at a limit, and what would be beyond it cannot be told"
    expected = normal - noise
    if np.ptp(expected) <= 1e-9 * np.ptp(normal):
        return None
    size = np.abs(noise - np.median(noise))
    for load in (expected, np.abs(expected - np.median(expected))):  # it may grow on both sides
        grows = float(spearmanr(load, size).statistic)
        # Slow signals hold fewer independent instants than instants.
        slow = np.corrcoef(load[1:], load[:-1])[0, 1]
        independent = max(len(normal) * (1 - slow) / (1 + slow), 4.0)
        if abs(grows) > max(GROWS, SURELY / np.sqrt(independent)):
            return f"what {node} adds by itself grows with what acts on it, and is not told apart"
    return None
