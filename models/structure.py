"""The best acyclic graph over a dozen signals, climbed to by one edge at a time.

Reference: Chickering, "Optimal Structure Identification with Greedy Search", JMLR 3 (2002), for
scores that fall apart into one part an effect; the climb is over single graphs, not over classes.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Parents = tuple[frozenset[int], ...]
Score = Callable[[int, frozenset[int]], float]

LEAST_GAIN: Final = 1e-9  # less is rounding: without this the climb could walk in a circle


def best_graph(
    score: Score,
    prior: Array,
    required: Sequence[tuple[int, int]] = (),
    max_parents: int = 4,
) -> Parents:
    """Return each signal's parents in the graph with the highest score that the climb finds.

    From the required edges alone it takes, each time, the one edge to add, drop or turn round that
    gains most, until none does.

    Args:
        score: How well an effect is explained by a set of parents.
        prior: Causes by effects; what is to be added for an edge, -inf where it must not be.
        required: Edges that stay, (cause, effect).
        max_parents: The most causes of one effect; required ones are not counted out.

    Raises:
        ValueError: the required edges form a cycle.
    """
    fixed = frozenset(required)
    parents = [frozenset(c for c, e in fixed if e == effect) for effect in range(len(prior))]
    if np.diag(_reach(parents)).any():
        raise ValueError("the required edges form a cycle")
    while True:
        moves = _moves(parents, prior, fixed, max_parents)
        gains = [(_gain(score, prior, parents, move), move) for move in moves]
        gain, move = max(gains, key=lambda found: found[0], default=(0.0, {}))
        if gain < LEAST_GAIN:
            return tuple(parents)
        for effect, causes in move.items():
            parents[effect] = causes


Move = dict[int, frozenset[int]]  # the effects whose parents change, with their new parents


def _moves(
    parents: list[frozenset[int]],
    prior: Array,
    fixed: frozenset[tuple[int, int]],
    max_parents: int,
) -> Iterator[Move]:
    """Yield every change of one edge that keeps the graph acyclic and allowed, in a fixed order."""
    reach = _reach(parents)
    for cause, effect in np.argwhere(np.isfinite(prior)).tolist():
        have = parents[effect]
        if cause == effect or (cause, effect) in fixed:
            continue
        if cause not in have:
            if len(have) < max_parents and not reach[effect, cause]:
                yield {effect: have | {cause}}
            continue
        yield {effect: have - {cause}}
        roundabout = any(reach[cause, other] for other in have - {cause})
        turned = parents[cause] | {effect}
        if np.isfinite(prior[effect, cause]) and len(turned) <= max_parents and not roundabout:
            yield {effect: have - {cause}, cause: turned}


def _gain(score: Score, prior: Array, parents: list[frozenset[int]], move: Move) -> float:
    """Return by how much ``move`` raises the score."""
    gain: float = sum(
        score(effect, new)
        - score(effect, parents[effect])
        + sum(prior[cause, effect] for cause in new - parents[effect])
        - sum(prior[cause, effect] for cause in parents[effect] - new)
        for effect, new in move.items()
    )
    return gain


def _reach(parents: Sequence[frozenset[int]]) -> NDArray[np.bool_]:
    """Return, for each pair, whether a path of one edge or more leads from the first on."""
    reach = np.zeros((len(parents), len(parents)), dtype=bool)
    for effect, causes in enumerate(parents):
        reach[list(causes), effect] = True
    for between in range(len(parents)):
        reach |= np.outer(reach[:, between], reach[between])
    return reach
