"""How good policies and reward models are on topologies that none has seen, with intervals.

Each incident is of another topology, so that resampling incidents resamples topologies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import difference, estimate
from models.policy.operators import Operator, explained, shown_graphs
from models.policy.preferences import RewardModel, agreement, see
from models.policy.reward import GraphReward
from models.policy.rollout import Logits
from models.policy.simulated import Episode
from models.policy.training import scored

Floats = NDArray[np.float64]

SCORES: Final = ("reward", "distance", "f1", "reciprocal_rank")
SHOWN: Final = 8  # graphs of one incident that a reward model has to rank


def policy_scores(
    policy: Logits, unseen: Sequence[Episode], rewards: Sequence[GraphReward]
) -> dict[str, Floats]:
    """Return what the policy's likeliest graphs are worth: for each of ``SCORES``, a value each."""
    found = [
        scored(policy, reward, episode.truth)
        for episode, reward in zip(unseen, rewards, strict=True)
    ]
    return {name: np.array([getattr(one, name) for one in found], float) for name in SCORES}


def ranking_scores(model: RewardModel, unseen: Sequence[Episode], seed: int) -> dict[str, Any]:
    """Return how well graphs are ranked, by the model and by others.

    Each value is the share of pairs of graphs in the right order. *Taste* is what an operator of
    usual weights and no noise prefers, *closeness* the distance from the truth. *BIC alone* ranks
    by fit; *no look at the data* prefers causes that can be repaired, and short paths.

    Args:
        model: Is told no truth.
        unseen: Incidents of other topologies than it learned from.
        seed: Of the graphs that are shown.
    """
    rng = np.random.default_rng([seed, 13])
    blind, usual = Operator(right=0.0), Operator()
    found: dict[str, dict[str, list[float]]] = {"taste": {}, "closeness": {}}
    for episode in unseen:
        incident, truth = episode.incident, episode.truth
        graphs = list(shown_graphs(incident, truth, SHOWN, rng))
        said = [explained(incident, graph) for graph in graphs]
        with torch.no_grad():
            ranked = {"model": model(see(incident, graphs)).double().numpy()}
        reward = GraphReward(incident)
        ranked["BIC alone"] = np.array([reward.fit(graph) for graph in graphs])
        ranked["no look at the data"] = _liked(blind, said, episode)
        wrong = np.array([graph != truth.edges for graph in graphs])
        distance = (wrong | wrong.transpose(0, 2, 1)).sum(axis=(1, 2)) / 2
        for what, wanted in (("taste", _liked(usual, said, episode)), ("closeness", -distance)):
            if np.ptp(wanted) > 0:
                for name, scores in ranked.items():
                    found[what].setdefault(name, []).append(agreement(scores, wanted))
    return {what: compared(rows, "model") for what, rows in found.items()}


def compared(rows: Mapping[str, Sequence[float] | Floats], ours: str) -> dict[str, Any]:
    """Return each row's mean with its interval, and by how much ``ours`` exceeds each other."""
    values = {name: np.array(row, dtype=np.float64) for name, row in rows.items()}
    found: dict[str, Any] = {name: asdict(estimate(row)) for name, row in values.items()}
    for name, row in values.items():
        if name != ours:
            found[f"{ours} less {name}"] = asdict(difference(values[ours], row))
    return {"topologies": len(values[ours]), **found}


def _liked(operator: Operator, said: Sequence[Any], episode: Episode) -> Floats:
    return np.array([operator.utility(one, episode.incident, episode.truth) for one in said])
