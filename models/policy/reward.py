"""What a graph is worth, as far as that can be verified.

    reward = .4 * closeness to the truth + .3 * fit + .2 * root cause + .1 * independences kept

- *closeness*: edges / (edges + structural Hamming distance). Near the truth that is 1 - distance /
  edges, and it never falls below what an impossible graph earns.
- *fit*: 1 - exp(-2 g), g the penalised gain in log-likelihood by instant and signal over the graph
  without edges: for one normal variable, the share of variance that its causes explain.
- *root cause*: one over the place of the true one in the order of unexplained shifts.
- *independences kept*: one less the share that a judge finds violated.

A graph with a cycle, with an edge that tiers forbid, or that the judge refuses, earns 0. The judge
is a callable: who claims does not know who judges. Where the truth is not known, its two parts are
left out and the others share their weight.

Reference: Foerster et al., "Counterfactual Multi-Agent Policy Gradients", AAAI 2018, for crediting
each decision with what would have happened had it alone been another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.policy.graphs import (
    BACKWARD,
    FORWARD,
    NONE,
    Adjacency,
    answers,
    is_acyclic,
    pair_index,
    reach,
)
from models.policy.incident import Incident, Truth

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge says of a graph.

    Attributes:
        violated: Share of the graph's independences that the data deny; 0 where none is testable.
        refused: Whether the graph is so far off that nothing it says should be rewarded.
    """

    violated: float
    refused: bool = False


Judge = Callable[[Adjacency], Judgement]


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """How much each part counts; what is present is scaled to sum to 1."""

    closeness: float = 0.4
    fit: float = 0.3
    root: float = 0.2
    kept: float = 0.1


DEFAULTS: Final = RewardWeights()


class GraphReward:
    """The worth of graphs of one incident, each 0..1; equal graphs are judged once.

    Args:
        incident: What the graphs are about.
        truth: What is really so; None where it is not known.
        judge: Says which independences hold, on instants that chose no graph; None for nobody.
        weights: Of the parts.
    """

    def __init__(
        self,
        incident: Incident,
        truth: Truth | None = None,
        judge: Judge | None = None,
        weights: RewardWeights = DEFAULTS,
    ) -> None:
        self.incident = incident
        self.truth = truth
        self.judge = judge
        given = np.array([weights.closeness, weights.fit, weights.root, weights.kept])
        given *= [truth is not None, True, truth is not None, judge is not None]
        shares: list[float] = (given / given.sum()).tolist()
        self._closeness, self._fit, self._root, self._kept = shares
        self._edges = answers(truth.edges) if truth else np.zeros(0, np.int64)
        self._judged: dict[bytes, Judgement] = {}

    def __call__(self, graph: Adjacency) -> float:
        """Return the worth of ``graph``."""
        if (graph & ~self.incident.allowed).any() or not is_acyclic(graph):
            return 0.0
        judgement = self._judgement(graph)
        if judgement.refused:
            return 0.0
        return self._plain(graph) + self._kept * (1 - judgement.violated)

    def credit(self, graph: Adjacency, shares: Array) -> Array:
        """Return what each pair's answer adds over what the policy would have answered instead.

        An answer that closes a cycle is worth what neither is worth: a draw's repair leaves it out.
        The judge is left out too: asking it of every changed graph would take longer than all else.

        Args:
            graph: An acyclic graph that is allowed.
            shares: The policy's probabilities, of shape (pairs, 3).
        """
        first, second = pair_index(len(graph))
        given, paths = answers(graph), reach(graph)
        now = self._plain(graph)
        credit = np.zeros(len(first))
        for pair, (a, b, answer) in enumerate(zip(first, second, given, strict=True)):
            expected = shares[pair, answer] * now
            for other in {FORWARD, BACKWARD, NONE} - {int(answer)}:
                if shares[pair, other] > 0:
                    changed = _changed(graph, paths, int(a), int(b), other)
                    expected += shares[pair, other] * self._plain(changed)
            credit[pair] = now - expected
        return credit

    def _plain(self, graph: Adjacency) -> float:
        """Return the worth without what a judge says."""
        worth = self._fit * self.fit(graph)
        if self.truth is not None:
            distance = int((answers(graph) != self._edges).sum())
            edges = max(int(self.truth.edges.sum()), 1)
            place = self.incident.residuals.ranking(graph).index(self.truth.root)
            worth += self._closeness * edges / (edges + distance) + self._root / (1 + place)
        return worth

    def fit(self, graph: Adjacency) -> float:
        """Return how much of the baseline the graph explains, 0..1."""
        moments = self.incident.moments
        none = frozenset[int]()
        gain = 0.0
        for effect, causes in enumerate(graph.T):
            if causes.any() and moments.rows[effect] > 0:
                parents = frozenset(np.flatnonzero(causes).tolist())
                more = moments.score(effect, parents) - moments.score(effect, none)
                gain += more / float(moments.rows[effect])
        return 1 - exp(-2 * max(gain, 0.0) / len(graph))

    def _judgement(self, graph: Adjacency) -> Judgement:
        if self.judge is None:
            return Judgement(0.0)
        key = np.packbits(graph).tobytes()
        if key not in self._judged:
            self._judged[key] = self.judge(graph)
        return self._judged[key]


def _changed(graph: Adjacency, paths: Adjacency, a: int, b: int, answer: int) -> Adjacency:
    """Return ``graph`` with another answer for one pair; with neither where that closes a cycle.

    Args:
        graph: Acyclic.
        paths: What ``reach`` says of it.
        a: First signal of the pair.
        b: Second signal.
        answer: Another than the graph gives.
    """
    changed = graph.copy()
    changed[a, b] = changed[b, a] = False
    if answer != NONE:
        cause, effect = (a, b) if answer == FORWARD else (b, a)
        ahead = changed[effect]  # where an edge is turned round, another way back may be left
        back = ahead[cause] or (ahead & paths[:, cause]).any()
        changed[cause, effect] = not back
    return changed
