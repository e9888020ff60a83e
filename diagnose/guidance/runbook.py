"""A runbook: for which signals it is meant, how to make sure, and the steps of the repair.

The front matter of a Markdown file is checked against these types, so that a mistake in it is found
when the file is read and not in the night it is needed. Conditions speak the fixed vocabulary of
``models.kinds``: what a signal is, where it moved and in which direction. No condition reads a line
of a log; of a metric's name it may ask for words, which can only select among runbooks.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from diagnose.schema import Check, Risk, Step, Tier, Urgency, Verdict
from models.kinds import VOCABULARY
from models.vocabulary import TOPICS

Area = Literal[
    "hardware",
    "os",
    "storage",
    "network",
    "database",
    "cache",
    "queue",
    "web",
    "container",
    "security",
]
Direction = Literal["up", "down"]
Place = Literal["here", "elsewhere", "anywhere", "symptom"]
Severity = Literal["debug", "info", "warning", "error", "fatal"]
Telling = Literal["weak", "fair", "strong"]

KINDS: Final = frozenset(kind.name for kind in VOCABULARY)
LOG_TOPICS: Final = frozenset(topic for topic, *_ in TOPICS)
WORD: Final = re.compile(r"[a-z0-9]+( [a-z0-9]+)*")
SEVERE: Final[tuple[Severity, ...]] = ("warning", "error", "fatal")
PLACES: Final = {
    "here": "",
    "elsewhere": " elsewhere",
    "anywhere": " anywhere",
    "symptom": " at the symptom",
}
MOVES: Final = {"up": "rises", "down": "falls", None: "moves"}


def _several(value: object) -> object:
    """Return one text as a list of one."""
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[str, ...], BeforeValidator(_several)]
Line = Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(_Part):
    """What some signal has to show.

    Attributes:
        kind: Names of the vocabulary, of which the signal has one.
        log: Topics of log messages, in place of ``kind``.
        severity: Of such a message.
        direction: Where the signal moved; None for either way.
        words: Words of a metric's name, of which it has one.
        tier: How deep the signal lies.
        verdict: Of an edge by which the signal acts on another.
        at: On the entity to repair, on another one, on any, or on the symptom's.
        sign: How telling it is.
    """

    kind: Texts = ()
    log: Texts = ()
    severity: Annotated[tuple[Severity, ...], BeforeValidator(_several)] = SEVERE
    direction: Direction | None = None
    words: Texts = ()
    tier: Tier | None = None
    verdict: Verdict | None = None
    at: Place = "here"
    sign: Telling = "fair"

    @model_validator(mode="after")
    def speaks_the_vocabulary(self) -> Self:
        """Refuse what no signal can ever meet."""
        if bool(self.kind) == bool(self.log):
            raise ValueError("name a kind of signal or a topic of log messages, and not both")
        for name, given, known in (("kind", self.kind, KINDS), ("log", self.log, LOG_TOPICS)):
            if strange := [word for word in given if word not in known]:
                raise ValueError(f"{name} {strange[0]!r} is not of the vocabulary")
        if self.log and (self.words or self.direction):
            raise ValueError("a log message has no words and no direction here, only a topic")
        if strange := [word for word in self.words if not WORD.fullmatch(word)]:
            raise ValueError(f"words {strange[0]!r} is not lower-case letters and digits")
        return self

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the names of the kinds that meet it, log messages included."""
        return self.kind or tuple(
            f"{severity} log message about {topic}"
            for topic in self.log
            for severity in self.severity
        )

    def __str__(self) -> str:
        """Return it in words."""
        if self.log:
            said = f"{_or(self.severity)} log messages about {_or(self.log)}"
        elif all(kind.startswith(("change", "missing")) for kind in self.kind):
            said = _or(self.kind)
        else:
            said = f"{_or(self.kind)} {MOVES[self.direction]}"
        said += f", named {_or(self.words)}" if self.words else ""
        said += f", with a {self.verdict} edge" if self.verdict else ""
        said += f", in tier {self.tier}" if self.tier else ""
        return said + PLACES[self.at]


class AppliesWhen(_Part):
    """When a runbook fits.

    Attributes:
        all: What has to be seen.
        any: What speaks for it as well; each that is seen tells more.
        none: What must not be seen.
    """

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    @model_validator(mode="after")
    def asks_for_something(self) -> Self:
        """Refuse a runbook that would always fit."""
        if not self.all and not self.any:
            raise ValueError("name what has to be seen, under all or any")
        return self


class Expectation(_Part):
    """What a repair should do.

    Attributes:
        kind: Which signal should answer.
        direction: Where it should go.
        within: By when, for people.
    """

    kind: str
    direction: Direction
    within: Line

    @model_validator(mode="after")
    def speaks_the_vocabulary(self) -> Self:
        """Refuse a signal that nobody can watch."""
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not of the vocabulary")
        return self

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.kind} {MOVES[self.direction]} within {self.within}"


class Runbook(_Part):
    """One repair.

    Attributes:
        id: The file's name without its ending.
        fault: What is broken, a clause.
        title: What to do about it, one sentence in the imperative without a full stop.
        area: Which part of a site it is about.
        applies_when: For which signals it is meant.
        checks: What confirms or refutes it; none changes anything.
        steps: Least risky first.
        risk: What may go wrong when they are followed with care.
        reversibility: How to undo it.
        effect: What it should do.
        urgency: Whom it may disturb.
        escalate_when: When to call somebody else.
        references: Where more is written.
        background: The text below the front matter.
    """

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    fault: Line
    title: Line
    area: Area
    applies_when: AppliesWhen
    checks: tuple[Check, ...] = Field(min_length=1)
    steps: tuple[Step, ...] = Field(min_length=1)
    risk: Risk
    reversibility: Line
    effect: Expectation
    urgency: Urgency = "ticket"
    escalate_when: tuple[Line, ...] = Field(min_length=1)
    references: tuple[Line, ...] = ()
    background: str = ""

    @model_validator(mode="after")
    def names_each_step_once(self) -> Self:
        """Refuse two steps of one name, and a risk that no step admits."""
        names = [step.id for step in self.steps]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"two steps are called {min(twice)!r}")
        if self.risk != "low" and not any(step.danger for step in self.steps):
            raise ValueError(f"risk is {self.risk}, and no step names a danger")
        return self


def _or(words: Sequence[str]) -> str:
    """Return alternatives as one enumeration."""
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
