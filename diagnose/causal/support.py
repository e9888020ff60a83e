"""What normal life has shown: where a mechanism can be asked, and where nobody has been.

A value is in support where normal life came as far several times, and a combination of values where
normal life came as near to it as it came to itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.mechanism import lagged

if TYPE_CHECKING:
    from scipy.spatial import KDTree

Floats = NDArray[np.float64]

TIMES: Final = 5  # that normal life must have come as far, or as near
USUAL: Final = 0.99  # share of normal life that is as near to other instants of it
ROOM: Final = 1.25  # times that distance is still near


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """Where some nodes were together.

    Attributes:
        centre: Mean of each.
        scale: Standard deviation of each.
        tree: All instants, in scales from the centre.
        near: Distance to the nearest instants within which a combination counts as seen.
    """

    centre: Floats
    scale: Floats
    tree: "KDTree"
    near: float

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Return whether each of ``points``, shape (..., nodes), was nearly seen."""
        z = (points - self.centre) / self.scale
        distance, _ = self.tree.query(z, k=[TIMES])
        return np.asarray(distance[..., 0] <= self.near)


def joint_support(values: Floats, nodes: Sequence[int], lags: Sequence[int]) -> Support | None:
    """Return where ``nodes`` were together; None where there are too few instants to tell.

    Args:
        values: Shape (instants, columns), of normal life; NaN where nothing was seen.
        nodes: Columns.
        lags: By how many steps each is looked at earlier.
    """
    from scipy.spatial import KDTree

    known = lagged(values, nodes, lags)
    known = known[np.isfinite(known).all(axis=1)]
    if len(known) <= TIMES:
        return None
    centre, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    z = (known - centre) / scale
    tree = KDTree(z)
    own, _ = tree.query(z, k=[TIMES + 1])  # the nearest is the instant itself
    return Support(centre, scale, tree, ROOM * float(np.quantile(own[:, 0], USUAL)))


def reached(values: Floats) -> tuple[float, float]:
    """Return how far down and up normal life came, several times; NaN does not count."""
    seen = np.sort(values[np.isfinite(values)])
    if not len(seen):
        return 0.0, 0.0
    step = min(TIMES, len(seen)) - 1
    return float(seen[step]), float(seen[-1 - step])
