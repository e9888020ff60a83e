"""Proposes a causal graph for one incident: knowledge and data, added up into one score.

The graph is a claim. It is chosen on the earlier half of the baseline only, so that the later half
can judge it.

    Score(G) = sum over effects of BIC(effect | own past, parents)
             + sum over edges of topology + tier + lag + model - cost

Reference: Ban, Chen, Wang, Chen, "From Query Tools to Causal Architects", 2023 (arXiv 2306.16902),
for adding a language model's belief to a score as a prior on edges.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import (
    Anomaly,
    CausalGraph,
    DirectionFrom,
    Edge,
    Failure,
    Node,
    Origin,
    Signal,
    Window,
)
from models.causal_lm.belief import PairScorer
from models.evidence import (
    Evidence,
    Pattern,
    ProposalWeights,
    credibility,
    gather,
    with_lags,
)
from models.lagged import LaggedMoments
from models.shortlist import shortlist
from models.structure import Parents, best_graph

Array = NDArray[np.float64]

DECISIVE: Final = 1e-6  # less than this tells no direction
SEEN_LAG: Final = 2.0  # log-likelihood from which a lag is more than the best of several guesses
DEFAULTS: Final = ProposalWeights()


class GraphProposer:
    """Propose the best acyclic graph over the signals that matter in an incident.

    Args:
        scorer: Who has beliefs about pairs of kinds; None for nobody.
        model_weight: Overrides ``weights.model``; 0 gives exactly the graph without a model.
        weights: How much each witness counts.
        max_nodes: Signals in the graph.
        max_considered: Anomalies that are looked at to choose them.
        max_parents: Causes of one effect.
        max_lag: By how many steps an effect may follow its cause.
        required: Edges that an operator knows of, as (cause, effect) patterns in the style of a
            shell; each is matched against "entity · signal", the entity, or the signal.
        forbidden: Edges that an operator rules out, likewise; they win over ``required``.

    Assumes:
        Where the data cannot tell a direction, calls, tiers and time order can. No signal outside
        the chosen ones acts on two of them, except through load, which is always a node.
    """

    def __init__(
        self,
        scorer: PairScorer | None = None,
        model_weight: float | None = None,
        weights: ProposalWeights = DEFAULTS,
        max_nodes: int = 12,
        max_considered: int = 40,
        max_parents: int = 4,
        max_lag: int = 3,
        required: Sequence[Pattern] = (),
        forbidden: Sequence[Pattern] = (),
    ) -> None:
        self.scorer = scorer
        self.weights = weights if model_weight is None else replace(weights, model=model_weight)
        self.max_nodes = max_nodes
        self.max_considered = max_considered
        self.max_parents = max_parents
        self.max_lag = max_lag
        self.required = tuple(required)
        self.forbidden = tuple(forbidden)

    def propose(self, window: Window, anomalies: tuple[Anomaly, ...], symptom: Node) -> CausalGraph:
        """Return edges that might hold, each untested, with its origin and what directs it.

        Args:
            window: Only the earlier half of its baseline is read.
            anomalies: What left its normal range, worst first.
            symptom: What is to be explained.

        Raises:
            Failure: the required edges form a cycle among the chosen signals.
        """
        if symptom not in window.index():
            return CausalGraph(nodes=(symptom,))
        signals = shortlist(window, anomalies, symptom, self.max_nodes, self.max_considered)
        values = _values(window.split_baseline()[0], signals)
        moments = LaggedMoments(values, self.max_lag, self.weights.rows)
        evidence = gather(
            signals,
            window.topology,
            self.weights,
            self.required,
            self.forbidden,
            window.contains,
        )
        onsets = _onsets(signals, anomalies)
        evidence = with_lags(evidence, moments.lead, onsets, self.weights)
        already = self.scorer.sent if self.scorer else ()
        model, unanswered = self._beliefs(signals, evidence, moments)
        evidence = replace(evidence, model=model)
        weighed = _Weighed(moments, evidence, self.weights)
        required = [(int(c), int(e)) for c, e in np.argwhere(evidence.required)]
        try:
            parents = best_graph(weighed.score, evidence.prior(), required, self.max_parents)
        except ValueError as error:
            raise Failure(str(error), "take one of them out of the topology file") from error
        edges = weighed.edges(signals, parents, window.step_seconds)
        return CausalGraph(
            tuple(signal.node for signal in signals),
            edges,
            unanswered=unanswered,
            sent=self.scorer.sent[len(already) :] if self.scorer else (),
        )

    def _beliefs(
        self, signals: Sequence[Signal], evidence: Evidence, moments: LaggedMoments
    ) -> tuple[Array, int]:
        """Return causes by effects what the model adds for each edge, and pairs unanswered."""
        model = np.zeros(evidence.allowed.shape)
        if self.scorer is None or self.weights.model == 0:
            return model, 0
        pairs = [
            (i, j)
            for i, j in np.argwhere(np.triu(evidence.allowed | evidence.allowed.T)).tolist()
            if _askable(signals[i], signals[j])
        ]
        strength = moments.gain + moments.gain.T
        pairs.sort(key=lambda pair: -strength[pair])  # what the data suggest is asked first
        beliefs = self.scorer.score([(signals[i].kind, signals[j].kind) for i, j in pairs])
        for (i, j), belief in zip(pairs, beliefs, strict=True):
            model[i, j], model[j, i] = belief.forward, belief.backward
        told = [pair for pair, belief in zip(pairs, beliefs, strict=True) if belief.answered]
        weight = self.weights.model * credibility(
            np.array([max(model[pair], model[pair[::-1]]) for pair in told]),
            np.array([strength[pair] for pair in told]),
        )
        clipped = np.clip(model, -self.weights.clip, self.weights.clip)
        return weight * clipped, len(pairs) - len(told)


class _Weighed:
    """Data and knowledge on one scale, with what each contributed to every edge."""

    def __init__(
        self, moments: LaggedMoments, evidence: Evidence, weights: ProposalWeights
    ) -> None:
        self.moments = moments
        self.evidence = evidence
        self.weights = weights

    def score(self, effect: int, parents: frozenset[int]) -> float:
        """Return how well the data let ``parents`` explain ``effect``."""
        return self.weights.data * self.moments.score(effect, parents)

    def edges(
        self, signals: Sequence[Signal], parents: Parents, step_seconds: float
    ) -> tuple[Edge, ...]:
        """Return the graph's edges as claims, in the order of the signals."""
        return tuple(
            Edge(
                signals[cause].node,
                signals[effect].node,
                self._origin(cause, effect, parents),
                self._direction(cause, effect, parents),
                lag_seconds=self._lag(cause, effect, step_seconds),
            )
            for effect, causes in enumerate(parents)
            for cause in sorted(causes)
        )

    def _origin(self, cause: int, effect: int, parents: Parents) -> Origin:
        """Return who speaks loudest for this edge being there."""
        if self.evidence.required[cause, effect]:
            return "operator"
        have = parents[effect]
        said: dict[Origin, float] = {
            "data": self.score(effect, have) - self.score(effect, have - {cause}),
            "topology": self.evidence.topology[cause, effect],
            "model": self.evidence.model[cause, effect],
            "rule": self.evidence.tier[cause, effect],
        }
        return max(said, key=lambda who: said[who])

    def _direction(self, cause: int, effect: int, parents: Parents) -> DirectionFrom:
        """Return who speaks loudest for this direction and against the other."""
        known = self.evidence
        if known.required[cause, effect] or known.forbidden[effect, cause]:
            return "operator"
        if known.deeper[effect, cause]:
            return "tier"
        if known.upstream[effect, cause]:
            return "topology"
        said: dict[DirectionFrom, float] = {
            "topology": _lean(known.topology, cause, effect),
            "tier": _lean(known.tier, cause, effect),
            "lag": _lean(known.lag, cause, effect) + self._turned(cause, effect, parents),
            "model": _lean(known.model, cause, effect),
        }
        loudest = max(said, key=lambda who: said[who])
        return loudest if said[loudest] > DECISIVE else "none"

    def _turned(self, cause: int, effect: int, parents: Parents) -> float:
        """Return what the data lose, lags included, if the edge is turned round."""
        have, other = parents[effect], parents[cause]
        now = self.score(effect, have) + self.score(cause, other)
        then = self.score(effect, have - {cause}) + self.score(cause, other | {effect})
        return now - then

    def _lag(self, cause: int, effect: int, step_seconds: float) -> float | None:
        """Return by how much the effect follows; None where the data show no relation."""
        seen = self.moments.gain[cause, effect] > SEEN_LAG
        return float(self.moments.lag[cause, effect]) * step_seconds if seen else None


def _lean(said: Array, cause: int, effect: int) -> float:
    return float(said[cause, effect] - said[effect, cause])


def _askable(one: Signal, other: Signal) -> bool:
    """Return whether a question about the kinds can have an answer: known, and not the same."""
    known = one.kind.tier != "unknown" and other.kind.tier != "unknown"
    return known and one.kind.name != other.kind.name


def _values(frame: pl.DataFrame, signals: Sequence[Signal]) -> Array:
    """Return instants by signals; a gap is NaN."""
    columns = frame.select(pl.col(str(s.node)).fill_null(float("nan")) for s in signals)
    return columns.to_numpy().astype(np.float64)


def _onsets(signals: Sequence[Signal], anomalies: Sequence[Anomaly]) -> Array:
    """Return when each signal left its normal range, in seconds; NaN where it did not."""
    onset = {anomaly.node: anomaly.onset.timestamp() for anomaly in anomalies}
    return np.array([onset.get(signal.node, np.nan) for signal in signals])
