"""An incident as a folder: what an engineer mails, a back-test replays and a test keeps.

    incident.json     when, what, where          truth.json   opened by ``backtest`` alone
    metrics.parquet   the readings table         logs.parquet the logs table (optional)

Reading checks everything that a later stage could misread, and scans the tables lazily, so that a
log of a gigabyte costs nothing until a window asks for its span.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from diagnose.incident.bundle_check import (
    INCIDENT,
    LOG_RECORDS,
    METRICS,
    SIMILAR,
    Problem,
    check_bundle,
    is_there,
    read_facts,
    read_time,
)
from diagnose.schema import LOGS, READINGS, TIME, Failure, Node

TRUTH: Final = "truth.json"
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)  # no reading is older, whatever a damaged file says
GRACE: Final = timedelta(minutes=5)  # least time from the alert to the moment of asking
GRACE_STEPS: Final = 3


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
        contains: (whole, part) pairs of entities: a host and what runs on it. "a" and "a/b" need
            no such pair.
        baseline_window: A span known to be normal; None where nobody knows one.
        missing: What its source left out or could not read, a sentence each.
        advice: (entity, text) pairs that tell people what to do, as ``Window`` has them.
        silenced: Who has silenced its alert and until when, a sentence; "" where nobody has.
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
    contains: tuple[tuple[str, str], ...] = ()
    baseline_window: tuple[datetime, datetime] | None = None
    missing: tuple[str, ...] = ()
    advice: tuple[tuple[str, str], ...] = ()
    silenced: str = ""


def read_bundle(path: Path, as_of: datetime | None = None) -> Bundle:
    """Return the bundle in folder ``path``.

    Args:
        path: The folder.
        as_of: The moment of asking, in place of the bundle's own.

    Raises:
        Failure: the first thing that forbids an explanation.
    """
    problems = check_bundle(path, whole=False)
    _refuse(path, (problem for problem in problems if problem.fatal))
    facts = read_facts(path / INCIDENT)
    alert_time = read_time(facts["alert_time"])
    step_seconds = float(facts["step_seconds"])
    asked = as_of or (read_time(facts["as_of"]) if facts.get("as_of") else None)
    if asked is None:
        asked = alert_time + max(GRACE, GRACE_STEPS * timedelta(seconds=step_seconds))
    if asked < alert_time:
        raise Failure(f"{path}: as_of {asked} lies before the alert", "ask at the alert or later")
    symptom, span = facts.get("symptom"), facts.get("baseline_window")
    logs, unread = path / LOG_RECORDS, any(problem.unread for problem in problems)
    return Bundle(
        id=facts["id"],
        source=facts.get("source") or "",
        alert_time=alert_time,
        as_of=asked,
        step_seconds=step_seconds,
        readings=_until(asked, path / METRICS, READINGS),
        logs=_until(asked, logs, LOGS) if is_there(logs) and not unread else None,
        symptom=Node(symptom["entity"], symptom["signal"]) if symptom else None,
        topology=tuple((caller, callee) for caller, callee in facts.get("topology") or ()),
        contains=tuple((whole, part) for whole, part in facts.get("contains") or ()),
        baseline_window=(read_time(span[0]), read_time(span[1])) if span else None,
        missing=tuple(_left_out(problems)),
    )


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
    tables = [(METRICS, readings, ["entity", "signal", "time"]), (LOG_RECORDS, logs, ["time"])]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
            draft = Path(scratch) / path.name
            draft.mkdir()
            for name, table, order in tables:
                if table is not None:
                    ordered = table.sort([column for column in order if column in table.columns])
                    ordered.write_parquet(draft / name, compression_level=12)
            for name, facts in ((INCIDENT, incident), (TRUTH, truth)):
                if facts is not None:
                    (draft / name).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
            _refuse(draft, (one for one in check_bundle(draft, False) if one.fatal or one.unread))
            read_bundle(draft)
            draft.replace(path)
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error})", "choose another folder") from error


def _refuse(path: Path, problems: Iterable[Problem]) -> None:
    """Raise Failure for the first of ``problems``, if there is any."""
    for problem in problems:
        place = f"{path / problem.file}" + (f", {problem.where}" if problem.where else "")
        raise Failure(f"{place}: {problem.what}", problem.way_out)


def _left_out(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield a sentence about each thing in a bundle that is not read, though somebody put it there.

    A field that is like none is somebody's own note.
    """
    for problem in problems:
        place = f"{problem.file}, {problem.where}" if problem.where else problem.file
        if problem.unread:
            yield f"The log was not read: {place} {problem.what} ({problem.way_out})."
        elif problem.way_out.startswith(SIMILAR):
            yield f"The field {problem.where} of {problem.file} was not read: {problem.way_out}"


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
    named = [name for name in ("entity", "signal") if name in schema]
    return table.filter(pl.col("time").is_between(FIRST, as_of)).drop_nulls(named)
