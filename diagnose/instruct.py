"""Guidance in plain sentences: what to do, why that, how to make sure, what it should change."""

from collections.abc import Iterator, Mapping
from typing import Final

from diagnose.schema import Diagnosis, Guidance, Intervention, Node
from diagnose.wording import percent, printable, quantity

SENTENCE: Final = 400  # characters that somebody else's sentence may have
LOOKED_AT: Final = 3  # signals that are named where no runbook fits


def instruct(diagnosis: Diagnosis, units: Mapping[Node, str]) -> Iterator[str]:
    """Yield what to do about ``diagnosis``; where no runbook fits, what to look at.

    Args:
        diagnosis: With its guidance, best first.
        units: Of the signals.
    """
    if not diagnosis.guidance:
        yield from _no_runbook(diagnosis)
        return
    first, *others = diagnosis.guidance
    yield (
        f"On {printable(first.entity)}: {first.action} (Runbook {first.runbook}, "
        f"risk {first.risk}, {first.urgency}; nothing is done by itself.)"
    )
    yield from _reasons(first)
    for check in first.checks:
        yield (
            f"Make sure first: {check.command} - confirmed by {check.confirms}; "
            f"refuted by {check.refutes}."
        )
    for number, step in enumerate(first.steps, start=1):
        how = f" {step.command}" if step.command else ""
        danger = f" DANGER: {step.danger}" if step.danger else ""
        yield f"{number}. {step.action}{how}{danger}"
    yield f"Expected: {first.expected}. {_effect(first.effect, diagnosis, units)}"
    yield f"Undo: {first.reversibility}"
    yield f"Call for help when: {' '.join(first.escalate_when)}"
    yield from (f"The sender says: {printable(text, SENTENCE)}" for text in first.vendor)
    if others:
        named = (
            f"{one.runbook} on {printable(one.entity)} ({percent(one.score)})" for one in others
        )
        yield f"Next, if that does not fit ({percent(first.score)}): {', '.join(named)}."


def _reasons(guidance: Guidance) -> Iterator[str]:
    met = [
        f"{sign.condition} ({printable(str(sign.seen))})" for sign in guidance.signs if sign.seen
    ]
    yield f"It fits because of: {'; '.join(met)}."
    lacking = [sign.condition for sign in guidance.signs if sign.seen is None]
    if lacking:
        yield f"Not seen, though it may be: {'; '.join(lacking)}."


def _effect(effect: Intervention | None, diagnosis: Diagnosis, units: Mapping[Node, str]) -> str:
    """Return what the data say about the repair: an interval, or why there is none."""
    if effect is None:
        return "What it would do to the symptom was not reckoned."
    if effect.share is None:
        why = printable(effect.refused or "", SENTENCE)
        return f"What it would do to the symptom cannot be estimated: {why}."
    shares = (effect.share, effect.low, effect.high)
    told = [f"{100 * share:.0f} %" for share in shares if share is not None]
    symptom = next((a for a in diagnosis.anomalies if a.node == diagnosis.symptom), None)
    if symptom:
        unit = units.get(symptom.node, "")
        excess = symptom.observed - symptom.normal
        left = sorted(symptom.observed - share * excess for share in shares if share is not None)
        told = [quantity(symptom.observed - effect.share * excess, unit)]
        told += [quantity(left[0], unit), quantity(left[-1], unit)] if len(left) == 3 else []
    between = f" (90 % interval {told[1]} to {told[2]})" if len(told) == 3 else ""
    if symptom:
        return (
            f"By the data, {printable(str(symptom.node))} would be {told[0]}{between} and not "
            f"{quantity(symptom.observed, units.get(symptom.node, ''))}."
        )
    return f"By the data it would remove {told[0]} of the symptom's deviation{between}."


def _no_runbook(diagnosis: Diagnosis) -> Iterator[str]:
    suspect = diagnosis.root_causes[0].entity
    own = [c.node for c in diagnosis.root_causes if c.entity == suspect][:LOOKED_AT]
    named = ", ".join(printable(str(node)) for node in own)
    yield f"No runbook fits what was seen, and none is forced. Look first at {named}."
    yield f"Then at what changed on {printable(suspect)} before it began, and at its own log."
