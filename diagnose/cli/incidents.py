"""``aitia incidents``: what was asked and answered before."""

from typing import Annotated

import typer

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
