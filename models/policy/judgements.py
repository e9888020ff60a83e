"""What operators said of single claims, as lines of JSON: the format that tuning learns from.

One judgement a line:

    {"about": "edge", "cause": "backup", "effect": "disk io latency", "verdict": "accepted"}
    {"about": "edge", "cause": "error rate", "effect": "cpu utilization", "verdict": "rejected",
     "instead": "reversed", "incident": "inc-7f3a2c"}

(on one line each), where

- ``about``: "edge", that the cause acts directly on the effect; "cause", that it lay behind the
  effect in some incident, directly or not; "repair", that repairing it made the effect normal;
- ``cause``, ``effect``: names of the fixed vocabulary of kinds, so that no text of telemetry
  gets in;
- ``verdict``: "accepted" or "rejected";
- ``instead``: of a rejected edge, what is so in its place: "reversed" or "none"; optional;
- ``incident``: which one it was said about; optional.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast, get_args

from diagnose.schema import Failure, Kind
from models.kinds import canonical

About = Literal["edge", "cause", "repair"]
Verdict = Literal["accepted", "rejected"]
Instead = Literal["reversed", "none"]

FIELDS: Final = {"about", "cause", "effect", "verdict", "instead", "incident"}


@dataclass(frozen=True, slots=True)
class ClaimJudgement:
    """One claim, and what somebody who knows the system said of it.

    Attributes:
        about: Which sort of claim.
        cause: What was said to act.
        effect: On what.
        verdict: Whether that is so.
        instead: Of a rejected edge, what is so; None where nobody said.
        incident: Which incident it was said about; "" for none.

    Raises:
        ValueError: ``instead`` is given for something else than a rejected edge, or a kind is said
            to act on its own kind.
    """

    about: About
    cause: Kind
    effect: Kind
    verdict: Verdict
    instead: Instead | None = None
    incident: str = ""

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        if self.instead and (self.about, self.verdict) != ("edge", "rejected"):
            raise ValueError("'instead' belongs to a rejected edge")
        if self.cause.name == self.effect.name:
            raise ValueError(f"{self.cause.name!r} is both cause and effect")

    def line(self) -> str:
        """Return the judgement as a line of the format, without the line's end."""
        fields = {
            "about": self.about,
            "cause": self.cause.name,
            "effect": self.effect.name,
            "verdict": self.verdict,
            "instead": self.instead,
            "incident": self.incident,
        }
        return json.dumps({name: value for name, value in fields.items() if value})


def read_judgements(file: Path) -> list[ClaimJudgement]:
    """Return the judgements in ``file``; empty lines are skipped.

    Raises:
        Failure: it cannot be read, or a line is no judgement; the line and the field are named.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}", "give a file of judgements") from error
    return list(_read(file, text))


def _read(file: Path, text: str) -> Iterator[ClaimJudgement]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield _judgement(json.loads(line))
        except ValueError as error:  # also what json raises
            way_out = "see models/policy/judgements.py for the format"
            raise Failure(f"{file}, line {number}: {error}", way_out) from error


def _judgement(fields: object) -> ClaimJudgement:
    """Return what one line says.

    Raises:
        ValueError: it is no judgement.
    """
    if not isinstance(fields, dict):
        raise ValueError("a judgement is a JSON object")
    if unknown := sorted(fields.keys() - FIELDS):
        raise ValueError(f"there is no field {unknown[0]!r}")
    incident = fields.get("incident", "")
    if not isinstance(incident, str):
        raise ValueError("'incident' is a text")
    return ClaimJudgement(
        cast(About, _one_of(fields, "about", get_args(About))),
        _kind(fields, "cause"),
        _kind(fields, "effect"),
        cast(Verdict, _one_of(fields, "verdict", get_args(Verdict))),
        cast(Instead, _one_of(fields, "instead", get_args(Instead)))
        if fields.get("instead") is not None
        else None,
        incident,
    )


def _one_of(fields: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = fields.get(name)
    if value not in allowed:
        raise ValueError(f"{name!r} is one of {', '.join(allowed)}, and not {value!r}")
    return str(value)


def _kind(fields: Mapping[str, Any], name: str) -> Kind:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is the name of a kind of signal")
    try:
        return canonical(Kind(value))
    except ValueError as error:
        raise ValueError(f"{name!r}: no kind of signal is called {value!r}") from error
