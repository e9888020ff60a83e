"""What decides a claim about an essential graph, told in its own arrows.

Whoever has written a graph down finds there what a hypothesis asks about: the direct link of two
variables, or the paths that make one a cause of the other. Told before the answer, it turns "does
this follow?" into looking something up.
"""

from typing import Final

from models.corr2cause.graphs import Nodes, Pattern, nodes_in
from models.corr2cause.relations import Claim, Kind, is_entailed

NOWHERE: Final = "none"
EVERYWHERE: Final = "in every graph"  # entailed, though each graph has a path of its own
FORWARD: Final[dict[Kind, str]] = {
    "parent": "direct",
    "ancestor": "indirect",
    "collider": "common effect",
    "confounder": "common cause",
    "cause": "any",
}


def argument(pattern: Pattern, claim: Claim, names: tuple[str, ...]) -> str:
    """Return the claim in short, from cause to effect, and what of the graph decides it.

    Of several paths the shortest is told, of these the first in the order of the variables.

    Args:
        pattern: The essential graph.
        claim: About two of its variables.
        names: Of the variables.

    Example:
        >>> from models.corr2cause.graphs import pattern_of
        >>> collider = pattern_of((0, 0, 0b11))
        >>> argument(collider, Claim("child", 2, 0), ("A", "B", "C"))
        'direct A, C: A -> C'
        >>> argument(collider, Claim("collider", 0, 1), ("A", "B", "C"))
        'common effect A, B: A -> C, B -> C'
        >>> argument(collider, Claim("ancestor", 0, 2), ("A", "B", "C"))
        'indirect A, C: none'
    """
    told = claim if claim.kind in FORWARD else claim.turned()
    if told.kind == "parent":
        reason = _link(pattern, told.x, told.y, names)
    else:
        paths = _paths(pattern, told)
        reason = ", ".join(" -> ".join(names[node] for node in path) for path in paths)
    if not reason:
        reason = EVERYWHERE if is_entailed(pattern, claim) else NOWHERE
    return f"{FORWARD[told.kind]} {names[told.x]}, {names[told.y]}: {reason}"


def _link(pattern: Pattern, x: int, y: int, names: tuple[str, ...]) -> str:
    """Return how two variables are joined, nothing where they are not."""
    if pattern.parents[y] >> x & 1:
        return f"{names[x]} -> {names[y]}"
    if pattern.parents[x] >> y & 1:
        return f"{names[y]} -> {names[x]}"
    return f"{names[x]} - {names[y]}" if pattern.lines[x] >> y & 1 else ""


def _paths(pattern: Pattern, claim: Claim) -> list[tuple[int, ...]]:
    """Return the directed paths that make a claim true, none where there are none."""
    x, y = claim.x, claim.y
    if claim.kind == "cause":
        return [path] if (path := shortest(pattern, x, y)) else []
    if claim.kind == "ancestor":
        return [path] if (path := shortest(pattern, x, y, at_least=2)) else []
    found = []
    for middle in range(pattern.size):
        ends = (
            ((x, middle), (y, middle)) if claim.kind == "collider" else ((middle, x), (middle, y))
        )
        both = [shortest(pattern, *each) for each in ends]
        if all(both):
            found.append(both)
    return min(found, key=lambda both: sum(map(len, both)), default=[])


def shortest(pattern: Pattern, start: int, end: int, at_least: int = 1) -> tuple[int, ...]:
    """Return the shortest path along arrows, nothing where there is none.

    Args:
        pattern: The essential graph.
        start: Where it begins.
        end: Where it ends.
        at_least: Arrows that it has.
    """
    paths: list[tuple[int, ...]] = [(start,)]
    for length in range(1, pattern.size):
        paths = [(*path, after) for path in paths for after in _effects(pattern, path)]
        arrived = [path for path in paths if path[-1] == end]
        if arrived and length >= at_least:
            return arrived[0]
    return ()


def _effects(pattern: Pattern, path: tuple[int, ...]) -> list[int]:
    """Return where a path may go on, its own variables left out."""
    been: Nodes = sum(1 << node for node in path)
    below = sum(1 << node for node, above in enumerate(pattern.parents) if above >> path[-1] & 1)
    return list(nodes_in(below & ~been))
