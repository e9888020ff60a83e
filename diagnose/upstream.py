"""Which upstream signal drives a prediction, as far as the causal graph of its host can say.

From the evidence of a prediction its strongest cause is followed, then that one's, until there is
none. Only an edge that the data support, or one that was known beforehand and is not refuted, is
followed, and none whose direction nothing tells. Predictions that one signal drives are one.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from diagnose.schema import CausalGraph, Edge, Node, Prediction

KNOWN: Final = frozenset({"topology", "operator"})  # origins that hold without a test


def one_a_cause(predictions: Iterable[Prediction], graph: CausalGraph) -> tuple[Prediction, ...]:
    """Return the predictions with their upstream signals, one for each cause, most probable first.

    Of several that one signal drives, or whose evidence is that signal, the most probable stands,
    and of equals the soonest; the evidence of the others follows its own.

    Args:
        predictions: Of the entities that the graph is about.
        graph: As ``explain`` has judged it.

    Example:
        >>> one_a_cause((), CausalGraph())
        ()
    """
    ranked = sorted(
        (replace(one, upstream=upstream(one, graph)) for one in predictions),
        key=lambda one: (-one.probability, one.lead_time_seconds, one.entity, one.failure),
    )
    by_cause: dict[Node, int] = {}
    kept: list[Prediction] = []
    for one in ranked:
        causes = one.upstream[:1] or one.evidence[:1]
        place = next((by_cause[node] for node in causes if node in by_cause), None)
        if place is None:
            by_cause |= dict.fromkeys(causes, len(kept))
            kept.append(one)
        else:
            evidence = dict.fromkeys((*kept[place].evidence, *one.evidence))
            kept[place] = replace(kept[place], evidence=tuple(evidence))
    return tuple(kept)


def upstream(prediction: Prediction, graph: CausalGraph) -> tuple[Node, ...]:
    """Return the path from the signal that drives a prediction to its evidence, both included.

    Of several signals of evidence the weightiest that has a cause is followed; where none has one,
    or the graph holds none of them, the path is empty.

    Args:
        prediction: What is foreseen.
        graph: As ``explain`` has judged it.

    Assumes:
        The graph has no cycle, which ``CausalGraph`` checks.
    """
    causes: dict[Node, list[Edge]] = {}
    for edge in graph.edges:
        if _holds(edge):
            causes.setdefault(edge.effect, []).append(edge)
    for node in prediction.evidence:
        path = [node]
        while path[0] in causes:
            path.insert(0, max(causes[path[0]], key=_weight).cause)
        if len(path) > 1:
            return tuple(path)
    return ()


def _holds(edge: Edge) -> bool:
    known = edge.origin in KNOWN and edge.verdict != "refuted"
    return edge.direction_from != "none" and (known or edge.verdict == "supported")


def _weight(edge: Edge) -> tuple[bool, float, Node]:
    """Return what orders the causes of one effect: tested first, then the strongest."""
    return edge.verdict == "supported", abs(edge.strength or 0.0), edge.cause
