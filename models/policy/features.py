"""What the data and the kinds say about every ordered pair of an incident's signals, as numbers.

All lie in about -1..1 and none depends on how long the baseline is. Nothing here knows the truth.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.calls import Relation, relations
from models.evidence import DEPTH
from models.lagged import normal_scores
from models.policy.graphs import pair_index
from models.policy.incident import MAX_LAG, Incident

Array = NDArray[np.float64]

DEEPEST: Final = max(DEPTH.values())
SHRUNK: Final = 0.05  # of the identity in a correlation matrix before it is inverted
VISIBLE: Final = 0.05  # log-likelihood an instant that counts as half of all there can be
FAR: Final = 3.0  # standard deviations of shift that count as half of all there can be
NAMES: Final = (
    *("gain", "gain turned", "lead", "lag", "correlation", "partial correlation"),
    *("tiers up", "tier known", "load acts", "load follows", "shift of cause", "shift of effect"),
    *(f"relation {relation.name.lower()}" for relation in Relation),
)


def ordered(incident: Incident) -> Array:
    """Return the numbers of ``NAMES`` for each cause and effect, shape (signals, signals, names).

    Args:
        incident: Only what a policy may see of it is read.
    """
    moments, size = incident.moments, len(incident.signals)
    gain = _squashed(moments.gain / np.maximum(moments.rows, 1.0), VISIBLE)
    lead = _squashed(moments.lead / np.maximum(moments.rows, 1.0), VISIBLE)
    straight, partial = _correlations(incident.baseline)
    kinds = [signal.kind for signal in incident.signals]
    depth = np.array([DEPTH.get(kind.tier, np.nan) for kind in kinds]) / DEEPEST
    up = depth[None, :] - depth[:, None]
    load = np.array([float(kind.load) for kind in kinds])
    none = frozenset[int]()
    shift = _squashed(
        np.array([incident.residuals.deviation(place, none) for place in range(size)]), FAR
    )
    across = np.ones((size, size))
    related = relations(
        [signal.node.entity for signal in incident.signals], incident.topology, incident.contains
    )
    said = (
        *(gain, gain.T, lead - lead.T, moments.lag / MAX_LAG, straight, partial),
        *(np.nan_to_num(up), np.isfinite(up), load[:, None] * across, load[None, :] * across),
        *(shift[:, None] * across, shift[None, :] * across),
        *(related == relation for relation in Relation),
    )
    return np.stack([np.asarray(one, np.float64) for one in said], axis=2)


def both_orders(incident: Incident) -> Array:
    """Return the numbers of each pair in both orders, shape (pairs, 2, names)."""
    first, second = pair_index(len(incident.signals))
    every = ordered(incident)
    return np.stack((every[first, second], every[second, first]), axis=1)


@lru_cache(4096)
def words(kind: Kind) -> tuple[str, ...]:
    """Return the words that say what a signal is; all are of the fixed vocabulary."""
    return (*kind.name.split(), f"in {kind.unit}", f"of {kind.tier}")


def _squashed(value: Array, half: float) -> Array:
    """Return 0..1 for 0 or more, one half at ``half``."""
    return np.asarray(value / (value + half))


def _correlations(values: Array) -> tuple[Array, Array]:
    """Return the size of each correlation, alone and given all other signals at that instant."""
    scores = np.nan_to_num(normal_scores(values))
    spread = np.sqrt((scores**2).mean(axis=0))
    unit = scores / np.where(spread > 0, spread, 1.0)
    straight = unit.T @ unit / max(len(unit), 1)
    np.fill_diagonal(straight, 1.0)
    inverse = np.linalg.inv(straight + SHRUNK * np.eye(len(straight)))
    own = np.sqrt(np.diag(inverse))
    return np.abs(straight), np.abs(inverse / np.outer(own, own))
