from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.policy.graphs import NONE, adjacency, answers, draw, is_acyclic, repaired
from models.policy.incident import Truth
from models.policy.reward import GraphReward, Judgement, RewardWeights
from tests.models.policy.worlds import world

ONLY_CLOSENESS = RewardWeights(1.0, 0.0, 0.0, 0.0)


def uniform(incident, draws=8, seed=0):
    size = len(incident.signals)
    logits = torch.zeros(size * (size - 1) // 2, 3)
    answered = draw(logits, draws, torch.Generator().manual_seed(seed)).numpy()
    return repaired(answered, np.ones(answered.shape), size) & incident.allowed


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200))
def test_a_reward_lies_in_0_to_1(seed):
    incident, truth = world(seed)
    reward = GraphReward(incident, truth, lambda graph: Judgement(0.5))
    assert all(0 <= reward(graph) <= 1 for graph in (*uniform(incident), truth.edges))


def test_the_truth_earns_more_than_graphs_at_random():
    for seed in range(10):
        incident, truth = world(seed)
        if truth.edges.any():
            reward = GraphReward(incident, truth)
            others = [reward(graph) for graph in uniform(incident)]
            assert reward(truth.edges) > np.mean(others)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200))
def test_each_edge_that_is_wrong_costs(seed):
    incident, truth = world(seed)
    reward = GraphReward(incident, truth, weights=ONLY_CLOSENESS)
    graph, earned = truth.edges.copy(), [reward(truth.edges)]
    for cause, effect in np.argwhere(truth.edges):
        graph[cause, effect] = False
        earned.append(reward(graph))
    assert earned[0] == pytest.approx(1)
    assert all(a > b for a, b in pairwise(earned))


def test_a_cycle_and_a_forbidden_edge_earn_nothing():
    incident, truth = world(1)
    reward = GraphReward(incident, truth)
    both = np.argwhere(incident.allowed & incident.allowed.T)[0]
    circle = np.zeros_like(truth.edges)
    circle[tuple(both)] = circle[tuple(both[::-1])] = True
    assert reward(circle) == 0
    for cause, effect in np.argwhere(~incident.allowed & ~np.eye(6, dtype=bool)):
        assert reward(np.zeros_like(circle) | _edge(cause, effect, 6)) == 0


def test_a_refused_graph_earns_nothing_and_is_asked_about_once():
    incident, truth = world(2)
    asked = []

    def judge(graph):
        asked.append(graph)
        return Judgement(0.0, refused=True)

    reward = GraphReward(incident, truth, judge)
    assert [reward(truth.edges), reward(truth.edges)] == [0, 0]
    assert len(asked) == 1


def test_without_the_truth_only_the_fit_counts_and_the_true_graph_fits():
    incident, truth = world(3)
    reward = GraphReward(incident)
    empty = np.zeros_like(truth.edges)
    assert reward(empty) == 0
    assert reward(truth.edges) == pytest.approx(reward.fit(truth.edges))
    assert reward(truth.edges) > 0.1


def test_the_root_cause_is_first_when_the_graph_is_true():
    found = []
    for seed in range(20):
        incident, truth = world(seed)
        found.append(incident.residuals.ranking(truth.edges)[0] == truth.root)
    assert np.mean(found) > 0.9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 200))
def test_credit_is_the_difference_that_one_answer_makes(seed):
    incident, truth = world(seed, size=4)
    reward = GraphReward(incident, truth)
    graph = uniform(incident, 1, seed)[0]
    shares = np.random.default_rng(seed).dirichlet(np.ones(3), 6)
    credit = reward.credit(graph, shares)
    given_ = answers(graph)
    for pair in range(6):
        worth = []
        for answer in range(3):
            other = given_.copy()
            other[pair] = answer
            changed = adjacency(other, 4)
            if not is_acyclic(changed):
                other[pair] = NONE
                changed = adjacency(other, 4)
            worth.append(GraphReward(_free(incident), truth)(changed))
        wanted = worth[given_[pair]] - shares[pair] @ worth
        assert credit[pair] == pytest.approx(wanted, abs=1e-9)


def test_what_is_certain_gets_no_credit():
    incident, truth = world(4)
    certain = np.eye(3)[answers(truth.edges)]
    assert GraphReward(incident, truth).credit(truth.edges, certain) == pytest.approx(0)


def test_a_truth_without_edges_is_met_by_the_empty_graph():
    incident, truth = world(5)
    nothing = Truth(np.zeros_like(truth.edges), truth.root)
    reward = GraphReward(incident, nothing, weights=ONLY_CLOSENESS)
    assert reward(nothing.edges) == pytest.approx(1)


def _edge(cause, effect, size):
    graph = np.zeros((size, size), dtype=bool)
    graph[cause, effect] = True
    return graph


def _free(incident):
    """Return the incident with every edge allowed."""
    free = type(incident)(incident.signals, incident.baseline, incident.recent, incident.symptom)
    free.__dict__["allowed"] = ~np.eye(len(incident.signals), dtype=bool)
    return free
