"""What the state database keeps beside the types that flow, as the store returns it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from diagnose.schema import Node

Status = Literal["open", "answered", "abstained"]
Judgement = Literal["right", "wrong", "unsure"]
Outcome = Literal["worked", "failed", "unclear"]
Asked = Literal["bundle", "alert", "at"]


@dataclass(frozen=True, slots=True)
class Incident:
    """What an operator sees as one event.

    Attributes:
        id: Short enough to say on the phone, for example ``inc-7f3a2c``.
        source: How it was asked about first (``Asked``); ``scan`` where a scan found it.
        fingerprint: The source's key for it; a source tells of an incident more than once.
        alert_time: When somebody noticed.
        as_of: The moment of asking, of the first question.
        symptom: What was complained about; None where nobody named a signal.
        created_at: When it was stored.
        status: Whether it was answered, and whether the answer was that nothing is known.
    """

    id: str
    source: str
    fingerprint: str
    alert_time: datetime
    as_of: datetime
    symptom: Node | None
    created_at: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody said about the answer to an incident.

    Attributes:
        incident: Identifier of the incident.
        verdict: Whether the first root cause was right.
        entity: Where the fault really was, where that is known.
        signal: Which signal showed it, where that is known.
        note: Free words.
        author: Who said it.
    """

    incident: str
    verdict: Judgement
    entity: str | None = None
    signal: str | None = None
    note: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done about a fault.

    Attributes:
        entity: Where.
        at: When it was done; what the entity showed before says nothing of it any more.
        outcome: Whether the fault was gone by it; "unclear" counts neither way.
        runbook: Identifier of the runbook that was followed; "" where it was none.
        step: Identifier of the step that was taken; "" for the whole runbook.
        incident: Identifier of the incident that it was done about; None for a predicted failure.
        note: Free words.
    """

    entity: str
    at: datetime
    outcome: Outcome
    runbook: str = ""
    step: str = ""
    incident: str | None = None
    note: str = ""
