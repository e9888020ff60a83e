"""A layered drawing of an acyclic graph: causes left, effects right, nothing on top of another.

Four steps: a layer for each node, places in long edges for each layer that they cross, an order
within each layer that has few crossings, and heights that keep edges straight.

Reference: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system
structures", IEEE SMC 11 (1981). The heights are an isotonic regression, solved by pooling adjacent
violators: the least squares solution among all that keep the order and the distances.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import pairwise
from typing import Final

Point = tuple[float, float]
Pair = tuple[int, int]

SWEEPS: Final = 12
STRAIGHT: Final = 4.0  # how much straighter long edges are kept than short ones
LOOSE: Final = 0.1  # weight of a box without an edge: it makes room for the others


@dataclass(frozen=True, slots=True)
class Sizes:
    """Lengths of a drawing, in pixels."""

    width: float = 200.0
    height: float = 60.0
    across: float = 96.0  # between two layers
    between: float = 18.0  # between two boxes of a layer
    lane: float = 10.0  # height that an edge takes where it passes a layer


@dataclass(frozen=True, slots=True)
class Box:
    """Where a node stands: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A drawing whose corner is the origin.

    Attributes:
        boxes: One a node.
        routes: One an edge: the points it runs through, from the cause's right side to the
            effect's left side. From each even point to the next it bends, from each odd one to the
            next it is level.
        width: Of all.
        height: Of all.
    """

    boxes: tuple[Box, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def layered(nodes: int, edges: Sequence[Pair], sizes: Sizes = Sizes()) -> Layout:
    """Return where to draw ``nodes`` and ``edges``.

    Args:
        nodes: How many there are; they are numbered from 0.
        edges: (cause, effect), without a cycle and without repetition.
        sizes: Of boxes and gaps.

    Raises:
        graphlib.CycleError: the edges form a cycle.
    """
    layer = _layers(nodes, edges)
    chains, layer = _chains(edges, layer)
    links = [pair for chain in chains for pair in pairwise(chain)]
    rows = _ordered(layer, links)
    heights = [sizes.height if n < nodes else sizes.lane for n in range(len(layer))]
    middle = _middles(rows, links, heights, nodes, sizes)
    top = min((middle[n] - heights[n] / 2 for n in range(len(layer))), default=0.0)
    middle = [m - top for m in middle]
    left = [(sizes.width + sizes.across) * level for level in layer]
    boxes = tuple(
        Box(left[n], middle[n] - sizes.height / 2, sizes.width, sizes.height) for n in range(nodes)
    )
    return Layout(
        boxes,
        _routes(chains, left, middle, sizes),
        max((box.x + box.width for box in boxes), default=0.0),
        max((middle[n] + heights[n] / 2 for n in range(len(layer))), default=0.0),
    )


def _layers(nodes: int, edges: Sequence[Pair]) -> list[int]:
    """Return the layer of each node: after all of its causes, yet next to its first effect."""
    order: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(nodes), ()))
    for cause, effect in edges:
        order.add(effect, cause)
    sequence = list(order.static_order())
    causes: dict[int, list[int]] = {n: [] for n in range(nodes)}
    effects: dict[int, list[int]] = {n: [] for n in range(nodes)}
    for cause, effect in edges:
        causes[effect].append(cause)
        effects[cause].append(effect)
    layer = [0] * nodes
    for node in sequence:
        layer[node] = max((layer[cause] + 1 for cause in causes[node]), default=0)
    for node in reversed(sequence):
        if effects[node]:
            layer[node] = min(layer[effect] for effect in effects[node]) - 1
    return layer


def _chains(edges: Sequence[Pair], layer: list[int]) -> tuple[list[list[int]], list[int]]:
    """Return each edge as a chain of places in adjacent layers, and the layers of all places."""
    places, chains = list(layer), []
    for cause, effect in edges:
        chain = [cause]
        for level in range(layer[cause] + 1, layer[effect]):
            chain.append(len(places))
            places.append(level)
        chains.append([*chain, effect])
    return chains, places


def _ordered(layer: list[int], links: Sequence[Pair]) -> list[list[int]]:
    """Return the places of each layer, in an order with few crossings."""
    rows: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
    for place, level in enumerate(layer):
        rows[level].append(place)
    before: dict[int, list[int]] = {n: [] for n in range(len(layer))}
    after: dict[int, list[int]] = {n: [] for n in range(len(layer))}
    for cause, effect in links:
        before[effect].append(cause)
        after[cause].append(effect)
    best, fewest = rows, _crossings(rows, after)
    for sweep in range(SWEEPS):
        forth = sweep % 2 == 0
        rows = [list(row) for row in rows]
        levels = range(1, len(rows)) if forth else range(len(rows) - 2, -1, -1)
        for level in levels:
            beside = rows[level - 1 if forth else level + 1]
            rank = {place: i for i, place in enumerate(beside)}
            near = before if forth else after
            rows[level] = _by_neighbours(rows[level], near, rank)
        crossings = _crossings(rows, after)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _by_neighbours(row: list[int], near: dict[int, list[int]], rank: dict[int, int]) -> list[int]:
    """Return ``row`` ordered by the mean rank of each place's neighbours in the next layer."""
    wish = {}
    for i, place in enumerate(row):
        ranks = [rank[n] for n in near[place]]
        wish[place] = (sum(ranks) / len(ranks) if ranks else float(i), i)
    return sorted(row, key=lambda place: wish[place])


def _crossings(rows: Sequence[Sequence[int]], after: dict[int, list[int]]) -> int:
    """Return how often two links cross."""
    total = 0
    for row, following in pairwise(rows):
        rank = {place: i for i, place in enumerate(following)}
        ends = [r for place in row for r in sorted(rank[n] for n in after[place])]
        total += sum(a > b for i, a in enumerate(ends) for b in ends[i + 1 :])
    return total


def _middles(
    rows: Sequence[Sequence[int]],
    links: Sequence[Pair],
    heights: Sequence[float],
    nodes: int,
    sizes: Sizes,
) -> list[float]:
    """Return the height of each place's middle: edges as level as distances permit."""
    near: dict[int, list[tuple[int, float]]] = {n: [] for n in range(len(heights))}
    for pair in links:
        weight = STRAIGHT if max(pair) >= nodes else 1.0
        for one, other in (pair, pair[::-1]):
            near[one].append((other, weight))
    stacks = [_stack([heights[place] for place in row], sizes.between) for row in rows]
    middle = [0.0] * len(heights)
    for row, stack in zip(rows, stacks, strict=True):
        for place, height in zip(row, stack, strict=True):
            middle[place] = height
    for _ in range(SWEEPS):
        for row, stack in zip(rows, stacks, strict=True):
            wishes, weights = [], []
            for place, height in zip(row, stack, strict=True):
                weight = sum(w for _, w in near[place])
                pulled = sum(middle[n] * w for n, w in near[place])
                wishes.append((pulled / weight if weight else middle[place]) - height)
                weights.append(weight or LOOSE)
            for place, height, shift in zip(row, stack, _rising(wishes, weights), strict=True):
                middle[place] = height + shift
    return middle


def _stack(heights: Sequence[float], between: float) -> list[float]:
    """Return the middles of boxes that stand as close upon each other as they may."""
    middles: list[float] = []
    for height, above in zip(heights, (0.0, *heights), strict=False):
        middles.append(middles[-1] + (height + above) / 2 + between if middles else 0.0)
    return middles


def _rising(wishes: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Return the non-decreasing numbers nearest to ``wishes`` in weighted squares."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for wish, weight in zip(wishes, weights, strict=True):
        mean, total, count = wish, weight, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, number = pools.pop()
            mean = (mean * total + other * other_weight) / (total + other_weight)
            total, count = total + other_weight, count + number
        pools.append((mean, total, count))
    return [mean for mean, _, count in pools for _ in range(count)]


def _routes(
    chains: Sequence[Sequence[int]], left: Sequence[float], middle: Sequence[float], sizes: Sizes
) -> tuple[tuple[Point, ...], ...]:
    """Return the points of each edge; edges leave and reach a box at heights of their own."""
    leaving = _ports([(c[0], middle[c[1]], i) for i, c in enumerate(chains)], sizes.height)
    reaching = _ports([(c[-1], middle[c[-2]], i) for i, c in enumerate(chains)], sizes.height)
    routes = []
    for i, chain in enumerate(chains):
        points = [(left[chain[0]] + sizes.width, middle[chain[0]] + leaving[i])]
        for place in chain[1:-1]:
            points += [(left[place], middle[place]), (left[place] + sizes.width, middle[place])]
        points.append((left[chain[-1]], middle[chain[-1]] + reaching[i]))
        routes.append(tuple(points))
    return tuple(routes)


def _ports(ends: Sequence[tuple[int, float, int]], height: float) -> dict[int, float]:
    """Return for each edge how far from the middle of a box's side it ends.

    Args:
        ends: (box, height of the next place, edge).
        height: Of a box.
    """
    offsets = {}
    for box in {end[0] for end in ends}:
        own = sorted((toward, edge) for at, toward, edge in ends if at == box)
        step = min(12.0, 0.7 * height / max(len(own), 1))
        for i, (_, edge) in enumerate(own):
            offsets[edge] = (i - (len(own) - 1) / 2) * step
    return offsets
