"""``aitia explain``: why one incident happened."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, Proposer, extra, opened_store, settings
from diagnose.cli.terminal import complain, waiting
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.bundle import Bundle
    from diagnose.config import Settings
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

    if (at is None) != (entity is None):
        raise typer.BadParameter("--at and --entity come together")
    if sum(given is not None for given in (bundle, alert, at)) != 1:
        raise typer.BadParameter("give one of BUNDLE, --alert NAME, and --at TIME with --entity")
    if bundle is not None:
        incident = _recorded(bundle, as_of)
    elif alert is not None:
        incident = _live(alert, chosen, as_of or datetime.now(UTC))
    else:
        incident = _kept(str(entity), at or datetime.now(UTC), chosen, as_of or datetime.now(UTC))
    with waiting(f"explaining {incident.id}"):
        diagnosis, window = _explained(incident, chosen)
        diagnosis = _stored(diagnosis, incident, chosen)
    show_diagnosis(diagnosis, output)
    if report:
        _reported(report, diagnosis, window, incident)
    if diagnosis.root_causes:
        raise typer.Exit(1)


def _recorded(bundle: Path, as_of: datetime | None) -> "Bundle":
    """Return the incident in a folder."""
    with extra():
        from diagnose.bundle import read_bundle

    return read_bundle(bundle, as_of)


def _live(alert: str, settings: "Settings", as_of: datetime) -> "Bundle":
    """Return the incident of which a live alert tells."""
    with extra():
        from diagnose.live import incident_of

    with waiting(f"reading what is around {alert}"):
        return incident_of(alert, settings, as_of)


def _kept(entity: str, at: datetime, settings: "Settings", as_of: datetime) -> "Bundle":
    """Return what is kept of an entity and a moment."""
    with extra():
        from diagnose.kept import incident_at, opened
        from diagnose.topology import read_topology

    site = read_topology(settings.explain.topology)
    with waiting(f"reading what is around {entity}"), opened(settings.telemetry) as reader:
        return incident_at(reader, entity, at, site, as_of)


def _explained(bundle: "Bundle", settings: "Settings") -> "tuple[Diagnosis, Window]":
    """Return why ``bundle`` happened, and what that was found in."""
    with extra():
        from diagnose import pipeline
        from diagnose.compose import compose, limits
        from diagnose.topology import read_topology
        from diagnose.window import make_window

    site = read_topology(settings.explain.topology)
    window = make_window(bundle, limits(settings), site)
    roles = compose(settings)
    return pipeline.explain(bundle.id, window, roles, bundle.symptom), window


def _reported(path: Path, diagnosis: "Diagnosis", window: "Window", bundle: "Bundle") -> None:
    """Write the answer as a page."""
    with extra():
        from diagnose.page.page import render, write

    write(path, render(diagnosis, window, bundle.logs))


def _stored(diagnosis: "Diagnosis", bundle: "Bundle", settings: "Settings") -> "Diagnosis":
    """Return ``diagnosis`` under the id by which the state database knows its incident."""
    fingerprint = f"{bundle.source}\0{bundle.id}\0{bundle.alert_time.isoformat()}"
    try:
        with opened_store(settings) as store:
            times = (bundle.alert_time, bundle.as_of)
            incident = store.incident_for("bundle", fingerprint, *times, diagnosis.symptom)
            guidance = tuple(replace(one, subject=incident) for one in diagnosis.guidance)
            diagnosis = replace(diagnosis, incident=incident, guidance=guidance)
            store.save(diagnosis)
    except Failure as failure:
        # A full disk may be the very incident: the answer comes first.
        complain("warning", f"the answer was not stored: {failure}")
    return diagnosis
