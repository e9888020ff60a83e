"""Prometheus and log files -> an incident bundle on disk."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any, Final

import polars as pl

from tests.lab import ports, prometheus, settings
from tests.lab.signals import name_of
from tests.lab.system import CONTAINS, TOPOLOGY, Lab

TIME: Final = pl.Datetime("us", "UTC")
_COLUMNS: Final[dict[str, pl.DataType]] = {"time": TIME, "entity": pl.String()}
READINGS: Final = pl.Schema({**_COLUMNS, "signal": pl.String(), "value": pl.Float64()})
LOGS: Final = pl.Schema(
    {**_COLUMNS, "severity": pl.String(), "body": pl.String(), "attributes": pl.String()}
)
REDIS_LINE: Final = re.compile(r"\d+:[A-Z] (\d\d \w{3} \d{4} [\d:.]+) ([.\-*#]) (.*)")
REDIS_SEVERITY: Final = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARN"}
POSTGRES_LINE: Final = re.compile(r"([\d-]+ [\d:.]+) UTC \[\d+\] (?:(\w+)@\w+ )?([A-Z0-9]+):  (.*)")
POSTGRES_SEVERITY: Final = {"WARNING": "WARN", "ERROR": "ERROR", "FATAL": "FATAL", "PANIC": "FATAL"}

Record = tuple[datetime, str, str, str, str]


@dataclass(frozen=True)
class Span:
    """What a bundle covers, and what it says about it.

    Attributes:
        start: First instant.
        alert_time: When the alert fired.
        as_of: Last instant.
        symptom: Signal of web that the alert watches, or None.
        truth: Content of truth.json.
    """

    start: datetime
    alert_time: datetime
    as_of: datetime
    symptom: str | None
    truth: dict[str, Any] = field(default_factory=dict)


def write(lab: Lab, span: Span, folder: Path) -> None:
    """Write the bundle of ``span`` to ``folder``, which appears only once it is complete."""
    incident = {
        "id": f"lab-{span.alert_time:%Y%m%dT%H%M%SZ}",
        "source": "fault lab",
        "alert_time": span.alert_time.isoformat(),
        "as_of": span.as_of.isoformat(),
        "symptom": {"entity": "web", "signal": span.symptom} if span.symptom else None,
        "step_seconds": 1,
        "topology": TOPOLOGY,
        "contains": CONTAINS,
    }
    tables = {
        "metrics": readings(lab, span.start, span.as_of),
        "logs": logs(lab, span.start, span.as_of),
    }
    _write(folder, {"incident": incident, "truth": span.truth}, tables)


def write_continuous(
    lab: Lab, start: datetime, end: datetime, events: Mapping[str, Any], folder: Path
) -> None:
    """Write all that was recorded from ``start`` to ``end``, with what was broken when."""
    told = {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "step_seconds": 1,
        "topology": TOPOLOGY,
        "contains": CONTAINS,
        "symptoms": [{"entity": "web", "signal": name} for name in settings.SYMPTOMS.values()],
    }
    alerts = prometheus.alerts_between(start, end)
    # Prometheus answers a limited number of points at once
    edges = pl.datetime_range(start, end, "30m", eager=True).to_list()
    parts = [
        readings(lab, first, last) for first, last in pairwise([*edges, end + timedelta(seconds=1)])
    ]
    tables = {
        "metrics": pl.concat(parts).unique(["time", "entity", "signal"], keep="first"),
        "logs": logs(lab, start, end),
    }
    tables["metrics"] = tables["metrics"].sort("entity", "signal", "time")
    _write(folder, {"recording": told, "events": {**events, "alerts": alerts}}, tables)


def _write(
    folder: Path, texts: Mapping[str, Mapping[str, Any]], tables: Mapping[str, pl.DataFrame]
) -> None:
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name, content in texts.items():
        (draft / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    for name, table in tables.items():
        table.write_parquet(
            draft / f"{name}.parquet", compression="zstd", compression_level=15, statistics=False
        )
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def readings(lab: Lab, start: datetime, end: datetime) -> pl.DataFrame:
    """Return what Prometheus read from ``start`` to ``end``, sorted by entity, signal, time."""
    rows = []
    for job in ports.SCRAPED:
        for labels, values in prometheus.series(job, start, end):
            if "mountpoint" in labels:
                labels["mountpoint"] = labels["mountpoint"].replace(str(lab.root), "")
            if found := name_of(job, labels, lab.cpu):
                rows += [
                    (datetime.fromtimestamp(time, UTC), *found, value)
                    for time, value in values
                    if isfinite(value)
                ]
    table = pl.DataFrame(rows, READINGS, orient="row")
    # a service and its process group may share a signal's name: the first one read counts
    return table.unique(["time", "entity", "signal"], keep="first").sort("entity", "signal", "time")


def logs(lab: Lab, start: datetime, end: datetime) -> pl.DataFrame:
    """Return what was logged in between, oldest first, without the lab's own paths."""
    table = pl.DataFrame(list(_records(lab.root)), LOGS, orient="row")
    return (
        table.filter(pl.col("time").is_between(start, end))
        .with_columns(pl.col("body").str.replace_all(str(lab.root), "", literal=True))
        .sort("time", "entity", maintain_order=True)
    )


def _records(root: Path) -> Iterator[Record]:
    for path in sorted((root / "log").glob("*.log")):
        entity = path.name.split(".")[0]
        lines = path.read_text(errors="replace").splitlines()
        yield from (
            _redis(lines) if entity == "redis" and path.stem == "redis" else _json(lines, entity)
        )
    for path in (root / "pglog").glob("*.log"):
        yield from _postgres(path.read_text(errors="replace").splitlines())


def _json(lines: list[str], entity: str) -> Iterator[Record]:
    for line in lines:
        try:
            found = json.loads(line)
        except json.JSONDecodeError:  # the last line may be half written
            continue
        attributes = json.dumps(found["attributes"], sort_keys=True)
        time = datetime.fromisoformat(found["time"])
        yield time, entity, found["severity"], found["body"], attributes


def _redis(lines: list[str]) -> Iterator[Record]:
    for line in lines:
        if match := REDIS_LINE.fullmatch(line):
            time = datetime.strptime(match[1], "%d %b %Y %H:%M:%S.%f").replace(tzinfo=UTC)
            yield time, "redis", REDIS_SEVERITY[match[2]], match[3], "{}"


def _postgres(lines: list[str]) -> Iterator[Record]:
    """Yield the server's records; a line that begins with a tab continues the one before."""
    joined: list[str] = []
    for line in lines:
        if line.startswith("\t") and joined:
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    for line in joined:
        if match := POSTGRES_LINE.fullmatch(line):
            time = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
            attributes = json.dumps({"kind": match[3], **({"user": match[2]} if match[2] else {})})
            severity = POSTGRES_SEVERITY.get(match[3], "INFO")
            yield time, "postgres", severity, match[4][:400], attributes
