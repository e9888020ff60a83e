"""What to do, as the runbooks that fit say it: how to make sure, the steps, and the way back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from diagnose.page.tables import Rung, intervention
from diagnose.page.text import visible
from diagnose.schema import Check, Diagnosis, Guidance, Intervention, Step, Tried
from diagnose.wording import counted, percent

PROPOSALS: Final = 3  # runbooks that are shown
LINES: Final = 12  # checks, steps or conditions of one
LONGEST: Final = 600  # characters of a command or a sentence


@dataclass(frozen=True, slots=True)
class Try:
    """A command that makes sure, or a step: what to do, how, and what to know beforehand."""

    action: str
    command: str
    notes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """One runbook that fits, and why."""

    entity: str
    action: str
    facts: str
    checks: tuple[Try, ...]
    steps: tuple[Try, ...]
    notes: tuple[tuple[str, str], ...]


def advice_of(diagnosis: Diagnosis) -> tuple[Advice, ...]:
    """Return what to do, best first; empty where no runbook fits."""
    return tuple(_advice(guidance) for guidance in diagnosis.guidance[:PROPOSALS])


def _advice(guidance: Guidance) -> Advice:
    facts = (guidance.runbook, f"risk {guidance.risk}", guidance.urgency, percent(guidance.score))
    return Advice(
        _text(guidance.entity),
        _text(guidance.action),
        _text(" · ".join(facts)),
        tuple(_check(check) for check in guidance.checks[:LINES]),
        tuple(_step(step, guidance) for step in guidance.steps[:LINES]),
        tuple(_notes(guidance)),
    )


def _check(check: Check) -> Try:
    notes = (("confirmed by", _text(check.confirms)), ("refuted by", _text(check.refutes)))
    return Try("", _text(check.command), notes)


def _step(step: Step, guidance: Guidance) -> Try:
    told = [
        ("danger", step.danger),
        ("by the data", _effect(guidance.effect) if step.repairs else ""),
        ("here", _worked(record for record in guidance.tried if record.step == step.id)),
    ]
    notes = tuple((word, _text(text)) for word, text in told if text)
    return Try(_text(step.action), _text(step.command), notes)


def _effect(effect: Intervention | None) -> str:
    """Return what the data say of a repair; the reason why they say nothing stands elsewhere."""
    return intervention(effect).answer if effect and effect.share is not None else "cannot be told"


def _worked(tried: Iterable[Tried]) -> str:
    """Return how often something worked, by what was recorded; "" where nothing was."""
    records = list(tried)
    times = sum(record.times for record in records)
    return f"worked {sum(r.worked for r in records)} of {counted(times, 'time')}" if times else ""


def _notes(guidance: Guidance) -> list[tuple[str, str]]:
    """Return what to expect, how to undo it, when to call for help, and why it fits."""
    signs = guidance.signs[:LINES]
    met = [f"{visible(sign.condition)} ({visible(str(sign.seen))})" for sign in signs if sign.seen]
    lacking = [visible(sign.condition) for sign in signs if not sign.seen]
    effect = intervention(guidance.effect) if guidance.effect else Rung("", "")
    told = [
        ("Expected", guidance.expected),
        ("By the data", effect.answer or effect.refused),
        ("Here", _worked(guidance.tried)),
        ("Undo", guidance.reversibility),
        ("Call for help when", " ".join(guidance.escalate_when)),
        ("The sender says", " ".join(guidance.vendor)),
        ("More", ", ".join(guidance.references)),
    ]
    why = [("It fits because of", "; ".join(met)), ("Not seen", "; ".join(lacking))]
    return [*((word, _text(text)) for word, text in told if text), *(w for w in why if w[1])]


def _text(text: str) -> str:
    return visible(text, LONGEST)
