"""What survives of a causal graph when the baseline is asked.

Every edge is tested by itself: does the effect depend on the cause, given its other parents and
its own past? The graph is tested as a whole: DoWhy says which independences it implies and which
of them the data deny, and the same is counted for the graph's relabellings. How far the graph lies
below those becomes its trust, a weight from 0 to 1 and never a switch: tests with little data
throw true graphs away.

Only the later half of the baseline is read: the earlier one may have chosen the graph.

Assumes:
    The baseline is normal life and long enough (some 200 instants a half); relations are monotone;
    an effect follows its cause within the lags that are tried. Graphs that imply the same
    independences cannot be told apart here, except where a lag shows in the edges.

Reference: Benjamini and Hochberg, "Controlling the false discovery rate", Journal of the Royal
Statistical Society B 57, 1995; ``diagnose.causal.permutation`` for the graph as a whole.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import NormalDist
from typing import Final

import numpy as np

from diagnose.causal.independence import (
    GIVEN,
    NOTHING,
    PAST,
    Dependence,
    Floats,
    Ints,
    independence,
    moments,
)
from diagnose.causal.permutation import (
    Adjacency,
    Implied,
    equivalent,
    implied,
    relabellings,
    violations,
)
from diagnose.causal.repeatable import own_randomness
from diagnose.causal.trust import MarkovFit, TrustCurve
from diagnose.incident.columns import columns
from diagnose.schema import CausalGraph, Edge, Node, Verdict, Window

KNOWN: Final = ("topology", "operator")  # whence a direction is no guess
ALPHA: Final = 0.05  # false discovery rate over the edges, and level of every other test
VISIBLE: Final = 0.3  # partial correlation that a test must be able to see before it may refute
POWER: Final = 0.8  # chance with which it must see it
SEARCHED: Final = np.arange(-1, 2)  # lags tried, in steps around the one that an edge names
UNNAMED: Final = 1  # lag that is taken for named where an edge names none
LONGEST: Final = 20  # lag in steps beyond which an edge is not tested
FEWEST_BLOCKS: Final = 100  # instants that must be left when steps are merged for long lags
RELABELLINGS: Final = 120  # all of up to five nodes
QUESTIONS: Final = 12_000  # claims times relabellings that fit the time budget
FEWEST_RELABELLINGS: Final = 20
SEED: Final = 7


def falsify(
    graph: CausalGraph, window: Window, rounds: int = 1, curve: TrustCurve = TrustCurve()
) -> CausalGraph:
    """Return ``graph`` with a verdict on each edge and on the whole, and with its trust.

    Args:
        graph: The proposal; what earlier tests said of it is overwritten.
        window: Only the later half of its baseline is read.
        rounds: How many proposals were judged on this window, this one included; more of them
            make each test stricter.
        curve: How trust follows from the tests.
    """
    alpha = ALPHA / max(rounds, 1)
    values = columns(window.split_baseline()[1], graph.nodes)
    place = {node: i for i, node in enumerate(graph.nodes)}
    adjacency = np.zeros((len(place), len(place)), dtype=np.bool_)
    for edge in graph.edges:
        adjacency[place[edge.cause], place[edge.effect]] = True
    edges = _judge_edges(graph.edges, place, values, window.step_seconds, alpha)
    fit = _markov_fit(adjacency, _merged(values, _named_lags(graph.edges, window.step_seconds)))
    judged = [edge.verdict for edge in edges if edge.verdict != "untestable"]
    known = sum(e.direction_from in KNOWN and e.verdict != "refuted" for e in edges)
    return replace(
        graph,
        edges=edges,
        verdict=fit.verdict(alpha),
        trust=curve.trust(
            fit, judged.count("refuted") / max(len(judged), 1), known / max(len(edges), 1)
        ),
        violation_share=fit.violated,
        null_violation_share=fit.null_violated,
        p_value=fit.p_value,
    )


# Edges


def _named_lags(edges: Sequence[Edge], step_seconds: float) -> Ints:
    """Return each edge's lag in steps; NOTHING where it names none."""
    named = [
        NOTHING if edge.lag_seconds is None else round(edge.lag_seconds / step_seconds)
        for edge in edges
    ]
    return np.array(named, dtype=np.int64)


def _judge_edges(
    edges: Sequence[Edge],
    place: dict[Node, int],
    values: Floats,
    step_seconds: float,
    alpha: float,
) -> tuple[Edge, ...]:
    """Return the edges with what their tests said."""
    if not edges:
        return ()
    named = _named_lags(edges, step_seconds)
    found, tried = _edge_tests(edges, place, values, named)
    supported, refuted = _verdicts(found, tried, alpha)
    judged = []
    for i, edge in enumerate(edges):
        if not np.isfinite(found.p_value[i]):
            judged.append(
                replace(edge, verdict="untestable", p_value=None, effective_n=None, strength=None)
            )
            continue
        verdict: Verdict = "untestable"
        if supported[i] or refuted[i]:
            verdict = "supported" if supported[i] else "refuted"
        judged.append(
            replace(
                edge,
                verdict=verdict,
                p_value=float(found.p_value[i]),
                effective_n=float(found.effective_n[i]),
                lag_seconds=float(found.lag[i]) * step_seconds,
                strength=float(found.correlation[i]),
            )
        )
    return tuple(judged)


def _edge_tests(
    edges: Sequence[Edge], place: dict[Node, int], values: Floats, named: Ints
) -> tuple[Dependence, Ints]:
    """Return how each effect depends on its cause, given its other parents, and the lags tried."""
    lag = np.where(named == NOTHING, UNNAMED, named)
    lag = np.where(lag > LONGEST, NOTHING, lag)
    cause = np.array([place[edge.cause] for edge in edges], dtype=np.int64)
    effect = np.array([place[edge.effect] for edge in edges], dtype=np.int64)
    others = (effect[:, None] == effect) & ~np.eye(len(edges), dtype=np.bool_) & (lag >= 0)
    first = np.argsort(~others, axis=1, kind="stable")[:, : max(others.sum(axis=1).max(), 1)]
    held = np.take_along_axis(others, first, axis=1)
    given = np.where(held, cause[first], NOTHING)
    since = np.where(held & (named[first] != NOTHING), np.maximum(lag[first] - 1, 0), 0)
    tried = np.maximum(lag[:, None] + SEARCHED, 0)
    depth = int(max(tried.max() + PAST, since.max() + GIVEN)) + 1
    found = independence(moments(values, depth), cause, effect, given, tried, since)
    out = lag == NOTHING
    found.p_value[out] = np.nan
    return found, np.full(len(edges), len(SEARCHED))


def _verdicts(found: Dependence, tried: Ints, alpha: float) -> tuple[Adjacency, Adjacency]:
    """Return which edges are supported and which are refuted, as the module says."""
    p = np.where(np.isfinite(found.p_value), found.p_value, 1.0)
    tests = max(int(np.isfinite(found.p_value).sum()), 1)
    steps = alpha * np.arange(1, len(p) + 1) / tests
    passed = np.flatnonzero(np.sort(p) <= steps)
    cut = steps[passed[-1]] if len(passed) else -1.0
    supported = p <= cut
    # One more edge would have been supported below this, so that is what the power is about.
    bar = min(alpha, alpha * (supported.sum() + 1) / tests)
    normal = NormalDist()
    needed = np.array([-normal.inv_cdf(bar / (2 * k)) + normal.inv_cdf(POWER) for k in tried])
    freedom = np.maximum(np.nan_to_num(found.freedom), 0.0)
    visible = np.arctanh(VISIBLE) * np.sqrt(freedom) >= needed
    return supported, (p > ALPHA) & visible & np.isfinite(found.p_value)


# The graph as a whole


def _merged(values: Floats, lags: Ints) -> Floats:
    """Return means over so many steps that named lags are short again, gaps left out."""
    longest = min(int(lags.max(initial=0)), LONGEST)
    size = min(-(-longest // (GIVEN - 1)), len(values) // FEWEST_BLOCKS)
    if size <= 1:
        return values
    blocks = values[len(values) % size :].reshape(-1, size, values.shape[1])
    seen = np.isfinite(blocks).sum(axis=1)
    total = np.where(np.isfinite(blocks), blocks, 0.0).sum(axis=1)
    return np.where(seen > 0, total / np.maximum(seen, 1), np.nan)


def _markov_fit(graph: Adjacency, values: Floats) -> MarkovFit:
    """Return how the independences that ``graph`` implies fare, and its relabellings'."""
    claims = implied(graph)
    if not len(claims.first) or not graph.any():
        return MarkovFit(claims=len(claims.first))
    measured = moments(values, PAST + len(SEARCHED) - 1 + GIVEN)

    def test(first: Ints, second: Ints, given: Ints) -> Floats:
        return independence(measured, first, second, given, SEARCHED).p_value

    denied, tests = _judged_by_dowhy(graph, claims, test(claims.first, claims.second, claims.given))
    if not tests:
        return MarkovFit(claims=len(claims.first))
    most = max(FEWEST_RELABELLINGS, min(RELABELLINGS, QUESTIONS // len(claims.first)))
    orders = relabellings(len(graph), most, SEED)
    null_denied, null_tests = violations(claims, orders, test, ALPHA)
    null = null_denied / np.maximum(null_tests, 1)
    return MarkovFit(
        len(claims.first),
        tests,
        denied,
        float(np.median(null)),
        float((null <= denied / tests).mean()),
        float(equivalent(graph, orders).mean()),
        ALPHA,
    )


def _judged_by_dowhy(graph: Adjacency, claims: Implied, p_values: Floats) -> tuple[int, int]:
    """Return how many independences DoWhy finds denied, and how many it could test.

    DoWhy derives what the graph implies, asks, and counts. Its questions are answered from
    ``p_values``: each column that it holds contains nothing but the column's own number.
    """
    import networkx as nx
    import pandas as pd
    from dowhy.gcm.falsify import FalsifyConst, validate_lmc

    answers = {
        (frozenset((x, y)), frozenset(given) - {NOTHING}): p
        for x, y, given, p in zip(
            claims.first.tolist(),
            claims.second.tolist(),
            claims.given.tolist(),
            p_values.tolist(),
            strict=True,
        )
    }

    def answer(x: Ints, y: Ints, *given: Ints) -> float | None:
        known = frozenset(int(column) for table in given for column in table.ravel())
        p = answers[frozenset((int(x[0]), int(y[0]))), known]
        return None if np.isnan(p) else p

    names = [str(i) for i in range(len(graph))]
    network = nx.DiGraph()
    network.add_nodes_from(names)
    network.add_edges_from((names[i], names[j]) for i, j in np.argwhere(graph))
    with own_randomness(SEED):
        found = validate_lmc(
            network,
            pd.DataFrame([range(len(names))], columns=names),
            independence_test=answer,
            conditional_independence_test=answer,
            significance_level=ALPHA,
            n_jobs=1,
        )
    return int(found[FalsifyConst.N_VIOLATIONS]), int(found[FalsifyConst.N_TESTS])
