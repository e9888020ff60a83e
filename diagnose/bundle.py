"""An incident as a folder: what an engineer mails, a back-test replays and a test keeps.

    incident.json     when, what, where          truth.json   opened by ``backtest`` alone
    metrics.parquet   the readings table         logs.parquet the logs table (optional)

Reading checks everything that a later stage could misread, and scans the tables lazily, so that a
log of a gigabyte costs nothing until a window asks for its span.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from diagnose.schema import LOGS, READINGS, TIME, Failure, Node

INCIDENT: Final = "incident.json"
METRICS: Final = "metrics.parquet"
LOG_RECORDS: Final = "logs.parquet"
TRUTH: Final = "truth.json"
OPTIONAL: Final = ("severity", "attributes")  # columns that a log can do without
HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")  # JSON can escape one, UTF-8 cannot hold it
GRACE: Final = timedelta(minutes=5)  # least time from the alert to the moment of asking
GRACE_STEPS: Final = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a bundle, where, and the way out.

    Attributes:
        file: Name of the file within the bundle.
        where: Field, column or line; "" for the whole file.
        what: What is wrong.
        way_out: What to do about it.
        fatal: Whether nothing can be explained while it lasts.
    """

    file: str
    where: str
    what: str
    way_out: str
    fatal: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """One incident, read and checked; its tables hold nothing later than ``as_of``.

    Attributes:
        id: Identifier, as its author chose it.
        source: Where it was recorded.
        alert_time: When somebody noticed.
        as_of: The moment of asking.
        step_seconds: The step on which signals are compared.
        readings: Schema READINGS, lazily.
        logs: Schema LOGS, lazily; None where the bundle has none.
        symptom: What is to be explained; None where nobody said.
        topology: (caller, callee) pairs of entities; empty where unknown.
        baseline_window: A span known to be normal; None where nobody knows one.
    """

    id: str
    source: str
    alert_time: datetime
    as_of: datetime
    step_seconds: float
    readings: pl.LazyFrame
    logs: pl.LazyFrame | None = None
    symptom: Node | None = None
    topology: tuple[tuple[str, str], ...] = ()
    baseline_window: tuple[datetime, datetime] | None = None


def read_bundle(path: Path, as_of: datetime | None = None) -> Bundle:
    """Return the bundle in folder ``path``.

    Args:
        path: The folder.
        as_of: The moment of asking, in place of the bundle's own.

    Raises:
        Failure: the first thing that forbids an explanation.
    """
    for problem in check_bundle(path):
        if problem.fatal:
            place = f"{path / problem.file}" + (f", {problem.where}" if problem.where else "")
            raise Failure(f"{place}: {problem.what}", problem.way_out)
    facts = json.loads((path / INCIDENT).read_text(encoding="utf-8"))
    alert_time = _time(facts["alert_time"])
    step_seconds = float(facts["step_seconds"])
    asked = as_of or (_time(facts["as_of"]) if facts.get("as_of") else None)
    if asked is None:
        asked = alert_time + max(GRACE, GRACE_STEPS * timedelta(seconds=step_seconds))
    symptom, span = facts.get("symptom"), facts.get("baseline_window")
    logs = path / LOG_RECORDS
    return Bundle(
        id=facts["id"],
        source=facts.get("source") or "",
        alert_time=alert_time,
        as_of=asked,
        step_seconds=step_seconds,
        readings=_until(asked, path / METRICS, READINGS),
        logs=_until(asked, logs, LOGS) if logs.exists() else None,
        symptom=Node(symptom["entity"], symptom["signal"]) if symptom else None,
        topology=tuple((caller, callee) for caller, callee in facts.get("topology") or ()),
        baseline_window=(_time(span[0]), _time(span[1])) if span else None,
    )


def check_bundle(path: Path) -> tuple[Problem, ...]:
    """Return all that is wrong with the bundle in folder ``path``; the truth is not opened."""
    if not path.is_dir():
        folder = "give the folder that holds incident.json"
        return (Problem("", "", "is no folder", folder),)
    problems = [*_check_incident(path / INCIDENT)]
    problems += _check_table(path / METRICS, READINGS)
    if (path / LOG_RECORDS).exists():
        problems += _check_table(path / LOG_RECORDS, LOGS)
    return tuple(problems)


def write_bundle(
    path: Path,
    incident: dict[str, Any],
    readings: pl.DataFrame,
    logs: pl.DataFrame | None = None,
    truth: dict[str, Any] | None = None,
) -> None:
    """Write a bundle as a new folder ``path``: whole, or not at all.

    Args:
        path: Folder to make.
        incident: The fields of ``incident.json``, times as ISO 8601 text.
        readings: Schema READINGS.
        logs: Schema LOGS.
        truth: The fields of ``truth.json``.

    Raises:
        Failure: ``path`` exists, or what was given makes no valid bundle.
    """
    if path.exists():
        raise Failure(f"{path} exists", "choose another folder, or remove this one")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
        draft = Path(scratch) / path.name
        draft.mkdir()
        order = ["entity", "signal", "time"]
        readings.sort(order).write_parquet(draft / METRICS, compression_level=12)
        if logs is not None:
            logs.sort("time", "entity").write_parquet(draft / LOG_RECORDS, compression_level=12)
        for name, facts in ((INCIDENT, incident), (TRUTH, truth)):
            if facts is not None:
                (draft / name).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        read_bundle(draft)
        draft.replace(path)


def _until(as_of: datetime, file: Path, schema: pl.Schema) -> pl.LazyFrame:
    """Return a table without what is later than ``as_of``, in the contract's types."""
    table = pl.scan_parquet(file)
    given = table.collect_schema()
    columns = [
        (pl.col(name) if name in given else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in schema.items()
        if name != "time"
    ]
    table = table.select(pl.col("time").dt.convert_time_zone("UTC").cast(TIME), *columns)
    return table.filter(pl.col("time") <= as_of).drop_nulls(["time", "entity"])


def _check_incident(file: Path) -> Iterator[Problem]:
    """Yield what is wrong with ``incident.json``."""
    if not file.exists():
        yield Problem(INCIDENT, "", "is missing", "write it as DESIGN's bundle format says")
        return
    try:
        facts = json.loads(file.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        yield Problem(INCIDENT, f"line {error.lineno}", f"is no JSON: {error.msg}", "mend the line")
        return
    except UnicodeDecodeError as error:
        yield Problem(INCIDENT, f"byte {error.start}", "is no UTF-8", "save the file as UTF-8")
        return
    if not isinstance(facts, dict):
        yield Problem(INCIDENT, "", "holds no JSON object", 'begin with {"id": ...}')
        return
    yield from _check_fields(facts)


def _check_fields(facts: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the fields of ``incident.json``."""
    if not isinstance(facts.get("id"), str) or not facts["id"]:
        yield Problem(INCIDENT, "id", "is no text", "name the incident")
    if not isinstance(facts.get("source") or "", str):
        yield Problem(INCIDENT, "source", "is no text", "say where it was recorded, or null")
    if HALF_CHARACTER.search(json.dumps(facts, ensure_ascii=False)):
        yield Problem(INCIDENT, "", "escapes half a character", "write both halves, or neither")
    step = facts.get("step_seconds")
    if not isinstance(step, int | float) or isinstance(step, bool) or not 1e-3 <= step <= 86_400:
        way_out = "give the distance between two readings in seconds, 0.001 to 86400"
        yield Problem(INCIDENT, "step_seconds", f"is {step!r}", way_out)
    symptom = facts.get("symptom")
    if symptom is not None and not _is_node(symptom):
        way_out = 'write {"entity": "...", "signal": "..."} or null'
        yield Problem(INCIDENT, "symptom", f"is {symptom!r}", way_out)
    topology = facts.get("topology")
    if topology is not None and not _is_pairs(topology):
        way_out = "write [[caller, callee], ...] or null"
        yield Problem(INCIDENT, "topology", "is no list of pairs of names", way_out)
    yield from _check_times(facts)


def _check_times(facts: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the times of ``incident.json``."""
    iso = "write ISO 8601 with its zone, for example 2026-01-31T03:00:00Z"
    times: dict[str, datetime] = {}
    span = facts.get("baseline_window")
    if span is not None and not (isinstance(span, list) and len(span) == 2):
        yield Problem(INCIDENT, "baseline_window", f"is {span!r}", "write [start, end] or null")
        span = None
    named = [("alert_time", facts.get("alert_time"), True), ("as_of", facts.get("as_of"), False)]
    named += [(f"baseline_window[{i}]", text, True) for i, text in enumerate(span or ())]
    for field, text, required in named:
        if text is None and not required:
            continue
        try:
            times[field] = _time(text)
        except (TypeError, ValueError):
            yield Problem(INCIDENT, field, f"is no time with a zone: {text!r}", iso)
    if times.get("as_of", datetime.max.replace(tzinfo=UTC)) < times.get(
        "alert_time", datetime.min.replace(tzinfo=UTC)
    ):
        way_out = "ask at the alert or later"
        yield Problem(INCIDENT, "as_of", "lies before alert_time", way_out)
    start, end = times.get("baseline_window[0]"), times.get("baseline_window[1]")
    if start and end and start >= end:
        yield Problem(INCIDENT, "baseline_window", "ends before it starts", "swap the two times")


def _check_table(file: Path, schema: pl.Schema) -> Iterator[Problem]:
    """Yield what is wrong with a Parquet table: its bytes, its columns, its clock."""
    if not file.exists():
        yield Problem(file.name, "", "is missing", f"write a table with columns {schema.names()}")
        return
    try:
        found = pl.scan_parquet(file).collect_schema()
        pl.scan_parquet(file).select(pl.len()).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        what = f"is no readable Parquet: {str(error).splitlines()[0][:200]}"
        yield Problem(file.name, "", what, "it may be truncated: copy or record it again")
        return
    for name, dtype in schema.items():
        have = found.get(name)
        if have is None:
            fatal = name not in OPTIONAL
            yield Problem(file.name, f"column {name}", "is missing", f"add it as {dtype}", fatal)
        elif name == "time" and not (isinstance(have, pl.Datetime) and have.time_zone):
            yield Problem(file.name, "column time", f"is {have}", "write timestamps with zone UTC")
        elif name == "value" and not have.is_numeric():
            yield Problem(file.name, "column value", f"is {have}", "write numbers")
        elif dtype == pl.String and have not in (pl.String, pl.Categorical, pl.Null):
            yield Problem(file.name, f"column {name}", f"is {have}", "write text")


def _time(text: object) -> datetime:
    """Return an ISO 8601 text with a zone as a time in UTC."""
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no text")
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    if not 1970 <= time.year < 2200:  # what lies outside cannot be reckoned with, nor is it meant
        raise ValueError(f"{text} is no year of telemetry")
    return time.astimezone(UTC)


def _is_node(value: object) -> bool:
    """Return whether ``value`` names an entity and a signal."""
    return isinstance(value, dict) and all(
        isinstance(value.get(key), str) and value[key] for key in ("entity", "signal")
    )


def _is_pairs(value: object) -> bool:
    """Return whether ``value`` is a list of pairs of names."""
    return isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(end, str) for end in pair)
        for pair in value
    )
