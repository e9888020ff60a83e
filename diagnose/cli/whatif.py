"""``aitia whatif``: what would follow if a signal were held at a value, or reach a goal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import Config, Output, Proposer, extra, opened_store, settings
from diagnose.cli.terminal import waiting
from diagnose.failure import Failure

if TYPE_CHECKING:
    from diagnose.config import Settings
    from diagnose.incident.bundle import Bundle
    from diagnose.schema import CausalGraph, Node, Window


def whatif(
    incident: Annotated[
        str, typer.Argument(metavar="INCIDENT", help="Folder of its bundle, or its id.")
    ],
    hold: Annotated[
        str | None,
        typer.Option(
            "--set",
            metavar="ENTITY/SIGNAL=VALUE",
            help="What would follow if this signal were held at this value, in its own unit.",
        ),
    ] = None,
    goal: Annotated[
        str | None,
        typer.Option(
            metavar="'ENTITY/SIGNAL<=VALUE'",
            help="Which smallest changes reach this; >= works as well.",
        ),
    ] = None,
    proposer: Proposer = None,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Say what would follow from a change; exits with 1 where it cannot be told or reached."""
    if (hold is None) == (goal is None):
        raise typer.BadParameter("give one of --set and --goal")
    chosen = settings(config, proposer)
    with extra():
        from diagnose.cli.whatif_report import show_plan, show_what_if
        from diagnose.goal import plan
        from diagnose.signal_name import goal_of, setting_of
        from diagnose.whatif import what_if

    with waiting(f"asking about {incident}"):
        name, graph, window, symptom = _explained(incident, chosen)
        nodes = [signal.node for signal in window.signals]
        units = {signal.node: signal.kind.unit for signal in window.signals}
        if hold is not None:
            setting = setting_of(hold, nodes, units)
            answer = what_if(name, graph, window, symptom, setting)
        else:
            wanted = goal_of(goal or "", nodes, units)
            ways = plan(name, graph, window, symptom, wanted)
    if hold is not None:
        show_what_if(answer, output)
        refused = answer.refused
    else:
        show_plan(ways, output)
        refused = ways.refused
    if refused:
        raise typer.Exit(1)


def _explained(incident: str, settings: "Settings") -> "tuple[str, CausalGraph, Window, Node]":
    """Return an incident's name, its tested graph, its signals and its symptom."""
    with extra():
        from diagnose import pipeline
        from diagnose.compose import compose, limits
        from diagnose.incident.window import make_window
        from diagnose.topology import read_topology

    folder = Path(incident)
    bundle = _recorded(folder) if folder.is_dir() else _kept(incident, settings)
    window = make_window(bundle, limits(settings), read_topology(settings.explain.topology))
    diagnosis = pipeline.explain(bundle.id, window, compose(settings), bundle.symptom)
    if diagnosis.symptom is None:
        what = f"nothing is anomalous in {incident}, so there is no graph to ask"
        raise Failure(what, "'aitia explain' tells what was seen")
    return incident if folder.is_dir() else bundle.id, diagnosis.graph, window, diagnosis.symptom


def _recorded(folder: Path) -> "Bundle":
    """Return the incident in a folder."""
    with extra():
        from diagnose.incident.bundle import read_bundle

    return read_bundle(folder)


def _kept(incident: str, settings: "Settings") -> "Bundle":
    """Return an incident that was explained before, read again from the telemetry kept here.

    Raises:
        Failure: there is none of this id, or nothing was kept of it.
    """
    from dataclasses import replace

    with opened_store(settings) as store:
        known = store.incident(incident)
    if known is None:
        way_out = "give the folder of a bundle, or an id that 'aitia incidents list' shows"
        raise Failure(f"no folder and no incident {incident}", way_out)
    way_out = "give the folder of its bundle; 'aitia record' makes one of what is kept"
    if known.symptom is None:
        raise Failure(f"incident {incident} has no symptom", way_out)
    with extra():
        from diagnose.incident.kept import incident_at, opened
        from diagnose.topology import read_topology

    site = read_topology(settings.explain.topology)
    try:
        with opened(settings.telemetry) as reader:
            bundle = incident_at(reader, known.symptom.entity, known.alert_time, site, known.as_of)
    except Failure as failure:
        what = f"the signals of {incident} were not kept here: {failure.what}"
        raise Failure(what, way_out) from failure
    return replace(bundle, id=incident, symptom=known.symptom)
