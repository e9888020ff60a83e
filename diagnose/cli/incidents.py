"""``aitia incidents``: what was asked and answered before."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from diagnose.cli.explain import moment
from diagnose.cli.feedback import feedback, judgements
from diagnose.cli.options import Config, Output, extra, opened_store, settings
from diagnose.cli.terminal import console, fill, table, write_json
from diagnose.failure import Failure

app = typer.Typer(help="Look up earlier incidents.", no_args_is_help=True)


@app.command("list")
def list_incidents(
    limit: Annotated[int, typer.Option(min=1, help="Newest incidents to list.")] = 20,
    output: Output = "table",
    config: Config = None,
) -> None:
    """List the newest incidents, newest first."""
    with opened_store(settings(config)) as store:
        found = store.incidents(limit)
    if output == "json":
        from pydantic import TypeAdapter

        from diagnose.records import Incident

        listed = TypeAdapter(tuple[Incident, ...])
        write_json(listed.dump_json(found, indent=2, ensure_ascii=True))
        return
    rows = [
        (
            incident.id,
            f"{incident.alert_time:%Y-%m-%d %H:%M:%S}",
            str(incident.symptom or "not named"),
            incident.status,
            incident.source,
        )
        for incident in found
    ]
    columns = ("incident", "alert (UTC)", "symptom", "status", "source")
    console().print(fill(table("", *columns), rows) if rows else "no incidents yet")


@app.command()
def show(
    incident: Annotated[str, typer.Argument(metavar="ID", help="For example inc-7f3a2c.")],
    output: Output = "table",
    config: Config = None,
) -> None:
    """Show the newest answer to an incident, as 'aitia explain' did."""
    with opened_store(settings(config)) as store:
        diagnosis = store.diagnosis(incident)
        known = store.incident(incident) is not None
    if diagnosis is None:
        why = "was not answered" if known else "is not known"
        raise Failure(f"incident {incident} {why}", "'aitia incidents list' shows which there are")
    with extra():
        from diagnose.cli.report import show_diagnosis
    show_diagnosis(diagnosis, output)


@app.command()
def repaired(
    incident: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="The incident; none for a failure that was predicted."),
    ] = None,
    outcome: Annotated[
        Literal["worked", "failed", "unclear"],
        typer.Option(help="Whether the fault was gone by it."),
    ] = "unclear",
    runbook: Annotated[
        str, typer.Option(metavar="ID[#STEP]", help="What was followed, e.g. fan-failed#replace.")
    ] = "",
    entity: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Where; by default where the incident's cause was seen."),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When; by default now."),
    ] = None,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Anything worth keeping.")] = "",
    config: Config = None,
) -> None:
    """Record what was done about a fault, and whether it worked; guidance counts it."""
    if incident is None and entity is None:
        raise typer.BadParameter("give ID or --entity")
    chosen = settings(config)
    with extra():
        from diagnose.records import Repair

    name, _, step = runbook.partition("#")
    if runbook:
        _refuse_unknown(name, step, chosen.guidance.runbooks)
    with opened_store(chosen) as store:
        place = entity
        if incident is not None and place is None:
            diagnosis = store.diagnosis(incident)
            if diagnosis is None or not diagnosis.root_causes:
                raise Failure(f"incident {incident} names no cause", "give --entity")
            of_runbook = [one.entity for one in diagnosis.guidance if one.runbook == name]
            place = (of_runbook or [diagnosis.root_causes[0].entity])[0]
        when = at or datetime.now(UTC)
        store.add_repair(Repair(place or "", when, outcome, name, step, incident, note))
    console().print(f"recorded for {place}: {runbook or 'a repair'} {outcome}")


app.command()(feedback)
app.command()(judgements)


def _refuse_unknown(runbook: str, step: str, folder: Path | None) -> None:
    """Raise Failure unless the catalogue has the runbook, and the runbook the step."""
    from difflib import get_close_matches

    from diagnose.guidance.catalogue import catalogue

    known = catalogue(folder).runbooks
    if runbook not in known:
        close = get_close_matches(runbook, known, 1)
        way_out = f"did you mean {close[0]}?" if close else "'aitia runbooks list' shows them"
        raise Failure(f"no runbook {runbook}", way_out)
    steps = [one.id for one in known[runbook].steps]
    if step and step not in steps:
        raise Failure(f"runbook {runbook} has no step {step}", f"it has {', '.join(steps)}")
