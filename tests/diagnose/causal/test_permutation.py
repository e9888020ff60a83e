from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.causal.independence import NOTHING
from diagnose.causal.permutation import equivalent, implied, relabellings, violations


def graph(nodes, *edges):
    adjacency = np.zeros((nodes, nodes), dtype=np.bool_)
    for cause, effect in edges:
        adjacency[cause, effect] = True
    return adjacency


def claims(adjacency):
    rows = implied(adjacency)
    return {
        (int(x), int(y), frozenset(z.tolist()) - {NOTHING})
        for x, y, z in zip(rows.first, rows.second, rows.given, strict=True)
    }


CHAIN, FORK = graph(3, (0, 1), (1, 2)), graph(3, (1, 0), (1, 2))
COLLIDER = graph(3, (0, 1), (2, 1))
graphs = st.integers(1, 6).flatmap(
    lambda n: st.sets(
        st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] < e[1])
        if n > 1
        else st.nothing()
    ).map(lambda edges: graph(n, *edges))
)


def test_a_chain_a_fork_and_a_collider_imply_what_they_should():
    assert claims(CHAIN) == {(2, 0, frozenset({1}))}
    assert claims(FORK) == {(0, 2, frozenset({1})), (2, 0, frozenset({1}))}
    assert claims(COLLIDER) == {(0, 2, frozenset()), (2, 0, frozenset())}
    assert claims(graph(3, (0, 1), (0, 2), (1, 2))) == set()
    assert claims(graph(0)) == set()


def test_few_nodes_are_relabelled_in_every_way_and_many_at_random():
    assert relabellings(4, 120, 1).tolist() == list(map(list, permutations(range(4))))
    drawn = relabellings(9, 120, 1)
    assert drawn.shape == (120, 9)
    assert (np.sort(drawn, axis=1) == np.arange(9)).all()
    assert (drawn == relabellings(9, 120, 1)).all()


def test_only_the_collider_stands_apart_from_its_three_nodes_graphs():
    orders = relabellings(3, 6, 0)
    assert equivalent(CHAIN, orders).sum() == 2  # itself, and turned round
    assert equivalent(COLLIDER, orders).sum() == 2  # itself, and its causes swapped
    assert not equivalent(CHAIN, np.array([[1, 0, 2]])).any()


@given(graphs, st.randoms(use_true_random=False))
def test_a_relabelled_graph_is_asked_what_its_own_nodes_imply(adjacency, random):
    order = list(range(len(adjacency)))
    random.shuffle(order)
    back = np.argsort(order)
    relabelled = adjacency[back][:, back]
    asked: list[tuple[int, int, list[int]]] = []

    def test(first, second, known):
        asked.extend(zip(first.tolist(), second.tolist(), known.tolist(), strict=True))
        return np.zeros(len(first))

    denied, tests = violations(implied(adjacency), np.array([order]), test, 0.05)
    unordered = {(frozenset((x, y)), frozenset(z) - {NOTHING}) for x, y, z in asked}
    expected = claims(relabelled)
    assert unordered == {(frozenset((x, y)), z) for x, y, z in expected}
    assert len(asked) == len(unordered)  # nothing is asked twice
    assert denied.tolist() == tests.tolist() == [len(expected)]


@pytest.mark.parametrize("nodes", [6, 30])
def test_what_cannot_be_tested_is_not_counted(nodes):
    ladder = implied(graph(nodes, *((i, i + 1) for i in range(nodes - 1))))

    def test(first, second, known):
        return np.where(first == 0, np.nan, np.where(second == 1, 0.05, 0.06))

    denied, tests = violations(ladder, np.arange(nodes)[None], test, 0.05)
    with_zero = (ladder.first == 0) | (ladder.second == 0)
    assert tests.tolist() == [(~with_zero).sum()]
    assert denied.tolist() == [0]  # node 1 comes second only after node 0
