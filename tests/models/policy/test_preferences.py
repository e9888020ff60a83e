import numpy as np
import pytest
import torch

from models.policy.incident import Incident
from models.policy.operators import Operator, explained, shown_graphs
from models.policy.preferences import (
    LearnedReward,
    RewardModel,
    agreement,
    comparisons,
    preference_loss,
    see,
)
from tests.models.policy.worlds import world


def test_graphs_are_scored_alike_whatever_the_order_of_the_signals():
    incident, truth = world(3)
    order = np.random.default_rng(0).permutation(6)
    turned = Incident(
        tuple(incident.signals[i] for i in order),
        incident.baseline[:, order],
        incident.recent[:, order],
        int(np.flatnonzero(order == incident.symptom)[0]),
    )
    model = RewardModel()
    scores = [
        LearnedReward(model, each)(graph)
        for each, graph in ((incident, truth.edges), (turned, truth.edges[np.ix_(order, order)]))
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_what_was_chosen_comes_to_be_liked():
    rng = np.random.default_rng(0)
    worlds = [world(seed) for seed in range(12)]
    made = [
        (see(one.incident, [one.better]), see(one.incident, [one.worse]))
        for one in comparisons(worlds, 12, rng)
    ]
    model = RewardModel()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(25):
        loss = torch.stack([preference_loss(model, *pair) for pair in made]).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss.item() < 0.6  # log 2 is what a model without any opinion gets
    agreed = []
    for incident, truth in [world(seed) for seed in range(100, 120)]:
        graphs = list(shown_graphs(incident, truth, 8, rng))
        liked = [Operator().utility(explained(incident, g), incident, truth) for g in graphs]
        scores = model(see(incident, graphs)).detach().double().numpy()
        agreed.append(agreement(scores, np.array(liked)))
    assert np.nanmean(agreed) > 0.6


def test_agreement_is_a_half_for_who_has_no_opinion_and_nan_where_all_is_one():
    utility = np.array([0.1, 0.4, 0.2])
    assert agreement(np.zeros(3), utility) == 0.5
    assert agreement(utility, utility) == 1
    assert agreement(-utility, utility) == 0
    assert np.isnan(agreement(utility, np.ones(3)))
