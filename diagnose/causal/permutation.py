"""Would the same graph, its nodes shuffled, fare as well? The yardstick for a graph's violations.

A graph implies that each node is independent of what it does not act on, given its parents (the
local Markov condition). Some of that the data deny, for a true graph too: tests err, and a cause
may be unseen. What is telling is how many more a graph of the same shape loses whose nodes were
given at random. All relabellings are asked at once: each distinct question once.

Reference: Eulig, Mastakouri, Blöbaum, Hardt, Janzing, "Toward falsifying causal graphs using a
permutation-based test", arXiv 2305.09565, 2023.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from math import factorial

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.independence import NOTHING, Floats, Ints

Adjacency = NDArray[np.bool_]
Test = Callable[[Ints, Ints, Ints], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Implied:
    """Independences, one a row: ``first`` of ``second``, given ``given`` (filled with NOTHING)."""

    first: Ints
    second: Ints
    given: Ints


def implied(graph: Adjacency) -> Implied:
    """Return what the local Markov condition claims of a graph.

    Args:
        graph: True at [cause, effect], without a cycle.

    Example:
        >>> chain = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], dtype=bool)
        >>> claims = implied(chain)
        >>> claims.first.tolist(), claims.second.tolist(), claims.given.tolist()
        ([2], [0], [[1]])
    """
    nodes = len(graph)
    paths = np.linalg.inv(np.eye(nodes) - graph) if nodes else np.zeros((0, 0))
    descends = paths > 0.5  # the count of directed paths between two nodes, each one to itself
    first, second = np.nonzero(~descends & ~graph.T)
    parents = [np.flatnonzero(column) for column in graph.T]
    given = np.full((nodes, max(map(len, parents), default=0)), NOTHING, dtype=np.int64)
    for row, of in zip(given, parents, strict=True):
        row[: len(of)] = of
    return Implied(first, second, given[first])


def relabellings(nodes: int, most: int, seed: int) -> Ints:
    """Return orders of the nodes, shape (orders, nodes): all of them, or ``most`` drawn at random.

    All come in the order of ``itertools.permutations``, the unchanged one first.
    """
    if nodes <= 12 and factorial(nodes) <= most:
        return np.array(list(permutations(range(nodes))), dtype=np.int64).reshape(-1, nodes)
    every = np.tile(np.arange(nodes, dtype=np.int64), (most, 1))
    return np.random.default_rng(seed).permuted(every, axis=1)


def violations(claims: Implied, orders: Ints, test: Test, alpha: float) -> tuple[Ints, Ints]:
    """Return how many of the claims the data deny in each relabelled graph, and how many they test.

    Args:
        claims: Of the graph as it was given.
        orders: Shape (orders, nodes): which node takes a node's place.
        test: Returns the p-value of independences, NaN where it can make no test. It must not
            mind which of the two comes first.
        alpha: A p-value up to this denies.
    """
    count, nodes = orders.shape
    places = np.concatenate((orders, np.full((count, 1), NOTHING)), axis=1)  # [-1] stays nothing
    first, second = places[:, claims.first], places[:, claims.second]
    given = np.sort(places[:, claims.given], axis=2)
    low, high = np.minimum(first, second), np.maximum(first, second)
    asked = np.concatenate((low[:, :, None], high[:, :, None], given), axis=2)
    base = np.int64(nodes + 1)
    questions = asked.reshape(-1, asked.shape[2])
    _, once, again = np.unique(_key(questions, base), return_index=True, return_inverse=True)
    distinct = questions[once]
    p = test(distinct[:, 0], distinct[:, 1], distinct[:, 2:])[again].reshape(first.shape)
    return (p <= alpha).sum(axis=1), np.isfinite(p).sum(axis=1)


def equivalent(graph: Adjacency, orders: Ints) -> NDArray[np.bool_]:
    """Return which relabelled graphs imply the same as ``graph``, so that no test tells them apart.

    Reference: Verma and Pearl, "Equivalence and synthesis of causal models", UAI 1990: two graphs
    do if they agree in who is adjacent and in who are unconnected parents of one effect.
    """
    back = np.argsort(orders, axis=1)
    others = graph[back[:, :, None], back[:, None, :]]
    same_neighbours = (_neighbours(others) == _neighbours(graph)).all(axis=(1, 2))
    same_colliders = (_colliders(others) == _colliders(graph)).all(axis=(1, 2, 3))
    return np.asarray(same_neighbours & same_colliders)


def _neighbours(graph: Adjacency) -> Adjacency:
    """Return who is adjacent, for one graph or many."""
    return np.asarray(graph | np.swapaxes(graph, -1, -2))


def _colliders(graph: Adjacency) -> Adjacency:
    """Return at [cause, other cause, effect] who are parents of one effect without an edge."""
    apart = ~_neighbours(graph) & ~np.eye(graph.shape[-1], dtype=np.bool_)
    return np.asarray(graph[..., :, None, :] & graph[..., None, :, :] & apart[..., :, :, None])


def _key(questions: Ints, base: np.int64) -> Ints | NDArray[np.void]:
    """Return one sortable value a question."""
    width = questions.shape[1]
    if width * np.log2(float(base)) < 62:
        return np.asarray((questions + 1) @ base ** np.arange(width, dtype=np.int64))
    rows = np.ascontiguousarray(questions)
    return rows.view([("", rows.dtype)] * width).ravel()
