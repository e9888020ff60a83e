from math import sqrt
from time import process_time

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from diagnose.causal.independence import GIVEN, PAST, independence, moments
from diagnose.causal.permutation import equivalent, implied, relabellings, violations
from diagnose.falsify import ALPHA, SEARCHED, falsify
from diagnose.schema import CausalGraph, Edge, Node
from tests.diagnose.simulated import (
    STEP,
    World,
    random_edges,
    random_world,
    window,
)

DEPTH = len(SEARCHED) - 1 + PAST + GIVEN


def batch(values):
    measured = moments(values, DEPTH)
    return lambda x, y, z: independence(measured, x, y, z, SEARCHED).p_value


def single(x, y, z=None):
    """Return the same test as DoWhy calls it: with the columns themselves."""
    values = np.column_stack([x, y] if z is None else [x, y, z])
    given = np.arange(2, values.shape[1])[None] if z is not None else np.full((1, 1), -1)
    p = batch(values)(np.array([0]), np.array([1]), given)[0]
    return None if np.isnan(p) else float(p)


def network(world):
    drawn = nx.DiGraph()
    drawn.add_nodes_from(f"{i}" for i in range(len(world.memory)))
    drawn.add_edges_from((f"{i}", f"{j}") for i, j in world.edges)
    return drawn


def frame(values):
    return pd.DataFrame(values, columns=[f"{i}" for i in range(values.shape[1])])


@pytest.mark.parametrize("seed", range(50))
def test_the_permutation_null_is_dowhys(seed):
    from dowhy.gcm.falsify import FalsifyConst, falsify_graph

    rng = np.random.default_rng(seed)
    nodes = 5 if seed % 25 == 0 else 3 + seed % 2
    world = random_world(rng, nodes, edges=int(rng.integers(2, nodes + 1)))
    values = world.live(rng, 200)
    theirs = falsify_graph(
        network(world),
        frame(values),
        independence_test=single,
        conditional_independence_test=single,
        n_permutations=-1,
        n_jobs=1,
        show_progress_bar=False,
    ).summary
    orders = relabellings(nodes, 120, 0)
    claims, test = implied(world.weights != 0), batch(values)
    (denied,), (tests,) = violations(claims, np.arange(nodes)[None], test, ALPHA)
    null_denied, null_tests = violations(claims, orders, test, ALPHA)
    markov = theirs[FalsifyConst.VALIDATE_LMC]
    assert denied == markov[FalsifyConst.GIVEN_VIOLATIONS]
    assert tests == markov[FalsifyConst.N_TESTS]
    assert null_denied.tolist() == markov[FalsifyConst.PERM_VIOLATIONS]
    null = null_denied / np.maximum(null_tests, 1)
    assert null.tolist() == markov[FalsifyConst.F_PERM_VIOLATIONS]
    assert (null <= denied / max(tests, 1)).mean() == markov[FalsifyConst.P_VALUE]
    same = theirs[FalsifyConst.VALIDATE_TPA][FalsifyConst.P_VALUE]
    assert equivalent(world.weights != 0, orders).mean() == same


@pytest.mark.parametrize("seed", range(3))
def test_larger_graphs_relabelled_alike_are_denied_alike(seed):
    from dowhy.gcm.falsify import FalsifyConst, validate_lmc

    rng = np.random.default_rng(seed)
    world = random_world(rng, nodes=7, edges=8, max_lag=1)
    values = world.live(rng, 300)
    orders = relabellings(7, 5, seed)
    ours = violations(implied(world.weights != 0), orders, batch(values), ALPHA)
    for order, denied, tests in zip(orders, *ours, strict=True):
        names = {f"{i}": f"{label}" for i, label in enumerate(order)}
        theirs = validate_lmc(
            nx.relabel_nodes(network(world), names),
            frame(values),
            independence_test=single,
            conditional_independence_test=single,
            n_jobs=1,
        )
        assert (denied, tests) == (
            theirs[FalsifyConst.N_VIOLATIONS],
            theirs[FalsifyConst.N_TESTS],
        )


def judged(world, edges, rng, rows=800, rounds=1):
    return falsify(world.graph(edges), window(world.nodes, world.live(rng, rows)), rounds)


def verdicts(graph):
    return [edge.verdict for edge in graph.edges]


def collides(adjacency):
    """Return whether two unconnected causes share an effect: direction then leaves a trace."""
    apart = ~(adjacency | adjacency.T | np.eye(len(adjacency), dtype=np.bool_))
    return bool((adjacency[:, None, :] & adjacency[None, :, :] & apart[:, :, None]).any())


def interval(trusts):
    """Return the mean and the half width of its 95 % interval."""
    return np.mean(trusts), 1.96 * np.std(trusts, ddof=1) / sqrt(len(trusts))


def test_true_reversed_and_random_graphs_are_told_apart():
    rng = np.random.default_rng(21)
    found: dict[str, list[float]] = {"true": [], "reversed": [], "random": []}
    while len(found["true"]) < 25:
        nodes = int(rng.integers(5, 9))
        world = random_world(rng, nodes, int(1.4 * nodes), max_lag=1)
        if not collides(world.weights != 0):
            continue
        seen = window(world.nodes, world.live(rng, 1000))
        shuffled = rng.permutation(nodes)
        wrong = random_edges(rng, nodes, len(world.edges))
        rivals = {
            "true": world.edges,
            "reversed": [(j, i) for i, j in world.edges],
            "random": [(int(shuffled[i]), int(shuffled[j])) for i, j in wrong],
        }
        for name, edges in rivals.items():
            found[name].append(falsify(world.graph(edges), seen).trust)
    (true, wide), (turned, broad), (random, _) = (interval(trusts) for trusts in found.values())
    assert true - wide > 0.6
    assert turned + broad < 0.25
    assert random < 0.05


def test_a_reversed_chain_is_found_out_by_its_lag_alone():
    chain = World(np.diag([0.8, 0.8], 1), np.diag([1, 1], 1), np.full(3, 0.7))
    rng = np.random.default_rng(22)
    graph = judged(chain, [(1, 0), (2, 1)], rng)
    assert verdicts(graph) == ["refuted", "refuted"]
    assert graph.trust == 0
    assert verdicts(judged(chain, chain.edges, rng)) == ["supported", "supported"]


def test_inside_an_equivalence_class_direction_leaves_no_trace():
    chain = World(np.diag([0.8, 0.8], 1), np.zeros((3, 3), dtype=np.int64), np.zeros(3))
    rng = np.random.default_rng(23)
    assert verdicts(judged(chain, [(1, 0), (2, 1)], rng)) == ["supported", "supported"]


def test_an_edge_carries_its_evidence():
    world = World(np.diag([0.5], 1), np.diag([2], 1), np.full(2, 0.8))
    (edge,) = judged(world, world.edges, np.random.default_rng(24)).edges
    assert edge.verdict == "supported"
    assert edge.lag_seconds == 2 * STEP
    assert edge.p_value < 1e-6
    assert 300 < edge.effective_n <= 400
    assert 0.3 < edge.strength < 0.8
    assert (edge.origin, edge.direction_from) == ("model", "model")


def test_false_edges_are_rarely_supported():
    rng = np.random.default_rng(25)
    alone = World(np.zeros((8, 8)), np.zeros((8, 8), dtype=np.int64), np.full(8, 0.95))
    edges = random_edges(rng, 8, 14)
    found = [verdicts(judged(alone, edges, rng)) for _ in range(25)]
    assert sum("supported" in of for of in found) <= 0.12 * len(found)
    assert np.mean([v == "refuted" for of in found for v in of]) > 0.8


def test_a_weak_edge_in_a_short_baseline_is_untestable_and_not_refuted():
    world = World(np.diag([0.05], 1), np.zeros((2, 2), dtype=np.int64), np.zeros(2))
    (edge,) = judged(world, world.edges, np.random.default_rng(26), rows=120).edges
    assert edge.verdict == "untestable"
    assert edge.p_value > ALPHA


def test_a_common_cause_refutes_the_edge_between_its_effects():
    weights = np.array([[0, 0.9, 0.9], [0, 0, 0], [0, 0, 0]])
    load = World(weights, np.array([[0, 0, 1], [0, 0, 0], [0, 0, 0]]), np.full(3, 0.8))
    graph = judged(load, [(0, 1), (0, 2), (1, 2)], np.random.default_rng(27))
    assert verdicts(graph) == ["supported", "supported", "refuted"]


def test_proposing_anew_makes_every_test_stricter():
    weights = np.diag([0.12], 1)
    world = World(weights, np.zeros((2, 2), dtype=np.int64), np.zeros(2))
    first = judged(world, world.edges, np.random.default_rng(34), 1200)
    fifth = judged(world, world.edges, np.random.default_rng(34), 1200, rounds=5)
    assert first.edges[0].p_value == fifth.edges[0].p_value
    assert verdicts(first) == ["supported"]
    assert verdicts(fifth) == ["untestable"]


def test_only_the_later_half_is_read():
    world = random_world(np.random.default_rng(30), 5, 6)
    values = world.live(np.random.default_rng(31), 600)
    poisoned = values.copy()
    poisoned[:300] = values[:300, ::-1] ** 3
    graphs = [falsify(world.graph(), window(world.nodes, each)) for each in (values, poisoned)]
    assert graphs[0] == graphs[1]


def test_a_lag_of_many_steps_still_explains():
    lags = np.array([[0, 12, 6], [0, 0, 0], [0, 0, 0]])
    slow = World(np.array([[0, 0.9, 0.9], [0, 0, 0], [0, 0, 0]]), lags, np.full(3, 0.5))
    seen = window(slow.nodes, slow.live(np.random.default_rng(32), 2000))
    graph = falsify(slow.graph(lags=True), seen)
    assert verdicts(graph) == ["supported", "supported"]
    assert graph.violation_share == 0
    assert [edge.lag_seconds for edge in graph.edges] == [12 * STEP, 6 * STEP]


def nothing_can_be_said(graph):
    return (
        set(verdicts(graph)) <= {"untestable"}
        and graph.verdict == "untestable"
        and graph.trust == 0
        and all(edge.p_value is None for edge in graph.edges)
    )


@pytest.mark.parametrize("rows", [0, 1, 2, 30])
def test_too_few_rows_are_a_normal_answer(rows):
    world = random_world(np.random.default_rng(33), 4, 4)
    assert nothing_can_be_said(judged(world, None, np.random.default_rng(34), rows))


def test_constants_strangers_and_empty_graphs_are_normal_answers():
    world = random_world(np.random.default_rng(35), 4, 4)
    constant = window(world.nodes, np.full((400, 4), 7.0))
    unseen = window(world.nodes, np.full((400, 4), np.nan))
    assert nothing_can_be_said(falsify(world.graph(), constant))
    assert nothing_can_be_said(falsify(world.graph(), unseen))
    assert nothing_can_be_said(falsify(CausalGraph(), constant))
    assert nothing_can_be_said(falsify(CausalGraph(world.nodes[:1]), constant))
    assert nothing_can_be_said(falsify(CausalGraph(world.nodes), constant))
    strangers = Node("elsewhere", "a"), Node("elsewhere", "b")
    claim = CausalGraph(strangers, (Edge(*strangers, "model", "model"),))
    assert nothing_can_be_said(falsify(claim, constant))


def test_gaps_cost_certainty_only():
    rng = np.random.default_rng(36)
    world = World(np.diag([0.9, 0.9], 1), np.zeros((3, 3), dtype=np.int64), np.full(3, 0.6))
    values = world.live(rng, 900)
    whole = falsify(world.graph(), window(world.nodes, values))
    values[rng.random(values.shape) < 0.2] = np.nan
    holey = falsify(world.graph(), window(world.nodes, values))
    assert verdicts(holey) == verdicts(whole) == ["supported", "supported"]
    assert (holey.edges[0].effective_n or 0) < 0.8 * (whole.edges[0].effective_n or 0)


def test_it_leaves_the_process_as_it_was():
    np.random.seed(1)  # noqa: NPY002
    expected = np.random.normal()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    world = random_world(np.random.default_rng(37), 5, 6)
    judged(world, None, np.random.default_rng(38))
    assert np.random.normal() == expected  # noqa: NPY002


def test_twelve_nodes_take_a_third_of_a_second():
    rng = np.random.default_rng(39)
    world = random_world(rng, 12, 20)
    seen = window(world.nodes, world.live(rng, 1800))
    falsify(world.graph(), seen)
    seconds = []
    for _ in range(3):
        begin = process_time()
        falsify(world.graph(), seen)
        seconds.append(process_time() - begin)
    assert min(seconds) < 0.3
