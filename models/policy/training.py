"""Learning by any of the ways within one budget of compute, and what a policy is then worth.

The budget is counted in passes through the policy or a copy of it: 1 forward, 2 backward, as their
arithmetic is. What rewards cost is not counted; where they come from a simulator they are cheap
beside a language model's passes, and a control that copies the truth needs none.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor, nn

from models.policy.algorithms import Learner, Supervised
from models.policy.graphs import Adjacency, log_probability, repaired
from models.policy.incident import Incident, Truth
from models.policy.reward import GraphReward
from models.policy.rollout import Credit, Logits, Reward, roll

BATCH: Final = 4  # incidents a step
DRAWS: Final = 16  # graphs an incident


class Passes:
    """Counts passes through a policy and through all copies that are made of it afterwards.

    Args:
        policy: Its forward passes are counted from now on, and backward ones through them.

    Attributes:
        units: 1 a forward pass, 2 a backward pass.
    """

    def __init__(self, policy: nn.Module) -> None:
        self.units = 0
        policy.register_forward_hook(self)

    def __call__(self, module: nn.Module, given: tuple[object, ...], result: Tensor) -> None:
        """Count a forward pass, and see to it that the backward pass is counted too."""
        self.units += 1
        if result.requires_grad:
            result.register_hook(self._backward)  # type: ignore[no-untyped-call]

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        """Return the counter itself: a copy of the policy computes as much as the policy."""
        return self

    def _backward(self, gradient: Tensor) -> None:
        self.units += 2


@dataclass(frozen=True, slots=True)
class GraphScores:
    """How one graph compares with the truth.

    Attributes:
        reward: What it earns.
        distance: Structural Hamming distance: pairs whose answer is another.
        f1: Of its directed edges.
        reciprocal_rank: One over the place of the true root cause.
    """

    reward: float
    distance: int
    f1: float
    reciprocal_rank: float


def learn(
    learner: Learner,
    rewards: Sequence[Reward],
    more: Callable[[], bool],
    seed: int,
    begin: int = 0,
    credits: Sequence[Credit] | None = None,
) -> Iterator[float]:
    """Draw and learn while there is ``more``; yield the mean reward of each step's graphs.

    Args:
        learner: Is changed in place.
        rewards: One an incident.
        more: Whether the budget allows another step.
        seed: With the step's number, of the incidents and the draws.
        begin: Number of the first step, for a run that was stopped.
        credits: One an incident, where each answer is to be credited by itself.
    """
    step = begin
    while more():
        generator = torch.Generator().manual_seed(_mixed(seed, step))
        earned, rollouts = [], []
        for place in chosen(len(rewards), seed, step):
            reward = rewards[place]
            credit = credits[place] if credits else None
            rollouts.append(roll(learner.logits, reward, DRAWS, generator, credit))
            earned.append(float(rollouts[-1].reward.mean()))
        learner.update(rollouts)
        step += 1
        yield float(np.mean(earned))


def imitate(
    control: Supervised,
    examples: Sequence[tuple[Incident, Truth]],
    more: Callable[[], bool],
    seed: int,
) -> Iterator[float]:
    """Copy the truth while there is ``more``; yield each step's cross-entropy.

    Args:
        control: Is changed in place.
        examples: Incidents with their truth.
        more: Whether the budget allows another step.
        seed: With the step's number, of the incidents: the same as ``learn`` chooses.
    """
    step = 0
    while more():
        yield control.update([examples[place] for place in chosen(len(examples), seed, step)])
        step += 1


def chosen(count: int, seed: int, step: int) -> list[int]:
    """Return which incidents a step is about; each comes once before any comes again."""
    epoch, begin = divmod(step * BATCH, count - count % BATCH)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return [int(place) for place in order[begin : begin + BATCH]]


def remembered(policy: nn.Module, incidents: Sequence[Incident]) -> Logits:
    """Return what ``policy`` says of ``incidents`` now, for when it has learned: a reference.

    Raises:
        KeyError: when it is asked about another incident.
    """
    with torch.no_grad():
        said: dict[Incident, Tensor] = {incident: policy(incident) for incident in incidents}
    return said.__getitem__


def likeliest_graph(logits: Tensor, size: int) -> Adjacency:
    """Return the graph of each pair's likeliest answer, repaired."""
    answer = logits.argmax(dim=1)[None]
    confidence = log_probability(logits, answer).detach().double().numpy()
    graph: Adjacency = repaired(answer.numpy(), confidence, size)[0]
    return graph


def scored(policy: Logits, reward: GraphReward, truth: Truth) -> GraphScores:
    """Return how the policy's likeliest graph of an incident compares with the truth."""
    with torch.no_grad():
        graph = likeliest_graph(policy(reward.incident), len(reward.incident.signals))
    place = reward.incident.residuals.ranking(graph).index(truth.root)
    return GraphScores(reward(graph), distance(graph, truth), f1(graph, truth), 1 / (1 + place))


def distance(graph: Adjacency, truth: Truth) -> int:
    """Return the structural Hamming distance: an edge missing, too much or turned round is 1."""
    wrong = graph != truth.edges
    return int((wrong | wrong.T)[np.triu_indices(len(graph), 1)].sum())


def f1(graph: Adjacency, truth: Truth) -> float:
    """Return the F1 of directed edges; 1 where both graphs are empty."""
    both = int((graph & truth.edges).sum())
    total = int(graph.sum() + truth.edges.sum())
    return 2 * both / total if total else 1.0


def _mixed(seed: int, step: int) -> int:
    return int(np.random.default_rng([seed, step, 3]).integers(2**62))
