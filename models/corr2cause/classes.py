"""Markov equivalence classes up to the names of their nodes: all of them, or a sample.

Two classes that differ in the names of their nodes only are the same problem; so what is held out
is held out by this number, never by the names.
"""

import hashlib
from functools import cache
from itertools import combinations, permutations
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models.corr2cause.graphs import Collider, Pattern, colliders, neighbours, oriented

Split = Literal["train", "dev", "test"]

COUNTED: Final = 6  # nodes up to which all classes are listed; beyond, they are sampled
LARGEST: Final = 7  # nodes up to which a class has a canonical number
TEST_SHARE: Final = 15  # percent of the classes; larger sizes than COUNTED are all held out
DEV_SHARE: Final = 5


@cache
def classes(size: int) -> tuple[Pattern, ...]:
    """Return one essential graph for each class of ``size`` nodes, in the order of their numbers.

    2, 5, 20, 142 and 2,201 for two to six nodes; the last takes a few seconds. With their numbers
    of different names they add up to the 1,067,825 classes of six named nodes that are published
    (Gillispie and Perlman, 2001).

    Raises:
        ValueError: there are too many to list.
    """
    if not 1 <= size <= COUNTED:
        raise ValueError(f"classes of {size} nodes are sampled, not listed")
    pairs = list(combinations(range(size), 2))
    seen: dict[tuple[tuple[int, ...], frozenset[Collider]], None] = {}
    # Each graph has a name order in which all arrows go upwards.
    for chosen in range(1 << len(pairs)):
        parents = [0] * size
        for place, (a, b) in enumerate(pairs):
            if chosen >> place & 1:
                parents[b] |= 1 << a
        dag = tuple(parents)
        seen.setdefault((tuple(neighbours(dag, (0,) * size)), frozenset(colliders(dag))))
    found: dict[int, Pattern] = {}
    for joined, shapes in seen:
        pattern = oriented(list(joined), set(shapes))
        found.setdefault(number(pattern), pattern)
    return tuple(found[key] for key in sorted(found))


def sampled(size: int, rng: np.random.Generator) -> Pattern:
    """Return the class of a random graph: any density, arrows in a random order of the nodes."""
    order, density = rng.permutation(size), rng.uniform(0.15, 0.85)
    parents = [0] * size
    for a, b in combinations(order.tolist(), 2):
        if rng.random() < density:
            parents[b] |= 1 << a
    dag = tuple(parents)
    return oriented(neighbours(dag, (0,) * size), colliders(dag))


def renamed(pattern: Pattern, order: list[int]) -> Pattern:
    """Return ``pattern`` with node ``i`` called ``order[i]``."""

    def moved(sets: tuple[int, ...]) -> tuple[int, ...]:
        new = [0] * len(sets)
        for node, members in enumerate(sets):
            new[order[node]] = sum(1 << order[i] for i in range(len(sets)) if members >> i & 1)
        return tuple(new)

    return Pattern(moved(pattern.parents), moved(pattern.lines))


def number(pattern: Pattern) -> int:
    """Return the same number for two classes exactly where they differ in names only.

    Raises:
        ValueError: the graph is too large for that.
    """
    size = pattern.size
    if size > LARGEST:
        raise ValueError(f"a class of {size} nodes has no number")
    marks = np.zeros((size, size), np.int64)
    for node in range(size):
        into = pattern.parents[node] | pattern.lines[node]
        marks[node] = [into >> other & 1 for other in range(size)]
    orders = _orders(size)
    bits = marks[orders[:, :, None], orders[:, None, :]].reshape(len(orders), -1)
    return int((bits @ (1 << np.arange(size * size, dtype=np.int64))).min())


@cache
def _orders(size: int) -> NDArray[np.int64]:
    return np.array(list(permutations(range(size))), np.int64)


def name_of(pattern: Pattern) -> str:
    """Return the class's number with its size, for example "4-8264"."""
    return f"{pattern.size}-{number(pattern)}"


def split_of(name: str) -> Split:
    """Return where the class called ``name`` belongs: learned from, tuned on, or measured on."""
    if int(name.partition("-")[0]) > COUNTED:
        return "test"
    drawn = int(hashlib.sha256(name.encode()).hexdigest(), 16) % 100
    return "test" if drawn < TEST_SHARE else "dev" if drawn < TEST_SHARE + DEV_SHARE else "train"


@cache
def classes_in(size: int, split: Split) -> tuple[Pattern, ...]:
    """Return the classes of ``size`` nodes that belong to ``split``."""
    return tuple(pattern for pattern in classes(size) if split_of(name_of(pattern)) == split)
