"""``aitia collect``: what this machine's sources tell, once or for as long as it runs."""

import json
import logging
import os
import signal
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from diagnose.cli.options import Config, Output
from diagnose.cli.terminal import console, fill, table, write_json

if TYPE_CHECKING:
    from collectors.runner import Report
    from diagnose.config import Settings

LOOK_BACK: Final = timedelta(minutes=10)  # of one look at sources that keep a past


def collect(
    once: Annotated[
        bool, typer.Option("--once", help="Read every source once, and say what each gave.")
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send to this ingest server, in place of collect.to.url."),
    ] = None,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Read this machine's telemetry and send it on, or say once what every collector reads."""
    from diagnose.config import load

    if once and to:
        raise typer.BadParameter("--once sends nothing: leave out --to")
    settings = load(config, {"collect": {"to": {"url": to}}} if to else None)
    if not once:
        _send(settings)
        return
    reports = _looked(settings)
    if output == "json":
        write_json(json.dumps([asdict(report) for report in reports], indent=2).encode())
    else:
        _show(reports)
    from collectors.runner import BROKEN

    if any(report.outcome in BROKEN for report in reports):
        raise typer.Exit(1)


def _send(settings: "Settings") -> None:
    """Collect and send until this process is told to end."""
    # A pool of threads for frames of a few hundred rows costs memory and helps nobody.
    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    from prometheus_client import CollectorRegistry

    from diagnose.agent import Agent
    from diagnose.cli.log import log_to_stderr

    log_to_stderr()
    agent = Agent(settings, CollectorRegistry())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()


def _looked(settings: "Settings") -> "list[Report]":
    """Return the report of every collector after one round."""
    from prometheus_client import CollectorRegistry

    from collectors.runner import Runner, chosen

    logging.getLogger("aitia").addHandler(logging.NullHandler())  # the table says it all
    collectors, left_out = chosen(settings)
    section = settings.collect
    runner = Runner(collectors, section.timeout_seconds, CollectorRegistry(), section.entity)
    reports = [*runner.run(datetime.now(UTC) - LOOK_BACK).reports, *left_out]
    return sorted(reports, key=lambda report: report.name)


def _show(reports: "list[Report]") -> None:
    from collectors.runner import TABLES

    shown = table("", "collector", "outcome", *(f">{name}" for name in TABLES), ">seconds", "why")
    rows = [
        (
            report.name,
            report.outcome,
            *(str(report.rows.get(name, 0)) for name in TABLES),
            f"{report.seconds:.3f}",
            report.reason,
        )
        for report in reports
    ]
    console().print(fill(shown, rows))
