import torch

from models.policy.algorithms import reinforce_loss
from models.policy.graphs import log_probability
from models.policy.network import PairPolicy
from models.policy.reward import GraphReward
from models.policy.rollout import roll, standardised
from tests.models.policy.worlds import world


def gradients(credit, rounds, draws):
    """Return the estimated gradients by the logits of one incident, of shape (rounds, ...)."""
    reward = GraphReward(*world(7, size=4))
    logits = PairPolicy(seed=1)(reward.incident).detach()
    generator, found = torch.Generator().manual_seed(0), []
    for _ in range(rounds):
        free = logits.clone().requires_grad_()
        rollout = roll(lambda _: logits, reward, draws, generator, credit(reward))
        reinforce_loss(log_probability(free, rollout.drawn), rollout.advantage).backward()
        found.append(free.grad[torch.isfinite(logits)])
    return torch.stack(found)


def test_the_same_seed_draws_the_same_graphs():
    reward, policy = GraphReward(*world(1)), PairPolicy()
    one, two = (roll(policy, reward, 4, torch.Generator().manual_seed(3)) for _ in range(2))
    assert (one.drawn == two.drawn).all()
    assert (one.reward == two.reward).all()


def test_credit_points_the_same_way_and_varies_less():
    whole, credited = gradients(lambda _: None, 400, 8), gradients(lambda r: r.credit, 400, 8)
    assert credited.var(dim=0).sum() < whole.var(dim=0).sum() / 2
    alike = torch.nn.functional.cosine_similarity(whole.mean(dim=0), credited.mean(dim=0), dim=0)
    assert alike > 0.8


def test_advantages_come_to_a_variance_of_one_over_the_batch():
    policy, generator = PairPolicy(), torch.Generator().manual_seed(0)
    rollouts = [roll(policy, GraphReward(*world(seed)), 8, generator) for seed in (1, 2)]
    spread = torch.cat([r.advantage.flatten() for r in standardised(rollouts)]).std()
    assert abs(float(spread) - 1) < 1e-3
