"""A short brief: facts that a language model reworded, each sentence with what it rests on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact that a brief may cite: kinds, numbers and texts of the catalogue, no sender's word.

    Attributes:
        id: By which it is cited: "e1", or a step of a runbook as in "fan-failed#replace".
        text: The fact in plain words; entities are called "machine A", "machine B".
        is_action: Whether it is a step, selected by code.
    """

    id: str
    text: str
    is_action: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a language model wrote.

    Attributes:
        text: One sentence.
        evidence: Identifiers of what it rests on.
        action: Identifier of the step that it names; "" where it names none.
    """

    text: str
    evidence: tuple[str, ...]
    action: str = ""


@dataclass(frozen=True, slots=True)
class Brief:
    """What is left of a brief after its check.

    Attributes:
        sentences: Those that survived, with the entities' own names; empty where too few did, and
            the plain words of the diagnosis stand alone.
        evidence: What they cite.
        dropped: Sentences that did not survive.
        sent: What left the site to have it written; empty where nothing did.
    """

    sentences: tuple[Sentence, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    dropped: int = 0
    sent: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a sentence that cites nothing, or what is not there."""
        known = {one.id for one in self.evidence}
        for sentence in self.sentences:
            if not sentence.evidence or not set(sentence.evidence) <= known:
                raise ValueError(f"a sentence cites {sentence.evidence}, of {sorted(known)}")
