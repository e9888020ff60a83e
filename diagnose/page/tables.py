"""The numbers behind an answer, as rows of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from diagnose.page.graph import WORDS, line_of
from diagnose.page.text import shortened, visible
from diagnose.schema import Counterfactual, Diagnosis, Edge, Intervention, Node, RootCause
from diagnose.wording import digits, duration, percent, quantity

CANDIDATES: Final = 8  # rows of the ranking
RIVALS: Final = 3  # leaders of the other rankings, which are shown too
ENTITIES: Final = 4
NAME: Final = 24  # columns of an entity beside its bar
LITTLE: Final = 0.005  # probability below which an entity is not worth a line
EDGES: Final = 150  # rows of the table of edges
CAUSES: Final = 6  # causes for which the three rungs are told
ORDER: Final = {"supported": 0, "refuted": 1, "untestable": 2, "untested": 3}
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Share:
    """What one ranking gives to a candidate: its place, its probability in words and in percent."""

    place: int
    words: str
    width: float


@dataclass(frozen=True, slots=True)
class Candidate:
    """One row: a candidate in the answer, without graph and without model."""

    entity: str
    signal: str
    shares: tuple[Share | None, ...]


@dataclass(frozen=True, slots=True)
class EntityShare:
    """How much probability lies on one entity."""

    entity: str
    name: str
    words: str
    width: float


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One tested edge with its numbers, as words."""

    line: str
    verdict: str
    cause: str
    effect: str
    p_value: str
    effective_n: str
    lag: str
    strength: str
    direction: str
    origin: str
    on_path: bool


@dataclass(frozen=True, slots=True)
class Rung:
    """An answer, or the reason why there is none."""

    answer: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What the three rungs say of one cause."""

    name: str
    association: Rung
    intervention: Rung
    counterfactual: Rung


def candidates(diagnosis: Diagnosis) -> tuple[Candidate, ...]:
    """Return the leading candidates with what each ranking gives them."""
    rankings = (
        diagnosis.root_causes,
        diagnosis.ranking_without_graph,
        diagnosis.ranking_without_model,
    )
    leading = diagnosis.root_causes[:CANDIDATES] or diagnosis.ranking_without_graph[:CANDIDATES]
    nodes = [cause.node for cause in leading]
    for ranking in rankings[1:]:
        nodes += [cause.node for cause in ranking[:RIVALS]]
    places = [
        {cause.node: (place, cause) for place, cause in reversed(list(enumerate(ranking, 1)))}
        for ranking in rankings
    ]
    return tuple(
        Candidate(
            visible(node.entity),
            visible(node.signal),
            tuple(_share(*found[node]) if node in found else None for found in places),
        )
        for node in dict.fromkeys(nodes)
    )


def _share(place: int, cause: RootCause) -> Share:
    return Share(place, percent(cause.probability), round(100 * cause.probability, 1))


def rest_of(diagnosis: Diagnosis) -> tuple[int, str]:
    """Return how many candidates of the answer are not shown, and their probability."""
    rest = diagnosis.root_causes[CANDIDATES:]
    return len(rest), percent(min(sum(cause.probability for cause in rest), 1.0))


def entities(causes: Sequence[RootCause]) -> tuple[EntityShare, ...]:
    """Return the accused entity, then others that may hold the fault, likeliest first."""
    total: dict[str, float] = {}
    for cause in causes:
        total[cause.entity] = total.get(cause.entity, 0.0) + cause.probability
    accused = causes[0].entity
    ordered = sorted(total.items(), key=lambda item: (item[0] != accused, -item[1]))[:ENTITIES]
    return tuple(
        _entity_share(entity, min(share, 1.0))
        for place, (entity, share) in enumerate(ordered)
        if place < RIVALS - 1 or share >= LITTLE
    )


def _entity_share(entity: str, share: float) -> EntityShare:
    name = visible(entity)
    return EntityShare(shortened(name, NAME), name, percent(share), round(100 * share, 1))


def edge_rows(diagnosis: Diagnosis) -> tuple[EdgeRow, ...]:
    """Return every edge: the path's first, then the clearest verdicts, the smallest p first."""
    path = diagnosis.root_causes[0].path if diagnosis.root_causes else ()
    steps = set(pairwise(path))

    def order(edge: Edge) -> tuple[bool, int, float]:
        known = edge.p_value if edge.p_value is not None else 2.0
        return (edge.cause, edge.effect) not in steps, ORDER[line_of(edge)], known

    edges = sorted(diagnosis.graph.edges, key=order)[:EDGES]
    return tuple(_edge(edge, (edge.cause, edge.effect) in steps) for edge in edges)


def _edge(edge: Edge, on_path: bool) -> EdgeRow:
    return EdgeRow(
        line_of(edge),
        WORDS[line_of(edge)],
        visible(str(edge.cause)),
        visible(str(edge.effect)),
        NOTHING if edge.p_value is None else _p(edge.p_value),
        NOTHING if edge.effective_n is None else f"{edge.effective_n:.0f}",
        NOTHING if edge.lag_seconds is None else duration(edge.lag_seconds),
        NOTHING if edge.strength is None else f"{edge.strength:+.2f}",
        edge.direction_from,
        edge.origin,
        on_path,
    )


def _p(p_value: float) -> str:
    return "< 0.001" if p_value < 0.001 else digits(p_value)


def ladders(diagnosis: Diagnosis, unit: str) -> tuple[Ladder, ...]:
    """Return the three rungs for each of the first causes but the symptom itself.

    Args:
        diagnosis: What was found.
        unit: Of the symptom.
    """
    links = {seen.cause: seen for seen in diagnosis.associations}
    repairs = {effect.cause: effect for effect in diagnosis.interventions}
    worlds = {answer.cause: answer for answer in diagnosis.counterfactuals}
    causes = dict.fromkeys(node for rung in (links, repairs, worlds) for node in rung)
    told = [node for node in causes if node != diagnosis.symptom][:CAUSES]
    return tuple(
        Ladder(
            visible(str(node)),
            _association(diagnosis, node),
            intervention(repairs.get(node)),
            _counterfactual(worlds.get(node), unit),
        )
        for node in told
    )


def _association(diagnosis: Diagnosis, node: Node) -> Rung:
    seen = next((seen for seen in diagnosis.associations if seen.cause == node), None)
    if seen is None or (seen.correlation is None and seen.lead_seconds is None):
        return Rung("", "too rarely seen to compare" if seen else "not asked")
    facts = []
    if seen.correlation is not None:
        facts.append(f"correlation {seen.correlation:+.2f} before the incident")
    if seen.lead_seconds is not None:
        side = "before" if seen.lead_seconds > 0 else "after"
        lead = f"{duration(abs(seen.lead_seconds))} {side}"
        facts.append(f"moved {lead if seen.lead_seconds else 'together with'} the symptom")
    return Rung(", ".join(facts))


def intervention(effect: Intervention | None) -> Rung:
    """Return what a repair would do by the data, or why that is not known."""
    if effect is None or effect.share is None:
        return Rung("", visible(effect.refused or "") if effect else "not asked")
    between = ""
    if effect.low is not None and effect.high is not None:
        between = f" (90 % interval {100 * effect.low:.0f} to {100 * effect.high:.0f} %)"
    return Rung(f"would remove {100 * effect.share:.0f} % of the deviation{between}")


def _counterfactual(answer: Counterfactual | None, unit: str) -> Rung:
    if answer is None or answer.occurred is None:
        return Rung("", visible(answer.refused or "") if answer else "not asked")
    verb = "would still have occurred" if answer.occurred else "would not have occurred"
    values = ""
    if answer.expected is not None and answer.observed is not None:
        values = f", at {quantity(answer.expected, unit)}, not {quantity(answer.observed, unit)}"
    return Rung(f"the symptom {verb}{values}")
