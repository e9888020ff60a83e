"""What operators said of answers, as judgements of claims that a model can learn from.

Of an answer that was right, its first cause did lie behind the symptom; of one that was wrong it
did not, and what really did, where somebody said it, did. A repair that worked says the same of
what was repaired. Only kinds of signals get through, never a name or a note.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from diagnose.guidance.facts import kind_of
from diagnose.records import Feedback, Outcome, Repair
from diagnose.schema import Diagnosis, Kind, Node
from models.policy.judgements import About, ClaimJudgement, Verdict

REPAIRED: Final[dict[Outcome, Verdict]] = {"worked": "accepted", "failed": "rejected"}


def judgements_of(
    diagnosis: Diagnosis, feedback: Iterable[Feedback], repairs: Iterable[Repair]
) -> Iterator[ClaimJudgement]:
    """Yield what follows from what was said and done about one incident.

    Args:
        diagnosis: The answer that it was about.
        feedback: Whether its first cause was right.
        repairs: What was repaired, and whether the fault was gone by it.
    """
    if not diagnosis.root_causes:
        return
    first = diagnosis.root_causes[0].node
    for said in feedback:
        if said.verdict == "right":
            yield from _judged("cause", first, diagnosis, "accepted")
        elif said.verdict == "wrong":
            yield from _judged("cause", first, diagnosis, "rejected")
            if said.entity and said.signal:
                yield from _judged("cause", Node(said.entity, said.signal), diagnosis, "accepted")
    for done in repairs:
        there = [cause.node for cause in diagnosis.root_causes if cause.entity == done.entity]
        if done.outcome in REPAIRED and there:
            yield from _judged("repair", there[0], diagnosis, REPAIRED[done.outcome])


def _judged(
    about: About, cause: Node, diagnosis: Diagnosis, verdict: Verdict
) -> Iterator[ClaimJudgement]:
    """Yield the judgement, unless one of the two is of no known kind or both are of one."""
    if diagnosis.symptom is None:
        return
    one, other = kind_of(cause), kind_of(diagnosis.symptom)
    if _known(one) and _known(other) and one.name != other.name:
        yield ClaimJudgement(about, one, other, verdict, incident=diagnosis.incident)


def _known(kind: Kind) -> bool:
    return kind.tier != "unknown"
