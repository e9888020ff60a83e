"""``aitia scan``: which servers fail next, and what to do."""

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from diagnose.cli.explain import moment
from diagnose.cli.options import Config, Output, Proposer, extra, settings
from diagnose.cli.terminal import complain, console, fill, table, waiting, write_json
from diagnose.wording import counted, duration, percent, some

if TYPE_CHECKING:
    from diagnose.config import Settings
    from diagnose.pipeline import Roles
    from diagnose.scan.engines import Engine
    from diagnose.scan.flow import Report, Tell
    from diagnose.scan.shards import Expected, Finding
    from diagnose.scan.source import Source

From = Annotated[
    Literal["kept", "prometheus"] | None,
    typer.Option(
        help="Read what aitia ingest keeps, or ask sources.prometheus; else as the fleet says."
    ),
]
On = Annotated[
    Literal["local", "ray"] | None,
    typer.Option(help="This machine, or the Ray cluster of RAY_ADDRESS; else as the fleet says."),
]


def scan(
    fleet: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML file with groups of hosts; else every host."),
    ] = None,
    group: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this group of the fleet.")
    ] = None,
    source: From = None,
    prometheus: Annotated[
        bool,
        typer.Option("--prometheus", help="Also expect the hosts that sources.prometheus scrapes."),
    ] = False,
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="As of when to look; else as of now."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; else one for each core.")
    ] = None,
    engine: On = None,
    proposer: Proposer = None,
    output: Output = "table",
    config: Config = None,
) -> None:
    """Look at every server once: which fails next, how sure that is, and what to do."""
    chosen = settings(config, proposer)
    with extra():
        from diagnose.fleet import read_fleet
        from diagnose.scan.flow import scan
        from diagnose.scan.scraped import Scraped

    known = read_fleet(fleet)
    groups = [one for one in known.groups if group in (None, one.name)]
    if not groups:
        names = ", ".join(one.name for one in known.groups)
        raise typer.BadParameter(f"the fleet has no group {group}, but {names}")
    expected: Collection[str] = ()
    if prometheus:
        expected = Scraped.of(chosen.sources.prometheus).census(at or datetime.now(UTC)).hosts

    explainers = partial(_explainers, chosen)
    reports = []
    for one in groups:
        read = chosen_source(source or one.source, chosen)
        shards = chosen_engine(engine or one.engine, workers, read.at_once)
        with _progress(one.name) as tell:
            reports.append(scan(chosen, known, one, shards, read, explainers, at, tell, expected))
    if output == "json":
        _write(reports)
    else:
        for report in reports:
            show(report)
    if any(report.findings or report.stopped for report in reports):
        raise typer.Exit(1)


def _explainers(settings: "Settings") -> "Roles":
    """Return who explains; the daemon is asked about pairs where it runs."""
    from diagnose.compose import roles
    from diagnose.daemon.served import shared_scorer

    return roles(settings, shared_scorer(settings))


def chosen_source(name: Literal["kept", "prometheus"], settings: "Settings") -> "Source":
    """Return who is asked what hosts showed.

    Raises:
        Failure: the settings name no Prometheus.
    """
    from diagnose.scan.kept import Kept
    from diagnose.scan.scraped import Scraped

    if name == "kept":
        return Kept(settings.telemetry.root)
    return Scraped.of(settings.sources.prometheus)


def chosen_engine(
    name: Literal["local", "ray"], workers: int | None, at_once: int | None = None
) -> "Engine":
    """Return where the shards are worked on.

    Args:
        name: Of the engine.
        workers: Processes of the local one; None for one on each core.
        at_once: Shards that may be worked on at once; None for any number.

    Raises:
        Failure: Ray is not installed.
    """
    from diagnose.scan.engines import LocalEngine

    if name == "local":
        wanted = workers or os.cpu_count() or 1
        return LocalEngine(min(wanted, at_once or wanted))
    if workers:
        raise typer.BadParameter("--workers is for --engine local: a Ray cluster has its own")
    with extra("ray"):
        import ray  # noqa: F401 - where it is missing, that is told before anything is read

        from diagnose.scan.ray_engine import RayEngine
    return RayEngine(at_once)


@contextmanager
def _progress(group: str) -> Iterator["Tell"]:
    """Show on stderr how far a scan is; yield how to tell."""
    if not sys.stderr.isatty():
        with waiting(f"scanning {group}") as said:
            yield lambda what, done, of: said(done, of)
        return
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"scanning {group}", total=None)
        yield lambda what, done, of: bar.update(
            task, description=f"{group}: {what}", completed=done, total=of
        )


def _write(reports: "list[Report]") -> None:
    from pydantic import TypeAdapter

    from diagnose.scan.flow import Report

    write_json(TypeAdapter(list[Report]).dump_json(reports, indent=2, ensure_ascii=True))


def show(report: "Report") -> None:
    """Print a report for people."""
    screen = console()
    title = f"{report.group}: {counted(report.hosts, 'host')} as of {report.moment:%Y-%m-%d %H:%M}"
    now = "when last heard of" if report.stopped else "now"
    rows = [row for finding in report.findings for row in _rows(finding, now)]
    columns = ("host", "what fails next", ">probability", ">lead time", "evidence since", "do")
    if report.stopped:
        screen.print(f"{report.group}: {_silence(report, report.stopped)}")
    if rows:
        screen.print(fill(table(f"{title} UTC", *columns), rows))
    elif not report.stopped:
        screen.print(f"{title} UTC: nothing to tell")
    for finding in report.findings:
        if finding.defect:
            what = "look at" if finding.host in report.failed else "explanation of"
            complain("error", f"the {what} {finding.host} died: {finding.defect}")
    if report.unseen:
        hosts = f"{counted(len(report.unseen), 'host')} in an hour: {some(report.unseen)}"
        complain("warning", f"nothing was read of {hosts}")
    if report.cut:
        hosts = counted(len(report.cut), "host")
        complain("warning", f"{hosts} have more series than were read, {report.cut[0]} for one")
    if report.changed:
        hosts = counted(len(report.changed), "host")
        said = (
            f"the normal life of {hosts} was learned of other signals, {report.changed[0]} for one"
        )
        complain("warning", f"{said}: 'aitia train life' learns it again")


def _silence(report: "Report", since: datetime) -> str:
    """Return that telemetry has stopped to come, and what that means for what follows."""
    ago = duration((report.moment - since).total_seconds())
    return (
        f"nothing was received since {since:%Y-%m-%d %H:%M} UTC, {ago} ago: "
        "all hosts are silent, and what follows rests on what came before"
    )


def _rows(finding: "Finding", now: str) -> Iterator[tuple[str, ...]]:
    """Yield a line for each expected failure, and one for trouble that is there already."""
    for one in finding.expected:
        yield _row(finding.host, one)
    if finding.symptom is None:
        if finding.defect and not finding.expected:
            yield finding.host, "not looked at, by a defect of aitia", "", "", "", ""
        return
    cause, action = "not explained", ""
    probability = ""
    if finding.causes:
        first = finding.causes[0]
        cause, probability = (
            f"by {first.node}",
            f"{percent(first.probability)} {finding.calibration}",
        )
    if finding.guidance:
        action = finding.guidance[0].action
    since = f"{finding.since:%m-%d %H:%M}" if finding.since else ""
    trouble = f"in trouble {now}, {cause}"
    if finding.incident:
        action = f"{action} (aitia incidents show {finding.incident})".strip()
    yield finding.host, trouble, probability, now, since, action


def _row(host: str, expected: "Expected") -> tuple[str, ...]:
    one = expected.prediction
    part = "" if one.entity == host else f" of {one.entity}"
    lead = duration(one.lead_time_seconds)
    if one.lead_time_interval:
        low, high = one.lead_time_interval
        lead += f" ({duration(low)} to {duration(high)})"
    if one.upstream:
        part += f", driven by {one.upstream[0]}"
    return (
        host,
        f"{one.failure}{part}",
        f"{percent(one.probability)} {one.calibration}",
        lead,
        f"{one.since:%m-%d %H:%M}" if one.since else "",
        expected.guidance[0].action if expected.guidance else "",
    )
