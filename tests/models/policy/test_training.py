import copy

import numpy as np
import pytest
import torch

from models.policy.algorithms import Nlpo, Rloo, Supervised
from models.policy.graphs import FORWARD, adjacency
from models.policy.incident import Truth
from models.policy.network import PairPolicy
from models.policy.reward import GraphReward
from models.policy.training import (
    BATCH,
    Passes,
    chosen,
    distance,
    f1,
    imitate,
    learn,
    likeliest_graph,
    remembered,
    scored,
)
from tests.models.policy.worlds import world

WORLDS = [world(seed) for seed in range(8)]


def steps(number):
    left = iter(range(number))
    return lambda: next(left, None) is not None


def test_each_pass_is_counted_once_of_copies_too():
    policy = PairPolicy()
    passes = Passes(policy)
    incident = WORLDS[0][0]
    policy(incident)
    assert passes.units == 1
    logits = copy.deepcopy(policy)(incident)
    assert passes.units == 2
    logits[torch.isfinite(logits)].sum().backward()
    assert passes.units == 4


@pytest.mark.parametrize(("way", "units"), [(Rloo, 1 + 3), (Nlpo, 2 + 4 * (2 + 2))])
def test_what_a_way_costs_by_incident(way, units):
    policy = PairPolicy()
    passes = Passes(policy)
    learner = way(policy, remembered(policy, [incident for incident, _ in WORLDS]))
    assert passes.units == len(WORLDS)
    rewards = [GraphReward(*each) for each in WORLDS]
    list(learn(learner, rewards, steps(1), 0))
    assert passes.units - len(WORLDS) == units * BATCH


def test_learning_by_reward_earns_more():
    policy = PairPolicy()
    rewards = [GraphReward(*each) for each in WORLDS]
    learner = Rloo(policy, remembered(policy, [incident for incident, _ in WORLDS]), 1e-2, 0.0)
    earned = list(learn(learner, rewards, steps(60), 0))
    assert np.mean(earned[-10:]) > np.mean(earned[:10]) + 0.03


def test_a_stopped_run_goes_on_with_the_same_incidents_and_draws():
    rewards = [GraphReward(*each) for each in WORLDS]
    reference = remembered(PairPolicy(), [incident for incident, _ in WORLDS])
    whole, parts = PairPolicy(), PairPolicy()
    list(learn(Rloo(whole, reference), rewards, steps(4), 5))
    learner = Rloo(parts, reference)
    list(learn(learner, rewards, steps(2), 5))
    list(learn(learner, rewards, steps(2), 5, begin=2))
    for one, two in zip(whole.parameters(), parts.parameters(), strict=True):
        assert torch.equal(one, two)


def test_every_incident_comes_once_before_any_comes_again():
    places = [place for step in range(5) for place in chosen(5 * BATCH, 1, step)]
    assert sorted(places) == list(range(5 * BATCH))
    assert chosen(5 * BATCH, 1, 5) != places[:BATCH]


def test_what_is_copied_is_scored_as_the_truth():
    policy = PairPolicy()
    losses = list(imitate(Supervised(policy, 0.03), WORLDS[:4], steps(250), 0))
    assert losses[-1] < 0.1
    incident, truth = WORLDS[0]
    found = scored(policy, GraphReward(incident, truth), truth)
    assert found.f1 > 0.8
    assert found.reward > 0.7


def test_distance_and_f1_of_graphs_that_are_known():
    edges = np.zeros((3, 3), dtype=bool)
    edges[0, 1] = edges[1, 2] = True
    truth = Truth(edges, 0)
    turned = edges.copy()
    turned[0, 1], turned[1, 0] = False, True
    assert (distance(edges, truth), f1(edges, truth)) == (0, 1.0)
    assert (distance(turned, truth), f1(turned, truth)) == (1, 0.5)
    assert (distance(edges & False, truth), f1(edges & False, truth)) == (2, 0.0)


def test_the_likeliest_graph_has_the_likeliest_answers():
    logits = torch.tensor([[2.0, 0.0, 0.0]] * 3)
    assert (likeliest_graph(logits, 3) == adjacency(np.full(3, FORWARD), 3)).all()
