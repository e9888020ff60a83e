"""The solver and the labels, against brute force over all graphs of a few variables."""

from functools import cache
from itertools import combinations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.graphs import independences, pattern_of
from models.corr2cause.relations import KINDS, Claim, claims, holding, is_entailed
from models.corr2cause.statements import Statement, solve, statements_of
from tests.models.corr2cause.test_graphs import as_networkx, dags, every_dag


@cache
def graphs(size):
    return [(dag, independences(dag), holding(dag)) for dag in every_dag(size)]


def in_all_that_fit(size, statements):
    fitting = [
        holds
        for _, implied, holds in graphs(size)
        if all(((s.a, s.b, s.given) in implied) == s.independent for s in statements)
    ]
    return frozenset.intersection(*fitting) if fitting else None


def through_paths(graph, claim):
    """Return whether a claim holds, by listing paths."""
    x, y = claim.x, claim.y
    if claim.kind in ("child", "descendant"):
        x, y = y, x
    others = set(graph) - {x, y}
    if claim.kind in ("parent", "child"):
        return graph.has_edge(x, y)
    if claim.kind in ("ancestor", "descendant"):
        return any(len(path) > 2 for path in nx.all_simple_paths(graph, x, y))
    if claim.kind == "collider":
        return any(nx.has_path(graph, x, z) and nx.has_path(graph, y, z) for z in others)
    return any(nx.has_path(graph, z, x) and nx.has_path(graph, z, y) for z in others)


@given(dags(6))
def test_what_holds_in_a_graph_is_what_its_paths_say(dag):
    graph = as_networkx(dag)
    true = {claim for claim in claims(len(dag)) if through_paths(graph, claim)}
    assert {claim for claim in holding(dag) if claim.kind in KINDS} == true


@given(dags(4))
def test_all_relations_lead_to_what_every_fitting_graph_shows(dag):
    statements = statements_of(pattern_of(dag))
    solution = solve(len(dag), statements)
    assert solution.basis == "exact"
    assert solution.pattern == pattern_of(dag)
    same = [holds for _, implied, holds in graphs(len(dag)) if implied == independences(dag)]
    assert solution.entailed == frozenset.intersection(*same)


@given(dags(7), st.data())
def test_one_separating_set_for_each_separable_pair_is_enough(dag, data):
    apart: dict[tuple[int, int], list[Statement]] = {}
    for a, b, condition in sorted(independences(dag)):
        apart.setdefault((a, b), []).append(Statement(a, b, condition))
    chosen = [data.draw(st.sampled_from(sets)) for sets in apart.values()]
    solution = solve(len(dag), chosen)
    assert solution.pattern == pattern_of(dag)
    assert solution.basis in ("exact", "completed")


@given(dags(4), st.data())
def test_a_premise_with_holes_claims_no_more_than_every_fitting_graph_shows(dag, data):
    """Where the closed reading fails, nothing is assumed of what is not stated."""
    every = statements_of(pattern_of(dag))
    kept = data.draw(st.lists(st.sampled_from(every), unique=True, min_size=1))
    solution = solve(len(dag), kept)
    assert solution.basis != "contradictory"
    if solution.basis == "searched":
        assert solution.entailed == in_all_that_fit(len(dag), kept)


@given(dags(5))
def test_a_claim_and_the_same_claim_turned_round_are_one(dag):
    pattern = pattern_of(dag)
    for claim in claims(len(dag)):
        assert claim.turned().turned() == claim
        assert is_entailed(pattern, claim) == is_entailed(pattern, claim.turned())


def test_a_lone_collider_and_a_chain():
    """A and B meet in C; or C stands between them, and no direction is known."""
    a_to_c, b_to_c = Claim("parent", 0, 2), Claim("parent", 1, 2)
    meet = [Statement(0, 2, 0, False), Statement(1, 2, 0, False), Statement(0, 1)]
    assert solve(3, meet).says(a_to_c)
    assert solve(3, meet).says(Claim("collider", 0, 1))
    assert solve(3, meet).says(Claim("child", 2, 1))
    between = [*meet[:2], Statement(0, 1, 0, False), Statement(0, 1, 0b100)]
    assert not solve(3, between).says(a_to_c)
    assert not solve(3, between).says(b_to_c)
    assert not solve(3, between).entailed


def test_statements_that_no_graph_fits_are_called_contradictory():
    both = [Statement(0, 1), Statement(0, 1, 0, False)]
    solution = solve(2, both)
    assert solution.basis == "contradictory"
    assert not solution.entailed


def test_every_statement_is_told_of_two_other_variables():
    for a, b, condition in [(1, 0, 0), (0, 0, 0), (0, 1, 0b01), (0, 1, 0b10)]:
        with pytest.raises(ValueError, match="neither of them given"):
            Statement(a, b, condition)


@pytest.mark.parametrize("size", [1, 9])
def test_a_size_that_cannot_be_reasoned_about_is_refused(size):
    with pytest.raises(ValueError, match="cannot be reasoned about"):
        solve(size, [])


def test_there_are_six_claims_about_a_pair():
    assert len(claims(4)) == 6 * len(list(combinations(range(4), 2)))
    assert {claim.kind for claim in claims(2)} == set(KINDS)
