import numpy as np
import pytest

from diagnose.falsify import falsify
from diagnose.schema import CausalGraph, Edge
from diagnose.training.graph_judge import GraphJudge
from models.policy.graphs import is_acyclic
from models.policy.operators import corrupted
from models.policy.simulated import episodes

EPISODES = episodes("train", 4)


def claimed(episode, graph):
    nodes = tuple(signal.node for signal in episode.incident.signals)
    edges = (Edge(nodes[a], nodes[b], "model", "model") for a, b in np.argwhere(graph).tolist())
    return CausalGraph(nodes, tuple(edges))


@pytest.mark.parametrize("edits", [0, 8])
def test_it_finds_denied_what_the_judge_of_incidents_finds_denied(edits):
    rng = np.random.default_rng(edits)
    for episode in EPISODES:
        graph = corrupted(episode.truth, episode.incident.allowed, edits, rng)
        fit = GraphJudge(episode.window).fit(graph)
        judged = falsify(claimed(episode, graph), episode.window)
        assert fit.violated == pytest.approx(judged.violation_share)
        assert fit.null_violated == pytest.approx(judged.null_violation_share, abs=0.1)


def test_true_graphs_are_not_refused_and_wrong_ones_are_denied_more():
    rng = np.random.default_rng(0)
    for episode in EPISODES:
        judge, size = GraphJudge(episode.window), len(episode.incident.signals)
        true = judge(episode.truth.edges)
        order = rng.permutation(size)
        wrong = episode.truth.edges[np.ix_(order, order)]
        assert is_acyclic(wrong)
        assert not true.refused
        assert judge(wrong).violated > true.violated


def test_a_graph_without_edges_has_nothing_to_deny():
    judge = GraphJudge(EPISODES[0].window)
    said = judge(np.zeros_like(EPISODES[0].truth.edges))
    assert (said.violated, said.refused) == (0.0, False)
