"""The steps from a premise to its essential graph, written out for a model to learn and to write.

Each step needs little of what stands before it. First the premise is told again in short, in its
own order and of separating sets the first; then dependent pairs are kept that are never apart; then
each separated pair is told once more with what is joined to both and was not held fixed; then the
arrows that follow.
"""

from collections.abc import Sequence
from typing import Final

from models.corr2cause.graphs import Nodes, Pattern, colliders, nodes_in
from models.corr2cause.statements import Statement, statements_of

NONE: Final = "none"  # where a step has nothing to list


def reasoning(pattern: Pattern, names: Sequence[str]) -> str:
    """Return the steps from a premise to its essential graph.

    Args:
        pattern: The essential graph.
        names: Of the variables; a short name does.

    Example:
        >>> from models.corr2cause.graphs import pattern_of
        >>> steps = reasoning(pattern_of((0, 0, 0b11)), ("A", "B", "C")).split("; ")
        >>> steps[:3]
        ['dependent A - C, B - C', 'apart A - B', 'skeleton A - C, B - C']
        >>> steps[3:]
        ['v-structures A - B : C', 'arrows A -> C, B -> C']
    """
    told = statements_of(pattern)
    first: dict[tuple[int, int, bool], Statement] = {}
    for one in told:
        if one.independent:
            first.setdefault((one.a, one.b, bool(one.given)), one)
    pairs: dict[tuple[int, int], Statement] = {}
    for one in first.values():
        pairs.setdefault((one.a, one.b), one)
    middles: dict[tuple[int, int], Nodes] = {}
    for a, middle, b in colliders(pattern.parents, pattern.lines):
        middles[a, b] = middles.get((a, b), 0) | 1 << middle
    steps = {
        "dependent": [_pair(one, names) for one in told if not one.independent],
        "apart": [_pair(one, names) for one in first.values()],
        "skeleton": [f"{names[a]} - {names[b]}" for a, b in pattern.edges()],
        "v-structures": [
            f"{_pair(one, names)} : {_joined(middles.get(pair, 0), names) or NONE}"
            for pair, one in pairs.items()
        ],
        "arrows": [
            f"{names[cause]} -> {names[effect]}"
            for effect, causes in enumerate(pattern.parents)
            for cause in nodes_in(causes)
        ],
    }
    return "; ".join(f"{name} {', '.join(listed) or NONE}" for name, listed in steps.items())


def _pair(told: Statement, names: Sequence[str]) -> str:
    pair = f"{names[told.a]} - {names[told.b]}"
    return f"{pair} | {_joined(told.given, names)}" if told.given else pair


def _joined(nodes: Nodes, names: Sequence[str]) -> str:
    return " + ".join(names[node] for node in nodes_in(nodes))
