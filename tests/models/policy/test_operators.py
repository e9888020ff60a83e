import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.policy.graphs import is_acyclic, reach
from models.policy.operators import Explanation, Operator, corrupted, explained, shown_graphs
from tests.models.policy.worlds import world


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 300), st.integers(0, 8))
def test_a_corrupted_graph_is_a_graph_and_no_farther_than_its_edits(seed, edits):
    incident, truth = world(seed)
    graph = corrupted(truth, incident.allowed, edits, np.random.default_rng(seed))
    assert is_acyclic(graph)
    assert not (graph & ~incident.allowed).any()
    pairs = (graph | graph.T) != (truth.edges | truth.edges.T)
    turned = graph & truth.edges.T
    assert np.triu(pairs).sum() + turned.sum() <= edits


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 300))
def test_an_explanation_is_a_path_of_the_graph_from_the_cause_to_the_symptom(seed):
    incident, truth = world(seed)
    for graph in shown_graphs(incident, truth, 4, np.random.default_rng(seed)):
        said = explained(incident, graph)
        assert (said.path[0], said.path[-1]) == (said.cause, incident.symptom)
        assert all(graph[a, b] for a, b in zip(said.path, said.path[1:], strict=False))
        assert said.cause == incident.symptom or reach(graph)[said.cause, incident.symptom]


def test_the_truth_is_liked_better_than_the_symptom_alone():
    liked = 0
    for seed in range(30):
        incident, truth = world(seed)
        person = Operator.drawn(np.random.default_rng(seed))
        symptom = Explanation(incident.symptom, (incident.symptom,))
        told = explained(incident, truth.edges)
        if told.cause == truth.root:
            better = person.utility(told, incident, truth) > person.utility(
                symptom, incident, truth
            )
            liked += 1
            assert better
    assert liked > 5


def test_who_is_never_careless_and_hears_no_noise_chooses_the_better():
    steady, rng = Operator(noise=0.0, careless=0.0), np.random.default_rng(0)
    assert steady.prefers_first(0.01, rng)
    assert not steady.prefers_first(-0.01, rng)


def test_choices_are_as_noisy_as_the_scale_says():
    person, rng = Operator(noise=0.5, careless=0.1), np.random.default_rng(0)
    chosen = np.mean([person.prefers_first(0.5, rng) for _ in range(5000)])
    assert chosen == pytest.approx(0.05 + 0.9 / (1 + np.exp(-1)), abs=0.02)
