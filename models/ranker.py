"""Candidates for the fault, ranked without any causal claim.

Three witnesses are added: how far a signal moved (logarithm of its deviation), how rarely it does
(root of its surprise: the difference between one in a thousand and one in a million matters, that
beyond does not), and how early it moved. None of them holds on every system alone
(``tests/bench/RESULTS.md``): size blames signals that jump every day, surprise blames a constant
that moved a little, time blames whatever flickered first.

Probabilities are a softmax over the scores, with a pseudo-candidate for "other / not observed".
"""

from dataclasses import dataclass

import numpy as np

from diagnose.schema import Anomaly, Node, RootCause, Window
from models.deviation import Array, Deviations, measure


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What the ranking rests on.

    Attributes:
        size: Weight of the logarithm of the deviation.
        surprise: Weight of the root of -log10 of its chance.
        earliness: Weight of the share of the recent part that was still to come at the onset.
        temperature: Of the softmax: larger spreads the probability wider.
        other: Score of the pseudo-candidate "other / not observed".
        most: Candidates to name; beyond them each entity's best is kept, up to ``entities``.
        entities: Entities to name.
    """

    size: float = 1.0
    surprise: float = 3.0
    earliness: float = 2.0
    temperature: float = 1.7
    other: float = 11.0
    most: int = 20
    entities: int = 10


class DeviationRanker:
    """Rank every signal by how far it moved and how rarely it does.

    Args:
        weights: What the ranking rests on.
    """

    def __init__(self, weights: RankWeights = RankWeights()) -> None:
        self.weights = weights

    def rank(self, window: Window, anomalies: tuple[Anomaly, ...]) -> tuple[RootCause, ...]:
        """Return the candidates, most probable first; never empty where any signal exists."""
        found = measure(window)
        scores = self._scores(found, window.recent.height)
        order = np.lexsort((np.arange(len(scores)), -scores))
        chosen = self._diverse([window.signals[i].node for i in order])
        rows = order[chosen]
        weight = np.exp(
            (np.append(scores[rows], self.weights.other) - scores.max(initial=0.0))
            / self.weights.temperature
        )
        share = weight / weight.sum()
        return tuple(
            RootCause(
                window.signals[i].node.entity,
                window.signals[i].node.signal,
                float(probability),
                score=float(scores[i]),
            )
            for i, probability in zip(rows, share[:-1], strict=True)
        )

    def _scores(self, found: Deviations, instants: int) -> Array:
        """Return one score a signal, larger is likelier."""
        early = np.where(found.onset >= 0, 1 - found.onset / max(instants, 1), 0.0)
        scores: Array = (
            self.weights.size * np.log1p(found.largest)
            + self.weights.surprise * np.sqrt(found.surprise)
            + self.weights.earliness * early
        )
        return scores

    def _diverse(self, ordered: list[Node]) -> list[int]:
        """Return which of the nodes to name: the first, and each further entity's first."""
        first: dict[str, int] = {}
        for place, node in enumerate(ordered):
            first.setdefault(node.entity, place)
        best = sorted(first.values())[: self.weights.entities]
        return sorted({*range(min(self.weights.most, len(ordered))), *best})
