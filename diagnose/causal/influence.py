"""Who acts on whom, by the edges that no test refuted."""

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.causal.mechanism import Mechanism, fit, lagged
from diagnose.schema import CausalGraph, Node

Floats = NDArray[np.float64]

UNTESTED: Final = 0.5  # what an untestable edge carries of what a supported one does


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """The surviving edges of a graph, by the places of its nodes.

    Attributes:
        nodes: The graph's nodes, in its order.
        parents: Of each node, who acts on it.
        lags: Steps by which it follows each of them.
        order: All places, causes before effects.
        carried: At [cause, effect], 1 for a supported edge, ``UNTESTED`` for an untestable one, 0
            where there is none.
    """

    nodes: tuple[Node, ...]
    parents: tuple[tuple[int, ...], ...]
    lags: tuple[tuple[int, ...], ...]
    order: tuple[int, ...]
    carried: Floats

    def between(self, cause: int, effect: int) -> tuple[int, ...]:
        """Return who passes a change of ``cause`` on to ``effect``, causes first.

        The cause is not among them and the effect is the last; empty where no path leads there.
        """
        reached = {cause}
        for node in self.order:
            if reached.intersection(self.parents[node]):
                reached.add(node)
        passing = self.ancestors(effect) | {effect}
        return tuple(n for n in self.order if n in reached and n in passing and n != cause)

    def ancestors(self, effect: int) -> set[int]:
        """Return everyone from whom a path leads to ``effect``."""
        found: set[int] = set()
        for node in reversed(self.order):
            if node == effect or node in found:
                found.update(self.parents[node])
        return found

    def delays(self, effect: int) -> dict[int, int]:
        """Return after how many steps, by the fastest path, each ancestor reaches ``effect``."""
        delays = {effect: 0}
        for node in reversed(self.order):
            if node in delays:
                for parent, lag in zip(self.parents[node], self.lags[node], strict=True):
                    delays[parent] = min(delays.get(parent, delays[node] + lag), delays[node] + lag)
        return delays

    def aligned(self, values: Floats, effect: int) -> dict[int, Floats]:
        """Return ``effect`` and its ancestors, moved so that they meet in one instant.

        Args:
            values: Shape (instants, nodes); before its first instant, a node is what it was then.
            effect: Whose instants the rows are.
        """
        delays = self.delays(effect)
        return {node: lagged(values, [node], [delay])[:, 0] for node, delay in delays.items()}

    def paths(self, effect: int, plausible: Floats) -> dict[int, tuple[int, ...]]:
        """Return the most plausible path from each ancestor to ``effect``, both included.

        Args:
            effect: Where the paths end.
            plausible: At [cause, effect], how plausible it is that the one acted on the other; the
                plausibility of a path is the product over its edges.
        """
        best: dict[int, tuple[float, tuple[int, ...]]] = {effect: (1.0, (effect,))}
        for node in reversed(self.order):
            if node not in best:
                continue
            value, path = best[node]
            for parent in self.parents[node]:
                through = value * float(plausible[parent, node])
                if parent not in best or through > best[parent][0]:
                    best[parent] = (through, (parent, *path))
        return {node: path for node, (_, path) in best.items()}

    def mechanisms(self, values: Floats) -> tuple[Mechanism, ...]:
        """Return how each node follows its parents.

        Args:
            values: Shape (instants, nodes), of normal life.
        """
        return tuple(
            fit(values, node, parents, lags)
            for node, (parents, lags) in enumerate(zip(self.parents, self.lags, strict=True))
        )


def influence(graph: CausalGraph, step_seconds: float) -> Influence:
    """Return the edges of ``graph`` that no test refuted; an edge without a lag acts at once.

    Args:
        graph: After its tests.
        step_seconds: Of the window in which lags are counted.
    """
    place = {node: i for i, node in enumerate(graph.nodes)}
    acting = [edge for edge in graph.edges if edge.verdict != "refuted"]
    parents: list[dict[int, int]] = [{} for _ in place]
    carried = np.zeros((len(place), len(place)))
    sorter: TopologicalSorter[int] = TopologicalSorter(dict.fromkeys(range(len(place)), ()))
    for edge in acting:
        cause, effect = place[edge.cause], place[edge.effect]
        parents[effect][cause] = round((edge.lag_seconds or 0.0) / step_seconds)
        carried[cause, effect] = 1.0 if edge.verdict == "supported" else UNTESTED
        sorter.add(effect, cause)
    return Influence(
        graph.nodes,
        tuple(tuple(of) for of in parents),
        tuple(tuple(of.values()) for of in parents),
        tuple(sorter.static_order()),
        carried,
    )
