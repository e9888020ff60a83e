"""Graphs that a policy drew, what they earned, and by how much each beat the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.policy.graphs import Adjacency, draw, log_probability, repaired
from models.policy.incident import Incident

Logits = Callable[[Incident], Tensor]  # of shape (pairs, 3); a policy, or one behind a mask
Credit = Callable[[Adjacency, NDArray[np.float64]], NDArray[np.float64]]  # ``GraphReward.credit``


class Reward(Protocol):
    """Says what graphs of one incident are worth."""

    incident: Incident

    def __call__(self, graph: Adjacency) -> float:
        """Return the worth of an acyclic graph."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rollout:
    """Graphs of one incident.

    Attributes:
        incident: What they are about.
        drawn: The answers, of shape (draws, pairs), before any repair.
        before: How likely each was when it was drawn, as logarithms.
        reward: What each graph earned, of shape (draws,).
        advantage: How much better each answer did than expected, of shape (draws, pairs).
    """

    incident: Incident
    drawn: Tensor
    before: Tensor
    reward: Tensor
    advantage: Tensor

    def weighed(self, advantage: Tensor) -> "Rollout":
        """Return the same with another advantage, of shape (draws, 1) or (draws, pairs)."""
        return replace(self, advantage=advantage.expand_as(self.before))


def roll(
    policy: Logits,
    reward: Reward,
    draws: int,
    generator: torch.Generator,
    credit: Credit | None = None,
) -> Rollout:
    """Return ``draws`` graphs that ``policy`` draws, with their rewards.

    Args:
        policy: Who draws.
        reward: Whose incident is drawn for.
        draws: 2 or more: each graph is compared with the others.
        generator: Source of all chance.
        credit: Compares each answer with the policy's other answers to the same pair, which varies
            less; without, each graph as a whole is compared with the other graphs.
    """
    size = len(reward.incident.signals)
    with torch.no_grad():
        logits = policy(reward.incident)
        drawn = draw(logits, draws, generator)
        before = log_probability(logits, drawn)
        shares = logits.softmax(dim=1).double().numpy()
    graphs = repaired(drawn.numpy(), before.double().numpy(), size)
    earned = torch.tensor([reward(graph) for graph in graphs], dtype=before.dtype)
    if credit:
        each = np.stack([credit(graph, shares) for graph in graphs])
        advantage = torch.from_numpy(each).to(before.dtype)
    else:
        advantage = leave_one_out(earned)[:, None].expand_as(before)
    return Rollout(reward.incident, drawn, before, earned, advantage)


def leave_one_out(reward: Tensor) -> Tensor:
    """Return by how much each reward exceeds the mean of the others, of shape (draws,).

    A draw's baseline does not depend on the draw, so that the gradient stays unbiased.

    Reference: Kool, van Hoof, Welling, "Buy 4 REINFORCE Samples, Get a Baseline for Free!", ICLR
    2019 workshop; Ahmadian et al., "Back to Basics", ACL 2024, who name it RLOO.
    """
    count = len(reward)
    return (reward - reward.mean()) * count / (count - 1)


def standardised(rollouts: Sequence[Rollout]) -> list[Rollout]:
    """Return ``rollouts`` with their advantages brought to a variance of 1 over them all."""
    spread = torch.cat([rollout.advantage.flatten() for rollout in rollouts]).std()
    return [rollout.weighed(rollout.advantage / (spread + 1e-6)) for rollout in rollouts]
