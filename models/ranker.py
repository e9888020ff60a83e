"""Candidates for the fault, ranked without any causal claim.

Size and surprise are added on a logarithmic scale: what moved far, and farther than it ever does.
Neither alone holds on every system (``tests/bench/RESULTS.md``): size alone blames signals that
jump every day, surprise alone blames a constant that moved a little.

Probabilities are a softmax over the scores, with a pseudo-candidate for "other / not observed".
"""

from dataclasses import dataclass

import numpy as np

from diagnose.schema import Anomaly, Node, RootCause, Window
from models.deviation import measure


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What the ranking rests on.

    Attributes:
        surprise: Weight of -log10 of the chance, beside the logarithm of the deviation.
        temperature: Of the softmax: larger spreads the probability wider.
        other: Score of the pseudo-candidate "other / not observed".
        most: Candidates to name; beyond them each entity's best is kept, up to ``entities``.
        entities: Entities to name.
    """

    surprise: float = 1.0
    temperature: float = 2.0
    other: float = 3.0
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
        scores = np.log1p(found.largest) + self.weights.surprise * found.surprise
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

    def _diverse(self, ordered: list[Node]) -> list[int]:
        """Return which of the nodes to name: the first, and each further entity's first."""
        first: dict[str, int] = {}
        for place, node in enumerate(ordered):
            first.setdefault(node.entity, place)
        best = sorted(first.values())[: self.weights.entities]
        return sorted({*range(min(self.weights.most, len(ordered))), *best})
