"""Ways to make a policy over graphs better, all behind one method: REINFORCE's heirs and PPO's.

Each answer to a pair is an action, as each word is where text is written: all of a graph's answers
are given at once, and one episode is one step long. ``models.policy.trust_region`` holds TRPO.

References: Ahmadian et al., "Back to Basics: Revisiting REINFORCE Style Optimization for Learning
from Human Feedback in LLMs", ACL 2024 (RLOO). Mnih et al., "Asynchronous Methods for Deep
Reinforcement Learning", ICML 2016 (A2C, its synchronous form). Schulman et al., "Proximal Policy
Optimization Algorithms", 2017 (arXiv 1707.06347). Ramamurthy et al., "Is Reinforcement Learning
(Not) for Natural Language Processing?", ICLR 2023 (NLPO).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn

from models.policy.graphs import answers, divergence, likeliest, log_probability
from models.policy.incident import Incident, Truth
from models.policy.rollout import Logits, Rollout, standardised

CLIP: Final = 0.2  # by how much PPO lets a probability change, as a ratio
LARGEST: Final = 1.0  # norm of a gradient


class Learner(nn.Module, ABC):
    """A policy that learns from what its graphs earned; a module, so that its state is kept whole.

    Args:
        policy: Gives an incident's logits; its parameters are changed.
        reference: What it must stay near to, an older copy or what one said.
        rate: Of Adam.
        anchor: Weight of the exact divergence from ``reference``, summed over an incident's pairs.
    """

    def __init__(
        self, policy: nn.Module, reference: Logits, rate: float = 1e-3, anchor: float = 0.02
    ) -> None:
        super().__init__()
        self.policy = policy
        self.reference = reference
        self.anchor = anchor
        self.optimiser = torch.optim.Adam(policy.parameters(), lr=rate)

    @property
    def optimisers(self) -> list[torch.optim.Adam]:
        """Return all that have moments to keep."""
        return [self.optimiser]

    def logits(self, incident: Incident) -> Tensor:
        """Return the logits from which graphs are drawn, of shape (pairs, 3)."""
        return self.policy(incident)  # type: ignore[no-any-return]

    @abstractmethod
    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Learn from graphs that ``logits`` drew, a batch of incidents."""

    def descend(self, rollouts: Sequence[Rollout]) -> None:
        """Take one step down ``loss`` and towards the reference."""
        total = torch.zeros(())
        for rollout in rollouts:
            logits = self.logits(rollout.incident)
            total = total + self.loss(log_probability(logits, rollout.drawn), rollout)
            if self.anchor:
                with torch.no_grad():
                    anchor = self.reference(rollout.incident)
                anchor = anchor.masked_fill(logits == -torch.inf, -torch.inf)
                total = total + self.anchor * divergence(logits, anchor).sum()
        self.optimiser.zero_grad()
        (total / len(rollouts)).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.policy.parameters(), LARGEST)
        self.optimiser.step()

    def loss(self, now: Tensor, rollout: Rollout) -> Tensor:
        """Return what is to fall: by default, that of REINFORCE.

        Args:
            now: How likely each drawn answer is, as logarithms, of shape (draws, pairs).
            rollout: What was drawn.
        """
        return reinforce_loss(now, rollout.advantage)


class Rloo(Learner):
    """REINFORCE against the mean of the other draws: one step a batch."""

    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Take one step along the rollouts' own advantages."""
        self.descend(rollouts)


class A2c(Learner):
    """REINFORCE against what a critic expects of the incident.

    Args:
        policy: As for every learner.
        reference: Likewise.
        rate: Likewise.
        anchor: Likewise.
        critic: Gives the expected reward of an incident, one number.
        critic_rate: Of the critic's Adam.
    """

    def __init__(
        self,
        policy: nn.Module,
        reference: Logits,
        rate: float = 1e-3,
        anchor: float = 0.02,
        *,
        critic: nn.Module,
        critic_rate: float = 1e-2,
    ) -> None:
        super().__init__(policy, reference, rate, anchor)
        self.critic = critic
        self.critic_optimiser = torch.optim.Adam(critic.parameters(), lr=critic_rate)

    @property
    def optimisers(self) -> list[torch.optim.Adam]:
        """Return the policy's and the critic's."""
        return [self.optimiser, self.critic_optimiser]

    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Take one step with the policy, one with the critic."""
        expected = [self.critic(rollout.incident).reshape(()) for rollout in rollouts]
        self.descend(
            [
                rollout.weighed((rollout.reward - value.detach())[:, None])
                for rollout, value in zip(rollouts, expected, strict=True)
            ]
        )
        errors = [
            (rollout.reward - value).square().mean()
            for rollout, value in zip(rollouts, expected, strict=True)
        ]
        self.critic_optimiser.zero_grad()
        torch.stack(errors).mean().backward()  # type: ignore[no-untyped-call]
        self.critic_optimiser.step()


class Ppo(Learner):
    """Several steps a batch, none of which may gain by changing a probability too far.

    Args:
        policy: As for every learner.
        reference: Likewise.
        rate: Likewise.
        anchor: Likewise.
        epochs: Steps a batch.
    """

    def __init__(
        self,
        policy: nn.Module,
        reference: Logits,
        rate: float = 1e-3,
        anchor: float = 0.02,
        *,
        epochs: int = 4,
    ) -> None:
        super().__init__(policy, reference, rate, anchor)
        self.epochs = epochs

    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Take several steps along standardised advantages."""
        even = standardised(rollouts)
        for _ in range(self.epochs):
            self.descend(even)

    def loss(self, now: Tensor, rollout: Rollout) -> Tensor:
        """Return the clipped surrogate."""
        return clipped_loss(now, rollout.before, rollout.advantage)


class Nlpo(Ppo):
    """PPO that may only answer what an older copy of the policy finds likely.

    Args:
        policy: As for every learner.
        reference: Likewise.
        rate: Likewise.
        anchor: Likewise.
        epochs: As for PPO.
        mass: Share of the probability that the answers left open have in the older copy.
        renewed: After how many batches the copy is made anew.
    """

    def __init__(
        self,
        policy: nn.Module,
        reference: Logits,
        rate: float = 1e-3,
        anchor: float = 0.02,
        *,
        epochs: int = 4,
        mass: float = 0.95,
        renewed: int = 10,
    ) -> None:
        super().__init__(policy, reference, rate, anchor, epochs=epochs)
        self.mass = mass
        self.renewed = renewed
        self.older = deepcopy(policy)
        self.batches: Tensor
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def logits(self, incident: Incident) -> Tensor:
        """Return the policy's logits, -inf for what the older copy finds unlikely."""
        with torch.no_grad():
            open_ = likeliest(self.older(incident), self.mass)
        return super().logits(incident).masked_fill(~open_, -torch.inf)

    def update(self, rollouts: Sequence[Rollout]) -> None:
        """Take PPO's steps, and renew the copy when it is time."""
        super().update(rollouts)
        self.batches += 1
        if int(self.batches) % self.renewed == 0:
            self.older.load_state_dict(self.policy.state_dict())


class Supervised:
    """The control: the same incidents, their true answers, cross-entropy.

    Args:
        policy: Gives an incident's logits; its parameters are changed.
        rate: Of Adam.
    """

    def __init__(self, policy: nn.Module, rate: float = 1e-3) -> None:
        self.policy = policy
        self.optimiser = torch.optim.Adam(policy.parameters(), lr=rate)

    def update(self, batch: Sequence[tuple[Incident, Truth]]) -> float:
        """Take one step and return the cross-entropy by pair, in nats."""
        losses = [true_loss(self.policy(incident), truth) for incident, truth in batch]
        total = torch.stack(losses).mean()
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.policy.parameters(), LARGEST)
        self.optimiser.step()
        return float(total.detach())


def reinforce_loss(now: Tensor, advantage: Tensor) -> Tensor:
    """Return a number whose gradient is, but for its sign, that of the expected reward.

    Args:
        now: Logarithms of the drawn answers' probabilities, of shape (draws, pairs).
        advantage: Likewise; by how much each did better than expected.
    """
    return -(advantage * now).sum(dim=1).mean()


def clipped_loss(now: Tensor, before: Tensor, advantage: Tensor, clip: float = CLIP) -> Tensor:
    """Return PPO's surrogate: no gain from a ratio beyond 1 - ``clip`` .. 1 + ``clip``.

    Args:
        now: Logarithms of the drawn answers' probabilities, of shape (draws, pairs).
        before: The same when they were drawn.
        advantage: By how much each did better than expected.
        clip: How far a ratio may go.
    """
    ratio = (now - before).exp()
    bounded = ratio.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio * advantage, bounded * advantage).sum(dim=1).mean()


def true_loss(logits: Tensor, truth: Truth) -> Tensor:
    """Return the cross-entropy of the true answers; pairs whose answer is ruled out do not count.

    Args:
        logits: Of shape (pairs, 3).
        truth: Its edges are the answers.
    """
    wanted = torch.from_numpy(answers(truth.edges)).to(logits.device)
    each = nn.functional.cross_entropy(logits, wanted, reduction="none")
    return each[torch.isfinite(each)].mean()
