"""Which runbook fits: conditions held against facts, by code alone.

A runbook is looked at for each accused entity. Every condition that is met is a sign with a weight;
together they say how well the runbook fits, and that times the belief in the entity is its score. A
fit below one half is no fit: then nothing is proposed rather than something forced. The signs that
are met and those that are not are told beside it. Nothing is ever done.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Final

from diagnose.guidance.catalogue import Catalogue, catalogue
from diagnose.guidance.facts import Fact, Facts, facts_of, facts_of_prediction
from diagnose.guidance.runbook import Condition, Runbook
from diagnose.schema import (
    CausalGraph,
    Diagnosis,
    Guidance,
    Intervention,
    Node,
    Prediction,
    RootCause,
    Sign,
    Tried,
    Urgency,
    Window,
)
from diagnose.wording import printable

# How much a sign tells: the chance that it would not be seen, had something else gone wrong.
TELLS: Final = {"weak": 0.2, "fair": 0.45, "strong": 0.75}
LEAST_FIT: Final = 0.5
MOST: Final = 3  # runbooks that are proposed
LEAST_SCORE: Final = 0.05  # below which nobody should be sent there
FAR_BEHIND: Final = 0.1  # of the best score, below which another is not worth reading
RISKS: Final = {"low": 0, "medium": 1, "high": 2}
QUOTED: Final = 400  # characters of what a vendor says

ByKind = Mapping[str, tuple[Fact, ...]]
Intervene = Callable[[CausalGraph, Window, tuple[RootCause, ...], Node], tuple[Intervention, ...]]


@dataclass(frozen=True, slots=True)
class Match:
    """A runbook that fits an entity.

    Attributes:
        runbook: Which.
        entity: Where to act: where its most telling sign was seen.
        fit: How well its signs are met, 0..1.
        score: Fit times the belief in the accused entity for which it fits.
        signs: Its conditions under all and any, those that are met first.
    """

    runbook: Runbook
    entity: str
    fit: float
    score: float
    signs: tuple[Sign, ...]


def advise(
    diagnosis: Diagnosis,
    window: Window,
    folder: Path | None = None,
    intervene: Intervene | None = None,
) -> Diagnosis:
    """Return ``diagnosis`` with what to do; what of the catalogue is broken is among its missing.

    Args:
        diagnosis: With its causes and the effects of their repair.
        window: What was seen.
        folder: The site's own runbooks.
        intervene: Judges the effect of a repair on a signal that is not among the causes; None
            leaves it to the causes.
    """
    if not diagnosis.root_causes:
        return diagnosis
    known = catalogue(folder)
    broken = tuple(f"A runbook was left out: {problem.what}." for problem in known.problems)
    found = guidance(facts_of(diagnosis, window), known)
    if intervene:
        judged = partial(_expected_effect, diagnosis, window, known, intervene)
        found = tuple(replace(one, effect=judged(one)) for one in found)
    return replace(diagnosis, guidance=found, missing=(*diagnosis.missing, *broken))


def remembered(diagnosis: Diagnosis, tried: Iterable[Tried]) -> Diagnosis:
    """Return ``diagnosis`` whose guidance says how often it worked here.

    Args:
        diagnosis: With its guidance.
        tried: What operators recorded, of any runbook.
    """
    known = tuple(tried)
    found = tuple(
        replace(one, tried=tuple(record for record in known if record.runbook == one.runbook))
        for one in diagnosis.guidance
    )
    return replace(diagnosis, guidance=found)


def advise_on_prediction(
    prediction: Prediction, folder: Path | None = None
) -> tuple[Guidance, ...]:
    """Return what to do about a failure that is expected, best first.

    Args:
        prediction: With its evidence.
        folder: The site's own runbooks.
    """
    return guidance(facts_of_prediction(prediction), catalogue(folder))


def guidance(facts: Facts, known: Catalogue) -> tuple[Guidance, ...]:
    """Return what to do, best first; empty where no runbook fits."""
    return tuple(_guidance(match, facts) for match in select(facts, known.runbooks.values()))


def select(facts: Facts, runbooks: Iterable[Runbook]) -> tuple[Match, ...]:
    """Return the runbooks that fit, best first, each for the entity that it fits best.

    Among equals the least risky comes first.
    """
    by_kind = _by_kind(facts.signals)
    best = []
    for runbook in runbooks:
        fitting = [
            match
            for entity, belief in facts.accused
            if (match := _match(runbook, entity, belief, facts, by_kind))
        ]
        best += [max(fitting, key=lambda match: match.score)] if fitting else []
    best.sort(key=lambda found: (-found.score, RISKS[found.runbook.risk], found.runbook.id))
    least = max(LEAST_SCORE, FAR_BEHIND * best[0].score) if best else LEAST_SCORE
    return tuple(match for match in best[:MOST] if match.score >= least)


def _match(
    runbook: Runbook, entity: str, belief: float, facts: Facts, by_kind: ByKind
) -> Match | None:
    """Return how ``runbook`` fits ``entity``; None where it does not."""
    applies = runbook.applies_when

    def held(conditions: Iterable[Condition]) -> list[tuple[Condition, Fact | None]]:
        return [(one, _meets(one, entity, facts, by_kind)) for one in conditions]

    required, helpful = held(applies.all), held(applies.any)
    if any(fact is None for _, fact in required):
        return None
    if any(fact is not None for _, fact in held(applies.none)):
        return None
    met = [(one, fact) for one, fact in (*required, *helpful) if fact is not None]
    # What meets two conditions is still one witness, and told by the more telling of them.
    best: dict[Node, Condition] = {}
    for condition, fact in met:
        known = best.setdefault(fact.node, condition)
        if TELLS[condition.sign] > TELLS[known.sign]:
            best[fact.node] = condition
    tells = {node: TELLS[condition.sign] for node, condition in best.items()}
    fit = 1 - prod(1 - telling for telling in tells.values())
    if fit < LEAST_FIT:
        return None
    place = max(tells, key=lambda node: (tells[node], node.entity == entity)).entity
    lacking = [Sign(str(one)) for one, fact in helpful if fact is None]
    signs = (*(Sign(str(one), node) for node, one in best.items()), *lacking)
    return Match(runbook, place, fit, fit * belief, signs)


def _meets(condition: Condition, entity: str, facts: Facts, by_kind: ByKind) -> Fact | None:
    """Return the first fact that meets ``condition``; None where none does."""
    for kind in condition.kinds:
        for fact in by_kind.get(kind, ()):
            if _is_at(condition, entity, fact, facts) and _is_as(condition, fact):
                return fact
    return None


def _is_at(condition: Condition, entity: str, fact: Fact, facts: Facts) -> bool:
    if condition.at == "symptom":
        return facts.symptom is not None and fact.node.entity == facts.symptom.entity
    if condition.at == "anywhere":
        return True
    return (fact.node.entity == entity) == (condition.at == "here")


def _is_as(condition: Condition, fact: Fact) -> bool:
    """Return whether ``fact`` shows what is asked; an unknown direction may be either."""
    if condition.direction and fact.direction not in (condition.direction, None):
        return False
    if condition.words and not any(f" {word} " in fact.words for word in condition.words):
        return False
    if condition.tier and fact.kind.tier != condition.tier:
        return False
    return condition.verdict in (None, fact.verdict)


def _by_kind(signals: Iterable[Fact]) -> ByKind:
    found: dict[str, tuple[Fact, ...]] = {}
    for fact in signals:
        found[fact.kind.name] = (*found.get(fact.kind.name, ()), fact)
    return found


def _guidance(match: Match, facts: Facts) -> Guidance:
    runbook = match.runbook
    return Guidance(
        facts.subject,
        f"{runbook.title}.",
        runbook.id,
        _urgency(runbook, facts),
        match.entity,
        match.score,
        runbook.risk,
        match.signs,
        runbook.checks,
        runbook.steps,
        runbook.reversibility,
        str(runbook.effect),
        _effect(match, facts),
        runbook.escalate_when,
        runbook.references,
        tuple(
            printable(text, QUOTED) for entity, text in facts.vendor if entity in ("", match.entity)
        ),
    )


def _urgency(runbook: Runbook, facts: Facts) -> Urgency:
    """Return whom it may disturb: what is uncalibrated pages nobody."""
    return "ticket" if runbook.urgency == "page" and not facts.calibrated else runbook.urgency


def _effect(match: Match, facts: Facts) -> Intervention | None:
    """Return the effect of repairing this entity, first that of a signal the runbook rests on."""
    nodes = {sign.seen for sign in match.signs}
    of_entity = [e for e in facts.interventions if e.cause.entity == match.entity]
    of_entity.sort(key=lambda effect: (effect.share is None, effect.cause not in nodes))
    return of_entity[0] if of_entity else None


def _expected_effect(
    diagnosis: Diagnosis, window: Window, known: Catalogue, intervene: Intervene, one: Guidance
) -> Intervention | None:
    """Return what it does to the symptom if the signal that the repair is to change gets normal.

    That signal is of the kind which the runbook expects to answer, on the entity to be repaired.
    Where the tested graph has none, the effect of the accused signal stands.
    """
    kinds = {signal.node: signal.kind.name for signal in window.signals}
    answering = [
        RootCause(node.entity, node.signal, 0.0)
        for node in diagnosis.graph.nodes
        if node.entity == one.entity
        and node != diagnosis.symptom
        and kinds.get(node) == known.runbooks[one.runbook].effect.kind
    ]
    if not answering or diagnosis.symptom is None:
        return one.effect
    effects = intervene(diagnosis.graph, window, tuple(answering), diagnosis.symptom)
    return min(effects, key=lambda effect: effect.share is None)
