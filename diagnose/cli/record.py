"""``aitia record``: what was kept of a span, as a bundle to mail, replay or test with."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from diagnose.cli.explain import moment
from diagnose.cli.options import Config, extra, settings
from diagnose.cli.terminal import waiting

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def span(text: str) -> timedelta:
    """Return a span of time that the command line names, for example 90m.

    Raises:
        typer.BadParameter: it is none.
    """
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if not found or not int(found[1]):
        raise typer.BadParameter("write a number and s, m, h or d, for example 90m")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def record(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the bundle, to be made.")],
    since: Annotated[
        timedelta, typer.Option(parser=span, metavar="SPAN", help="How long it reaches back.")
    ],
    until: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="Where it ends, in place of now."),
    ] = None,
    config: Config = None,
) -> None:
    """Write what was kept of the last hours as an incident bundle."""
    chosen = settings(config)
    with extra():
        from diagnose.incident.kept import opened
        from diagnose.incident.kept import record as write

    end = until or datetime.now(UTC)
    with waiting(f"recording {out}"), opened(chosen.telemetry) as reader:
        written = write(reader, out, end - since, end)
    typer.echo(f"{out}: {written}")
