"""``aitia explain``: why one incident happened."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, Proposer, extra, settings
from diagnose.cli.terminal import complain, waiting
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.config import Settings
    from diagnose.incident.bundle import Bundle
    from diagnose.question import Question
    from diagnose.schema import Diagnosis, Window


def moment(text: str) -> datetime:
    """Return a moment that the command line names.

    Raises:
        typer.BadParameter: it is none, or could be meant in any time zone.
    """
    form = "write ISO 8601 with its zone, for example 2026-01-31T03:05:00Z"
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise typer.BadParameter(form)
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(form) from error


def explain(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="[BUNDLE]", help="Folder of the incident.")
    ] = None,
    alert: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Alert that fires, by its name or fingerprint, in place of BUNDLE."
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="When a symptom was noticed, in place of BUNDLE; needs --entity.",
        ),
    ] = None,
    entity: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose symptom that was.")
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            parser=moment, metavar="TIME", help="Moment of asking; nothing later is read."
        ),
    ] = None,
    proposer: Proposer = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write the answer as a page to mail or keep, too."),
    ] = None,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Explain why an incident happened, and how sure that is."""
    chosen = settings(config, proposer)
    with extra():
        from diagnose.cli.report import show_diagnosis
        from diagnose.question import Question

    if (at is None) != (entity is None):
        raise typer.BadParameter("--at and --entity come together")
    if sum(given is not None for given in (bundle, alert, at)) != 1:
        raise typer.BadParameter("give one of BUNDLE, --alert NAME, and --at TIME with --entity")
    question = Question(bundle, alert, at, entity, as_of)
    diagnosis = None if report else _asked(question, chosen)  # a page shows more than the answer
    if diagnosis is not None:
        show_diagnosis(diagnosis, output)
    else:
        diagnosis, window, incident = _found(question, chosen)
        show_diagnosis(diagnosis, output)  # first: that a page cannot be written costs no answer
        if report:
            _reported(report, diagnosis, window, incident)
    if diagnosis.root_causes:
        raise typer.Exit(1)


def _asked(question: "Question", settings: "Settings") -> "Diagnosis | None":
    """Return what the daemon answers, None where it does not: then we find out here."""
    from diagnose.daemon.client import NotAnswered, explained

    try:
        with waiting(f"asking the daemon about {question}"):
            answer = explained(question, settings)
    except NotAnswered as error:
        complain("info", f"the daemon at {settings.daemon.socket} gave no answer: {error}")
        return None
    if answer and answer.warning:
        complain("warning", answer.warning)
    return answer.diagnosis if answer else None


def _found(question: "Question", settings: "Settings") -> "tuple[Diagnosis, Window, Bundle]":
    """Return why it happened, what that was found in, and the incident."""
    with extra():
        from diagnose.question import answer, incident_of, stored

        with waiting(f"reading what is around {question}"):
            incident = incident_of(question, settings)
        from diagnose.compose import compose

        with waiting(f"explaining {incident.id}"):
            diagnosis, window = answer(incident, settings, compose(settings))
            try:
                diagnosis = stored(diagnosis, incident, question, settings)
            except Failure as failure:
                # A full disk may be the very incident: the answer comes first.
                complain("warning", f"the answer was not stored: {failure}")
    return diagnosis, window, incident


def _reported(path: Path, diagnosis: "Diagnosis", window: "Window", bundle: "Bundle") -> None:
    """Write the answer as a page."""
    with extra():
        from diagnose.page.page import render, write

    write(path, render(diagnosis, window, bundle.logs))
