from itertools import combinations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.classes import classes, classes_in, name_of, renamed, sampled, split_of
from models.corr2cause.graphs import (
    Dag,
    ancestors,
    colliders,
    d_separated,
    independences,
    members,
    nodes_in,
    pattern_of,
    subsets,
)
from models.corr2cause.relations import KINDS, claims, known

NAMED = {2: 2, 3: 11, 4: 185, 5: 8782}  # classes of named nodes: Gillispie and Perlman, 2001
UNNAMED = {2: 2, 3: 5, 4: 20, 5: 142}


@st.composite
def dags(draw, most=5):
    size = draw(st.integers(2, most))
    order = draw(st.permutations(range(size)))
    parents = [0] * size
    for a, b in combinations(order, 2):
        if draw(st.booleans()):
            parents[b] |= 1 << a
    return tuple(parents)


def every_dag(size):
    pairs = list(combinations(range(size), 2))
    for choice in np.ndindex(*(3,) * len(pairs)):
        parents = [0] * size
        for (a, b), way in zip(pairs, choice, strict=True):
            if way:
                parents[b if way == 1 else a] |= 1 << (a if way == 1 else b)
        try:
            ancestors(tuple(parents))
        except ValueError:
            continue
        yield tuple(parents)


def as_networkx(dag):
    graph = nx.DiGraph()
    graph.add_nodes_from(range(len(dag)))
    graph.add_edges_from((a, b) for b, above in enumerate(dag) for a in nodes_in(above))
    return graph


@given(dags(6), st.data())
def test_separation_is_that_of_networkx(dag, data):
    a, b = data.draw(st.permutations(range(len(dag))))[:2]
    rest = [node for node in range(len(dag)) if node not in (a, b)]
    chosen = data.draw(st.sets(st.sampled_from(rest))) if rest else set()
    expected = nx.is_d_separator(as_networkx(dag), {a}, {b}, chosen)
    assert d_separated(dag, a, b, sum(1 << node for node in chosen)) == expected


@given(dags())
def test_ancestors_are_those_of_networkx(dag):
    graph = as_networkx(dag)
    assert [set(nodes_in(above)) for above in ancestors(dag)] == [
        nx.ancestors(graph, node) for node in range(len(dag))
    ]


def test_a_cycle_has_no_ancestors():
    with pytest.raises(ValueError, match="cycle"):
        ancestors((0b10, 0b01))


@pytest.mark.parametrize("size", [2, 3, 4])
def test_a_class_holds_exactly_the_graphs_with_the_same_independences(size):
    by_independence: dict[object, set[Dag]] = {}
    for dag in every_dag(size):
        by_independence.setdefault(independences(dag), set()).add(dag)
    assert len(by_independence) == NAMED[size]
    for same in by_independence.values():
        patterns = {pattern_of(dag) for dag in same}
        assert len(patterns) == 1
        (pattern,) = patterns
        found = list(members(pattern))
        assert len(found) == len(same)
        assert set(found) == same


@given(dags(6))
def test_an_essential_graph_keeps_the_skeleton_and_the_v_structures(dag):
    pattern = pattern_of(dag)
    assert colliders(pattern.parents, pattern.lines) == colliders(dag)
    assert pattern.edges() == sorted(
        (min(a, b), max(a, b)) for b, above in enumerate(dag) for a in nodes_in(above)
    )
    assert dag in set(members(pattern))


@pytest.mark.parametrize("size", UNNAMED)
def test_as_many_classes_as_there_are(size):
    """Counted without and, by the number of ways to name each, with names."""
    found = classes(size)
    assert len(found) == UNNAMED[size]
    orders = [list(order) for order in np.array(list(np.ndindex(*(size,) * size)))]
    orders = [order for order in orders if len(set(order)) == size]
    assert sum(len({renamed(one, order) for order in orders}) for one in found) == NAMED[size]


def test_as_many_entailed_claims_as_a_correct_solver_finds():
    """Of 720 and 8,520 claims about four and five variables."""
    share = {
        size: sum(claim.kind in KINDS for one in classes(size) for claim in known(one)[0])
        / (len(classes(size)) * len(claims(size)))
        for size in (4, 5)
    }
    assert share[4] == pytest.approx(0.089, abs=5e-4)
    assert share[5] == pytest.approx(0.163, abs=5e-4)


@given(dags(5), st.randoms(use_true_random=False))
def test_names_change_neither_the_number_nor_the_split_of_a_class(dag, random):
    pattern, order = pattern_of(dag), list(range(len(dag)))
    random.shuffle(order)
    assert name_of(renamed(pattern, order)) == name_of(pattern)
    assert split_of(name_of(renamed(pattern, order))) == split_of(name_of(pattern))


def test_every_class_is_in_one_split():
    parts = [classes_in(5, split) for split in ("train", "dev", "test")]
    assert sorted(map(name_of, sum(parts, ()))) == sorted(map(name_of, classes(5)))
    assert all(parts)


def test_what_is_too_large_to_list_is_sampled_and_held_out():
    with pytest.raises(ValueError, match="sampled"):
        classes(7)
    name = name_of(sampled(7, np.random.default_rng(0)))
    assert name.startswith("7-")
    assert split_of(name) == "test"


def test_subsets_are_all_and_the_smaller_come_first():
    assert list(subsets(0b101)) == [0, 0b001, 0b100, 0b101]
