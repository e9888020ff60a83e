from graphlib import TopologicalSorter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.structure import best_graph


def nothing(effect, parents):
    return 0.0


def edges_of(parents):
    return {(cause, effect) for effect, causes in enumerate(parents) for cause in causes}


@given(hnp.arrays(float, (5, 5), elements=st.floats(-5, 5) | st.just(-np.inf)))
def test_the_graph_is_acyclic_allowed_and_no_worse_than_none(prior):
    edges = edges_of(best_graph(nothing, prior, max_parents=3))
    TopologicalSorter({n: [c for c, e in edges if e == n] for n in range(5)}).prepare()
    assert all(np.isfinite(prior[edge]) for edge in edges)
    assert sum(prior[edge] for edge in edges) >= 0
    assert all(sum(e == n for _, e in edges) <= 3 for n in range(5))


@given(hnp.arrays(float, (3, 3), elements=st.integers(-9, 9)))
def test_no_single_change_of_an_edge_would_be_better(prior):
    edges = edges_of(best_graph(nothing, prior))
    total = sum(prior[edge] for edge in edges)
    for edge in product(range(3), range(3)):
        other = edges ^ {edge}
        try:
            TopologicalSorter({n: [c for c, e in other if e == n] for n in range(3)}).prepare()
        except ValueError:
            continue
        if edge[0] != edge[1]:
            assert sum(prior[e] for e in other) <= total + 1e-6


def test_required_edges_stay_however_bad():
    prior = np.full((3, 3), -9.0)
    assert edges_of(best_graph(nothing, prior, required=[(2, 0)])) == {(2, 0)}


def test_required_edges_that_form_a_cycle_are_refused():
    with pytest.raises(ValueError, match="cycle"):
        best_graph(nothing, np.zeros((2, 2)), required=[(0, 1), (1, 0)])


def test_no_signals_have_no_graph():
    assert best_graph(nothing, np.zeros((0, 0))) == ()
