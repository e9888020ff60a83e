"""Guidance in plain sentences: what to do, why that, how to make sure, what it should change."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from diagnose.schema import Anomaly, Diagnosis, Guidance, Intervention, Node, Tried
from diagnose.wording import counted, percent, printable, quantity

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
        f"{_worked(first.tried)}"
    )
    accused = diagnosis.root_causes[0].entity
    if first.entity != accused:
        yield (
            f"That is not {printable(accused)}, the likeliest cause by the numbers: a runbook also "
            "counts for how well its signs fit. Make sure before you repair."
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
        foretold = f" {_foretold(first.effect, diagnosis, units)}" if step.repairs else ""
        worked = _worked(record for record in first.tried if record.step == step.id)
        yield f"{number}. {step.action}{how}{danger}{foretold}{worked}"
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


def _worked(tried: Iterable[Tried]) -> str:
    """Return how often something worked here, after a blank; "" where nobody recorded it."""
    records = list(tried)
    times = sum(record.times for record in records)
    if not times:
        return ""
    worked = sum(record.worked for record in records)
    return f" Worked {worked} of {counted(times, 'time')} here."


def _foretold(effect: Intervention | None, diagnosis: Diagnosis, units: Mapping[Node, str]) -> str:
    """Return the effect of one step in short; the reason why there is none comes once, later."""
    if effect is None or effect.share is None:
        return "Its effect cannot be told from these data."
    name, told = _left(effect, diagnosis, units)
    between = f" ({told[1]} to {told[2]})" if len(told) == 3 else ""
    return f"Foretold: {name} {told[0]}{between}."


def _effect(effect: Intervention | None, diagnosis: Diagnosis, units: Mapping[Node, str]) -> str:
    """Return what the data say about the repair: an interval, or why there is none."""
    if effect is None:
        return (
            "What it would do to the symptom cannot be told from these data: the tested graph "
            "holds no signal that it would change."
        )
    if effect.share is None:
        why = printable(effect.refused or "", SENTENCE)
        return f"What it would do to the symptom cannot be told from these data: {why}."
    name, told = _left(effect, diagnosis, units)
    between = f" (90 % interval {told[1]} to {told[2]})" if len(told) == 3 else ""
    symptom = _seen(diagnosis)
    if symptom:
        was = quantity(symptom.observed, units.get(symptom.node, ""))
        return f"By the data, {name} would be {told[0]}{between} and not {was}."
    return f"By the data it would remove {told[0]} of the symptom's deviation{between}."


def _left(
    effect: Intervention, diagnosis: Diagnosis, units: Mapping[Node, str]
) -> tuple[str, list[str]]:
    """Return what would change, and what it would show: as expected, and the interval if known."""
    shares = [share for share in (effect.share, effect.low, effect.high) if share is not None]
    symptom = _seen(diagnosis)
    if symptom is None:
        return "of the symptom's deviation removed", [f"{100 * share:.0f} %" for share in shares]
    excess = symptom.observed - symptom.normal
    first, *others = (symptom.observed - share * excess for share in shares)
    unit = units.get(symptom.node, "")
    return printable(str(symptom.node)), [quantity(x, unit) for x in (first, *sorted(others))]


def _seen(diagnosis: Diagnosis) -> Anomaly | None:
    return next((a for a in diagnosis.anomalies if a.node == diagnosis.symptom), None)


def _no_runbook(diagnosis: Diagnosis) -> Iterator[str]:
    suspect = diagnosis.root_causes[0].entity
    own = [c.node for c in diagnosis.root_causes if c.entity == suspect][:LOOKED_AT]
    named = ", ".join(printable(str(node)) for node in own)
    yield f"No runbook fits what was seen, and none is forced. Look first at {named}."
    yield f"Then at what changed on {printable(suspect)} before it began, and at its own log."
