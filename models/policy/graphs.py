"""Causal graphs drawn from pair logits: sampling, repair, and the distribution's own figures.

A policy gives each pair of an incident's signals three logits, in the order of the answers of the
language model: the first acts on the second, the second on the first, neither. A draw takes one
answer a pair, independently. What that draws may have cycles, so edges are laid down in the order
of their probability, and one that would close a cycle is left out. The repair belongs to the world
that rewards, not to the policy: the probability of a draw is that of what was drawn, which keeps
policy gradients unbiased.

Shapes: ``pairs`` counts the pairs of ``pair_index``, ``draws`` the graphs drawn from one incident.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Adjacency = NDArray[np.bool_]  # True at [cause, effect]
Answers = NDArray[np.int64]  # one of the three below for each pair

FORWARD: Final = 0
BACKWARD: Final = 1
NONE: Final = 2


@lru_cache(64)
def pair_index(size: int) -> tuple[Answers, Answers]:
    """Return the first and the second signal of every pair, the first being the lesser number."""
    first, second = np.triu_indices(size, 1)
    return first.astype(np.int64), second.astype(np.int64)


def answers(adjacency: Adjacency) -> Answers:
    """Return a graph as one answer a pair; of shape (..., pairs) for (..., signals, signals).

    Assumes:
        No two signals act on each other.
    """
    first, second = pair_index(adjacency.shape[-1])
    there, back = adjacency[..., first, second], adjacency[..., second, first]
    return np.where(there, FORWARD, np.where(back, BACKWARD, NONE)).astype(np.int64)


def adjacency(answered: Answers, size: int) -> Adjacency:
    """Return the graph of one answer a pair, cyclic or not; the inverse of ``answers``."""
    first, second = pair_index(size)
    graph = np.zeros((*answered.shape[:-1], size, size), dtype=np.bool_)
    graph[..., first, second] = answered == FORWARD
    graph[..., second, first] = answered == BACKWARD
    return graph


def restricted(logits: Tensor, allowed: Adjacency) -> Tensor:
    """Return ``logits`` with -inf for every edge that must not be; "neither" is always allowed.

    Args:
        logits: Of shape (pairs, 3).
        allowed: Which edges may be, causes by effects.
    """
    first, second = pair_index(len(allowed))
    may = np.stack((allowed[first, second], allowed[second, first], np.ones(len(first), bool)), 1)
    return logits.masked_fill(~torch.from_numpy(may).to(logits.device), -torch.inf)


def draw(logits: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return ``count`` independent answers a pair, of shape (draws, pairs)."""
    with torch.no_grad():
        shares = logits.softmax(dim=1)
        drawn = torch.multinomial(shares, count, replacement=True, generator=generator)
    return drawn.T.contiguous()


def repaired(answered: Answers, confidence: NDArray[np.float64], size: int) -> Adjacency:
    """Return acyclic graphs: edges in the order of confidence, without those that close a cycle.

    Args:
        answered: Of shape (draws, pairs).
        confidence: Likewise; how probable each answer is. Of equals, the earlier pair comes first.
        size: How many signals there are.
    """
    first, second = pair_index(size)
    graphs = np.zeros((len(answered), size, size), dtype=np.bool_)
    for graph, answer, order in zip(
        graphs, answered, np.argsort(-confidence, axis=1, kind="stable"), strict=True
    ):
        below = [0] * size  # bit j of below[i]: a path leads from i to j
        for pair in order[answer[order] != NONE].tolist():
            cause, effect = int(first[pair]), int(second[pair])
            if answer[pair] == BACKWARD:
                cause, effect = effect, cause
            if below[effect] >> cause & 1:
                continue
            graph[cause, effect] = True
            reached = below[effect] | 1 << effect
            below = [
                b | reached if i == cause or b >> cause & 1 else b for i, b in enumerate(below)
            ]
    return graphs


def reach(graph: Adjacency) -> Adjacency:
    """Return at [cause, effect] whether a path of one edge or more leads there."""
    paths = graph.copy()
    for between in range(len(graph)):
        paths |= np.outer(paths[:, between], paths[between])
    return paths


def is_acyclic(graph: Adjacency) -> bool:
    """Return whether no signal acts on itself, along any path."""
    return not np.diagonal(reach(graph)).any()


def log_probability(logits: Tensor, drawn: Tensor) -> Tensor:
    """Return how likely each answer of ``drawn`` is by itself, of shape (draws, pairs)."""
    return logits.log_softmax(dim=1).T[drawn, torch.arange(len(logits), device=logits.device)]


def divergence(new: Tensor, old: Tensor) -> Tensor:
    """Return the exact Kullback-Leibler divergence of ``new`` from ``old``, of shape (pairs,).

    Assumes:
        Both rule out the same answers.
    """
    share = new.softmax(dim=1)
    apart = new.log_softmax(dim=1) - old.log_softmax(dim=1)
    return (share * apart.masked_fill(share == 0, 0.0)).sum(dim=1)


def likeliest(logits: Tensor, mass: float) -> Tensor:
    """Return which answers make up the first ``mass`` of each pair's probability, shape (pairs, 3).

    The likeliest answer is always one of them, and so is the one that passes ``mass``.

    Reference: Holtzman et al., "The Curious Case of Neural Text Degeneration", ICLR 2020.
    """
    share, order = logits.softmax(dim=1).sort(dim=1, descending=True)
    before = share.cumsum(dim=1) - share
    return torch.zeros_like(order, dtype=torch.bool).scatter(1, order, before < mass)
