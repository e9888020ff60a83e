import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from models.policy.algorithms import (
    CLIP,
    A2c,
    Nlpo,
    Ppo,
    Rloo,
    Supervised,
    clipped_loss,
    reinforce_loss,
)
from models.policy.graphs import FORWARD, answers, divergence, draw, likeliest, log_probability
from models.policy.network import PairPolicy
from models.policy.rollout import Rollout, leave_one_out
from models.policy.trust_region import Trpo, conjugate_gradients
from tests.models.policy.worlds import world

PAIRS = 4
INCIDENT = world(0)[0]  # a bandit asks nothing about it
seeds = st.integers(0, 10_000)


class Table(nn.Module):
    """A policy of one incident: its logits are its parameters."""

    def __init__(self, start=None):
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(PAIRS, 3) if start is None else start)

    def forward(self, incident):
        return self.logits * 1.0


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, incident):
        return self.value * 1.0


def bandit(logits, generator, draws=32):
    """Return a rollout that is rewarded for each answer FORWARD, with what pays known."""
    drawn = draw(logits.detach(), draws, generator)
    reward = (drawn == FORWARD).float().mean(dim=1)
    before = log_probability(logits.detach(), drawn)
    advantage = leave_one_out(reward)[:, None].expand_as(before)
    return Rollout(INCIDENT, drawn, before, reward, advantage)


def uphill(logits):
    """Return the exact gradient of what the bandit is expected to pay."""
    free = logits.clone().requires_grad_()
    return torch.autograd.grad(free.softmax(dim=1)[:, FORWARD].mean(), free)[0]


def estimated(logits, rollout):
    """Return the same as a rollout estimates it."""
    free = logits.clone().requires_grad_()
    loss = reinforce_loss(log_probability(free, rollout.drawn), rollout.advantage)
    return -torch.autograd.grad(loss, free)[0]


LEARNERS = {
    "rloo": lambda policy: Rloo(policy, copy.deepcopy(policy), 0.1, 0.0),
    "a2c": lambda policy: A2c(policy, copy.deepcopy(policy), 0.1, 0.0, critic=Constant()),
    "ppo": lambda policy: Ppo(policy, copy.deepcopy(policy), 0.03, 0.0),
    "nlpo": lambda policy: Nlpo(policy, copy.deepcopy(policy), 0.03, 0.0, mass=0.99),
    "trpo": lambda policy: Trpo(policy, copy.deepcopy(policy), 0.05),
}


@pytest.mark.parametrize("name", LEARNERS)
def test_every_way_finds_what_pays(name):
    policy, generator = Table(), torch.Generator().manual_seed(0)
    learner = LEARNERS[name](policy)
    for _ in range(60):
        learner.update([bandit(learner.logits(INCIDENT), generator)])
    assert policy.logits.softmax(dim=1)[:, FORWARD].min() > 0.8


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_the_gradient_is_that_of_the_expected_reward(seed):
    logits = torch.randn(PAIRS, 3, generator=torch.Generator().manual_seed(seed))
    exact = uphill(logits)
    rollout = bandit(logits, torch.Generator().manual_seed(seed), draws=5_000)
    assert torch.allclose(estimated(logits, rollout), exact, atol=0.03)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=9), st.floats(-5, 5))
def test_leaving_one_out_is_the_mean_of_the_others_and_sums_to_nothing(rewards, offset):
    reward = torch.tensor(rewards, dtype=torch.float64)
    advantage = leave_one_out(reward)
    others = torch.stack(
        [reward[torch.arange(len(reward)) != k].mean() for k in range(len(reward))]
    )
    assert torch.allclose(advantage, reward - others)
    assert float(advantage.sum()) == pytest.approx(0, abs=1e-9)
    assert torch.allclose(leave_one_out(reward + offset), advantage)


def test_a_baseline_of_the_others_is_unbiased_with_two_draws():
    logits = torch.tensor([[0.3, -0.2, 0.5]] * PAIRS)
    exact = uphill(logits)
    generator, total = torch.Generator().manual_seed(1), torch.zeros(PAIRS, 3)
    for _ in range(1500):
        total += estimated(logits, bandit(logits, generator, draws=2))
    assert torch.allclose(total / 1500, exact, atol=0.01)


@given(st.floats(-3, 3), st.sampled_from([-1.0, -0.1, 0.1, 1.0]))
def test_no_gain_beyond_the_clip(change, advantage):
    before = torch.zeros(1, 1)
    now = torch.full((1, 1), change, requires_grad=True)
    loss = clipped_loss(now, before, torch.full((1, 1), advantage))
    (gradient,) = torch.autograd.grad(loss, now)
    ratio = torch.tensor(change).exp()
    outside = (ratio > 1 + CLIP) if advantage > 0 else (ratio < 1 - CLIP)
    assert (gradient.item() == 0) == bool(outside)
    assert -loss.item() <= max((1 + CLIP) * advantage, (1 - CLIP) * advantage) + 1e-6


@settings(max_examples=25, deadline=None)
@given(seeds, st.floats(1e-3, 0.3))
def test_a_trusted_step_keeps_the_bound_and_never_loses(seed, bound):
    generator = torch.Generator().manual_seed(seed)
    policy = Table(torch.randn(PAIRS, 3, generator=generator))
    before = policy.logits.detach().clone()
    rollout = bandit(before, generator)
    Trpo(policy, copy.deepcopy(policy), bound).update([rollout])
    after = policy.logits.detach()
    assert float(divergence(before, after).sum()) <= bound + 1e-6
    ratio = (log_probability(after, rollout.drawn) - rollout.before).exp()
    assert float((ratio * rollout.advantage).sum()) >= float(rollout.advantage.sum()) - 1e-5


def test_conjugate_gradients_solve():
    root = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    matrix = root @ root.T + torch.eye(5)
    wanted = torch.arange(5.0)
    assert torch.allclose(
        matrix @ conjugate_gradients(lambda v: matrix @ v, wanted), wanted, atol=1e-2
    )


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_what_the_older_copy_finds_unlikely_is_not_drawn(seed):
    generator = torch.Generator().manual_seed(seed)
    policy = Table(torch.randn(PAIRS, 3, generator=generator) * 2)
    older = policy.logits.detach().clone()
    learner = Nlpo(policy, copy.deepcopy(policy), 0.5, 0.0, mass=0.7, renewed=2)
    learner.update([bandit(learner.logits(INCIDENT), generator)])
    assert ((learner.logits(INCIDENT) > -torch.inf) == likeliest(older, 0.7)).all()
    learner.update([bandit(learner.logits(INCIDENT), generator)])
    assert ((learner.logits(INCIDENT) > -torch.inf) == likeliest(policy.logits, 0.7)).all()


def test_the_anchor_holds_a_policy_back():
    moved = {}
    for anchor in (0.0, 1.0):
        policy, generator = Table(), torch.Generator().manual_seed(0)
        learner = Rloo(policy, Table(), 0.1, anchor)
        for _ in range(40):
            learner.update([bandit(learner.logits(INCIDENT), generator)])
        moved[anchor] = divergence(policy.logits, torch.zeros(PAIRS, 3)).sum().item()
    assert moved[1.0] < moved[0.0] / 10


def test_the_control_learns_the_true_answers():
    worlds = [world(seed) for seed in range(8)]
    policy = PairPolicy()
    control = Supervised(policy, 0.02)
    losses = [control.update(worlds) for _ in range(150)]
    assert losses[-1] < losses[0] / 2
    right = [
        (policy(incident).argmax(dim=1).numpy() == answers(truth.edges)).mean()
        for incident, truth in worlds
    ]
    assert sum(right) / len(right) > 0.8
