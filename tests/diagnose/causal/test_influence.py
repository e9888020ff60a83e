import numpy as np
import pytest

from diagnose.causal.influence import influence
from diagnose.schema import CausalGraph, Edge, Node

A, B, C, D = (Node("host", name) for name in "abcd")
STEP = 30.0


def edge(cause, effect, verdict="supported", lag=None):
    p, n = (None, None) if verdict == "untestable" else (0.01, 100.0)
    return Edge(cause, effect, "model", "model", verdict, p, n, lag)


def acting(*edges):
    return influence(CausalGraph((A, B, C, D), edges), STEP)


DIAMOND = acting(
    edge(B, A, lag=30.0), edge(C, A, lag=90.0), edge(D, B, "untestable", 60.0), edge(D, C)
)


def test_refuted_edges_carry_nothing_and_untested_ones_half():
    found = acting(edge(A, B), edge(B, C, "refuted"), edge(A, C, "untestable"))
    assert found.carried[0].tolist() == [0, 1, 0.5, 0]
    assert found.parents == ((), (0,), (0,), ())
    assert found.between(1, 2) == ()


def test_causes_come_before_effects():
    place = {node: i for i, node in enumerate(DIAMOND.order)}
    assert place[3] < place[1] < place[0]
    assert place[3] < place[2] < place[0]


def test_lags_are_counted_in_steps_and_the_fastest_path_counts():
    assert DIAMOND.lags == ((1, 3), (2,), (0,), ())
    assert DIAMOND.delays(0) == {0: 0, 1: 1, 2: 3, 3: 3}
    values = np.arange(20.0).reshape(5, 4)
    moved = DIAMOND.aligned(values, 0)
    assert moved[0].tolist() == values[:, 0].tolist()
    assert moved[2].tolist() == values[[0, 0, 0, 0, 1], 2].tolist()


def test_who_passes_a_change_on():
    assert set(DIAMOND.between(3, 0)) == {0, 1, 2}
    assert DIAMOND.between(3, 0)[-1] == 0
    assert DIAMOND.between(1, 0) == (0,)
    assert DIAMOND.between(0, 3) == ()
    assert DIAMOND.ancestors(0) == {1, 2, 3}


@pytest.mark.parametrize(("through_b", "expected"), [(0.9, (3, 1, 0)), (0.1, (3, 2, 0))])
def test_the_most_plausible_path_is_told(through_b, expected):
    plausible = np.full((4, 4), 0.5)
    plausible[3, 1] = through_b
    paths = DIAMOND.paths(0, plausible)
    assert paths[3] == expected
    assert paths[0] == (0,)
