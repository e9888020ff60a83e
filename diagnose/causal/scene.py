"""One incident as the upper rungs of the ladder see it: what is normal, what is not, who acts."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.influence import Influence, influence
from diagnose.incident.columns import columns
from diagnose.schema import CausalGraph, Node, Window

Floats = NDArray[np.float64]

FEWEST_ROWS: Final = 50  # instants of normal life that mechanisms need
SEVERAL: Final = 5  # affected instants of which can be spoken alone
OFTEN: Final = 0.25  # share of the symptom's time for which a cause must be abnormal as well
TAIL: Final = 0.005  # share of normal life that lies below the normal range, and above it


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One incident, its graph and its normal life; arrays have one value a node of the graph.

    Attributes:
        acting: The edges that survived.
        baseline: Normal life, shape (instants, nodes).
        recent: The incident, of the same columns; in a gap a node shows what it showed last.
        normal: Median of normal life.
        low: Lower end of the normal range.
        high: Upper end of it.
        seen: Least and most that normal life showed, shape (2, nodes).
        symptom: What is explained.
        affected: Recent instants from the first to the last at which the symptom is outside of its
            normal range, on the side where it deviates more; if those are few, they alone.
    """

    acting: Influence
    baseline: Floats
    recent: Floats
    normal: Floats
    low: Floats
    high: Floats
    seen: Floats
    symptom: Node
    affected: NDArray[np.bool_]

    def beyond(self, node: int, values: Floats) -> Floats:
        """Return how far ``values`` lie outside of what was seen, in widths of what was."""
        least, most = self.seen[:, node]
        outside = np.maximum(np.maximum(least - values, values - most), 0.0)
        return np.asarray(outside / max(most - least, 1e-12))

    @property
    def target(self) -> int:
        """Return the place of the symptom, which the graph must have."""
        return self.acting.nodes.index(self.symptom)

    @property
    def deviation(self) -> float:
        """Return by how much the symptom deviates while it is affected; 0 where it never is."""
        if not self.affected.any():
            return 0.0
        return float(self.recent[self.affected, self.target].mean() - self.normal[self.target])

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Return the recent instants of which is spoken: the affected ones, all if those are few.

        A few instants that stand out were chosen for what chance added to them, and whoever speaks
        of them alone takes chance for a fault.
        """
        several = self.affected.sum() >= SEVERAL
        return self.affected if several else np.ones_like(self.affected)

    def no_way(self, cause: Node, effect: Node) -> str | None:
        """Return why nothing is known of how ``cause`` acts on ``effect``; None where it is."""
        nodes = self.acting.nodes
        both = cause in nodes and effect in nodes
        place = nodes.index(cause) if both else 0
        between = self.acting.between(place, nodes.index(effect)) if both else ()
        if not between:
            return f"no edge that held in its test leads from {cause} to {effect}"
        whole = np.isfinite(self.baseline[:, [place, *between]]).all(axis=1)
        if whole.sum() < FEWEST_ROWS:
            return f"too little of normal life was seen between {cause} and {effect}"
        still = [n for n in (place, *between) if self.seen[0, n] == self.seen[1, n]]
        if still:
            return f"{nodes[still[0]]} never moved in normal life, so nobody saw what follows it"
        return None

    def obstacle(self, cause: Node) -> str | None:
        """Return why no repair of ``cause`` can be judged; None where nothing stands in the way."""
        if cause == self.symptom:
            return "it is the symptom itself"
        if refused := self.no_way(cause, self.symptom):
            return refused
        place, target = self.acting.nodes.index(cause), self.target
        if self.low[target] <= self.normal[target] + self.deviation <= self.high[target]:
            return f"{self.symptom} is within its normal range, or hardly outside"
        now = self.recent[:, place]
        outside = (now < self.low[place]) | (now > self.high[place])
        if outside.sum() < OFTEN * self.affected.sum():
            return f"{cause} is within its normal range, so there is nothing to bring back"
        return None


def scene(graph: CausalGraph, window: Window, symptom: Node) -> Scene:
    """Return what both rungs need to know of an incident.

    Args:
        graph: After its tests.
        window: Normal life and the incident.
        symptom: What is explained.
    """
    acting = influence(graph, window.step_seconds)
    baseline = columns(window.baseline, acting.nodes)
    ordered = np.sort(baseline, axis=0)  # NaN last
    count = np.isfinite(baseline).sum(axis=0)

    def quantile(share: float) -> Floats:
        row = np.rint(share * np.maximum(count - 1, 0)).astype(np.int64)
        if not len(ordered):
            return np.zeros(len(acting.nodes))
        return np.asarray(np.nan_to_num(np.take_along_axis(ordered, row[None], axis=0)[0]))

    normal, low, high = quantile(0.5), quantile(TAIL), quantile(1 - TAIL)
    recent = _held(columns(window.recent, acting.nodes), normal)
    affected = np.zeros(len(recent), dtype=np.bool_)
    if symptom in acting.nodes:
        place = acting.nodes.index(symptom)
        below = np.maximum(low[place] - recent[:, place], 0.0)
        above = np.maximum(recent[:, place] - high[place], 0.0)
        affected = _stretch((below if below.sum() > above.sum() else above) > 0)
    seen = np.stack((quantile(0.0), quantile(1.0)))
    return Scene(acting, baseline, recent, normal, low, high, seen, symptom, affected)


def _stretch(outside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return all from the first to the last, if half of them are; else ``outside`` as it is."""
    within = np.maximum.accumulate(outside) & np.maximum.accumulate(outside[::-1])[::-1]
    return np.asarray(within if 2 * outside.sum() >= within.sum() else outside)


def _held(values: Floats, before: Floats) -> Floats:
    """Return ``values`` with each gap filled by what was seen last, else by ``before``."""
    started = np.concatenate((before[None], values))
    rows = np.where(np.isfinite(started), np.arange(len(started))[:, None], 0)
    return np.asarray(np.take_along_axis(started, np.maximum.accumulate(rows, axis=0), axis=0)[1:])
