"""What to do: the runbook that fits, why it fits, and its steps in order."""

from dataclasses import dataclass
from typing import Literal

from diagnose.schema.checks import share
from diagnose.schema.claim import Intervention
from diagnose.schema.telemetry import Node

Risk = Literal["low", "medium", "high"]
Urgency = Literal["page", "ticket", "watch"]


@dataclass(frozen=True, slots=True)
class Sign:
    """A condition of a runbook, and what met it.

    Attributes:
        condition: In words of the fixed vocabulary.
        seen: The signal that meets it; None where none does, which speaks against the runbook.
    """

    condition: str
    seen: Node | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A command that changes nothing, to be run before anything is repaired.

    Attributes:
        command: For a shell; names in <angle brackets> are the reader's to fill in.
        confirms: What it shows where the runbook is right.
        refutes: What it shows where the runbook is wrong.
    """

    command: str
    confirms: str
    refutes: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a repair; nothing ever takes it by itself.

    Attributes:
        id: Its name within the runbook.
        action: What to do, in the imperative.
        command: How; "" where no command does it.
        danger: What it may break; "" where it breaks nothing.
        repairs: Whether it brings about what the runbook is expected to do by itself, and not only
            looks, makes room or prevents the next time.
    """

    id: str
    action: str
    command: str = ""
    danger: str = ""
    repairs: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """How often a repair worked here, by what operators recorded.

    Attributes:
        runbook: Identifier of the runbook.
        step: Identifier of its step; "" for the whole.
        worked: Times that the fault was gone by it.
        times: Times that it was tried and somebody knew the outcome.
    """

    runbook: str
    step: str
    worked: int
    times: int

    def __post_init__(self) -> None:
        """Refuse a record that cannot be."""
        if not 0 <= self.worked <= self.times:
            raise ValueError(f"{self.worked} of {self.times} times is no record")


@dataclass(frozen=True, slots=True)
class Guidance:
    """What to do about a diagnosis or a prediction.

    Attributes:
        subject: The incident, or the entity that will fail.
        action: One sentence in the imperative.
        runbook: Identifier of the runbook; ``fan-failed#replace`` names one of its steps.
        urgency: Whom it may disturb.
        entity: Where to act.
        score: Belief in the entity times how well the runbook fits, 0..1.
        risk: What may go wrong when the steps are followed with care.
        signs: The runbook's conditions, those that are met first.
        checks: What confirms or refutes it before anything is changed.
        steps: Least risky first.
        reversibility: How to undo it.
        expected: What the repair should do to which signal, and within what time.
        effect: What the data say about such a repair, an interval or the reason why there is none;
            None where the tested graph holds no signal that it would change.
        escalate_when: When to call somebody else.
        references: Where more is written.
        vendor: What the hardware's own event or the alert says to do, quoted and not judged.
        tried: How often it, and its steps, worked here; empty where nobody recorded any outcome.
    """

    subject: str
    action: str
    runbook: str
    urgency: Urgency
    entity: str
    score: float = 0.0
    risk: Risk = "low"
    signs: tuple[Sign, ...] = ()
    checks: tuple[Check, ...] = ()
    steps: tuple[Step, ...] = ()
    reversibility: str = ""
    expected: str = ""
    effect: Intervention | None = None
    escalate_when: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    vendor: tuple[str, ...] = ()
    tried: tuple[Tried, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a score that is none."""
        share("score", self.score)
