"""Directed acyclic graphs of a few nodes, as bit masks, and their Markov equivalence classes.

A set of nodes is an integer whose bit ``i`` stands for node ``i``. A graph is a tuple with one set
a node: its parents. Graphs that imply the same conditional independences form a class; a class is
its essential graph (CPDAG): an arrow where all members agree, a line where they do not.

Reference: Meek, "Causal inference and causal explanation with background knowledge", UAI 1995, for
the orientation rules; Lauritzen et al., 1990, for separation in the moral graph.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

Nodes = int
Dag = tuple[Nodes, ...]  # the parents of each node
Collider = tuple[int, int, int]  # (a, middle, b) with a < b: a -> middle <- b, a and b not joined


@dataclass(frozen=True, slots=True)
class Pattern:
    """The essential graph of a class, or one that background knowledge has oriented further.

    Attributes:
        parents: For each node, the nodes with an arrow to it.
        lines: For each node, the nodes joined to it without a direction; symmetric.
    """

    parents: tuple[Nodes, ...]
    lines: tuple[Nodes, ...]

    @property
    def size(self) -> int:
        """Return the number of nodes."""
        return len(self.parents)

    def edges(self) -> list[tuple[int, int]]:
        """Return the skeleton: joined pairs (a, b) with a < b, in order."""
        joined = neighbours(self.parents, self.lines)
        return [(a, b) for a, b in combinations(range(self.size), 2) if joined[a] >> b & 1]


def nodes_in(nodes: Nodes) -> Iterator[int]:
    """Yield the members of a set, ascending.

    Example:
        >>> list(nodes_in(0b1010))
        [1, 3]
    """
    while nodes:
        lowest = nodes & -nodes
        yield lowest.bit_length() - 1
        nodes ^= lowest


def subsets(nodes: Nodes) -> Iterator[Nodes]:
    """Yield all subsets of a set, the smaller first, in a fixed order."""
    members = [1 << node for node in nodes_in(nodes)]
    for count in range(len(members) + 1):
        for chosen in combinations(members, count):
            yield sum(chosen)


def neighbours(parents: tuple[Nodes, ...], lines: tuple[Nodes, ...]) -> list[Nodes]:
    """Return, for each node, all nodes that it is joined with."""
    joined = [parents[node] | lines[node] for node in range(len(parents))]
    for node, above in enumerate(parents):
        for parent in nodes_in(above):
            joined[parent] |= 1 << node
    return joined


def ancestors(dag: Dag) -> list[Nodes]:
    """Return the proper ancestors of each node.

    Raises:
        ValueError: the graph has a cycle.
    """
    above = list(dag)
    for _ in dag:
        for node in range(len(dag)):
            for parent in nodes_in(above[node]):
                above[node] |= above[parent]
    if any(above[node] >> node & 1 for node in range(len(dag))):
        raise ValueError("the graph has a cycle")
    return above


def d_separated(dag: Dag, a: int, b: int, given: Nodes) -> bool:
    """Return whether ``given`` blocks every path between ``a`` and ``b``."""
    return _separated(dag, ancestors(dag), a, b, given)


def independences(dag: Dag) -> frozenset[tuple[int, int, Nodes]]:
    """Return every (a, b, given), a < b, that the graph implies to be independent."""
    above, everything = ancestors(dag), (1 << len(dag)) - 1
    return frozenset(
        (a, b, given)
        for a, b in combinations(range(len(dag)), 2)
        if not (dag[a] >> b | dag[b] >> a) & 1
        for given in subsets(everything & ~(1 << a | 1 << b))
        if _separated(dag, above, a, b, given)
    )


def _separated(dag: Dag, above: list[Nodes], a: int, b: int, given: Nodes) -> bool:
    """Return whether the moral graph of the relevant ancestors falls apart without ``given``."""
    kept = 1 << a | 1 << b | given
    for node in nodes_in(kept):
        kept |= above[node]
    moral = [0] * len(dag)
    for node in nodes_in(kept):
        family = dag[node] | 1 << node
        for member in nodes_in(family):
            moral[member] |= family
    reached = front = 1 << a
    while front:
        further = 0
        for node in nodes_in(front):
            further |= moral[node]
        front = further & ~reached & ~given
        reached |= front
    return not reached >> b & 1


def colliders(parents: tuple[Nodes, ...], lines: tuple[Nodes, ...] | None = None) -> set[Collider]:
    """Return the v-structures of a graph, or of an essential graph with ``lines``."""
    joined = neighbours(parents, lines or (0,) * len(parents))
    return {
        (a, middle, b)
        for middle, above in enumerate(parents)
        for a, b in combinations(nodes_in(above), 2)
        if not joined[a] >> b & 1
    }


def pattern_of(dag: Dag) -> Pattern:
    """Return the essential graph of the class that a graph belongs to."""
    return oriented(neighbours(dag, (0,) * len(dag)), colliders(dag))


def oriented(joined: list[Nodes], found: set[Collider]) -> Pattern:
    """Return the essential graph with a skeleton and its v-structures.

    Args:
        joined: For each node, the nodes that it is joined with.
        found: The v-structures. Where they contradict each other, the result is no essential graph
            of any class, and has no member or other v-structures.
    """
    parents = [0] * len(joined)
    for a, middle, b in found:
        parents[middle] |= 1 << a | 1 << b
    lines = [joined[node] & ~parents[node] for node in range(len(joined))]
    for node, above in enumerate(parents):
        for parent in nodes_in(above):
            lines[parent] &= ~(1 << node)
    return closed(parents, lines)


def closed(parents: list[Nodes], lines: list[Nodes]) -> Pattern:
    """Return a pattern in which each line is directed that all members direct alike.

    Args:
        parents: For each node, the nodes with an arrow to it; changed in place.
        lines: For each node, the nodes joined without a direction; changed in place.
    """
    joined = neighbours(tuple(parents), tuple(lines))
    again = True
    while again:
        again = False
        for a in range(len(parents)):
            for b in nodes_in(lines[a]):
                if _must_point(parents, lines, joined, a, b):
                    _point(parents, lines, a, b)
                    again = True
    return Pattern(tuple(parents), tuple(lines))


def _point(parents: list[Nodes], lines: list[Nodes], a: int, b: int) -> None:
    parents[b] |= 1 << a
    lines[a] &= ~(1 << b)
    lines[b] &= ~(1 << a)


def _must_point(
    parents: list[Nodes], lines: list[Nodes], joined: list[Nodes], a: int, b: int
) -> bool:
    """Return whether one of Meek's four rules directs the line a - b as a -> b."""
    if parents[a] & ~joined[b] & ~(1 << b):
        return True  # another arrow into a: else a new v-structure
    if any(parents[middle] >> a & 1 for middle in nodes_in(parents[b])):
        return True  # a -> middle -> b: else a cycle
    beside = lines[a] & parents[b]
    if any(beside & ~joined[one] & ~(1 << one) for one in nodes_in(beside)):
        return True  # two nodes point to b, are joined with a, and not with each other
    return any(
        parents[middle] & lines[a] & ~joined[b] & ~(1 << b)
        for middle in nodes_in(parents[b] & joined[a])
    )


def members(pattern: Pattern) -> Iterator[Dag]:
    """Yield every graph of a class once."""
    a = next((node for node, line in enumerate(pattern.lines) if line), None)
    if a is None:
        yield pattern.parents
        return
    b = next(nodes_in(pattern.lines[a]))
    for cause, effect in ((a, b), (b, a)):
        parents, lines = list(pattern.parents), list(pattern.lines)
        _point(parents, lines, cause, effect)
        yield from members(closed(parents, lines))
