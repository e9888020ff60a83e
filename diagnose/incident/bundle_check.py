"""What is wrong with an incident bundle, where, and the way out.

Everything that a later stage could misread or stumble over is said here, by file and field, column
or line. ``truth.json`` is not opened.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import polars as pl

from diagnose.schema import LOGS, READINGS

INCIDENT: Final = "incident.json"
METRICS: Final = "metrics.parquet"
LOG_RECORDS: Final = "logs.parquet"
REQUIRED: Final = ("id", "alert_time", "step_seconds")  # fields of incident.json
FIELDS: Final = (
    *REQUIRED,
    *("source", "as_of", "symptom", "topology", "contains", "baseline_window"),
)
SIMILAR: Final = "did you mean"
SMALL_BYTES: Final = 16 << 20
OPTIONAL: Final = ("severity", "attributes")  # columns that a log can do without
HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")  # JSON can escape one, UTF-8 cannot hold it
TEXT: Final = (pl.String, pl.Categorical, pl.Enum, pl.Null)  # types that hold names
DAMAGE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
AGAIN: Final = "it may be truncated: copy or record it again"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a bundle, where, and the way out.

    Attributes:
        file: Name of the file within the bundle.
        where: Field, column or line; "" for the whole file.
        what: What is wrong.
        way_out: What to do about it.
        fatal: Whether nothing can be explained while it lasts.
        unread: Whether its file is left unread for it, and the rest explained without.
    """

    file: str
    where: str
    what: str
    way_out: str
    fatal: bool = True
    unread: bool = False


def check_bundle(path: Path, whole: bool = True) -> tuple[Problem, ...]:
    """Return all that is wrong with the bundle in folder ``path``; the truth is not opened.

    Args:
        path: The folder.
        whole: Read every row; else only what the tables say of themselves, which takes no time.
    """
    if not path.is_dir():
        folder = "give the folder that holds incident.json"
        return (Problem("", "", "is no folder", folder),)
    try:
        problems = [*_check_incident(path / INCIDENT)]
        problems += _check_table(path / METRICS, READINGS, whole)
        if is_there(path / LOG_RECORDS):
            problems += _check_log(path / LOG_RECORDS, whole)
        if whole and not any(problem.fatal for problem in problems):
            problems += _check_symptom(path, any(problem.unread for problem in problems))
    except PermissionError as error:
        return (Problem("", "", f"cannot be read: {error.strerror}", "let yourself read it"),)
    return tuple(problems)


def read_facts(file: Path) -> dict[str, Any]:
    """Return the fields of ``incident.json``.

    Raises:
        ValueError: the file holds something else.
    """
    text = file.read_bytes().decode("utf-8-sig")  # a byte order mark is no mistake
    facts = json.loads(text, object_pairs_hook=_once)
    if not isinstance(facts, dict):
        raise ValueError("holds no JSON object")
    return facts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object's fields; one that is written twice means two things."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"names the field {twice!r:.60} twice")
    return fields


def _check_incident(file: Path) -> Iterator[Problem]:
    """Yield what is wrong with ``incident.json``."""
    if not file.is_file():
        what = "is no file" if is_there(file) else "is missing"
        yield Problem(INCIDENT, "", what, f"write an object with {', '.join(REQUIRED)}")
        return
    try:
        facts = read_facts(file)
    except json.JSONDecodeError as error:
        yield Problem(INCIDENT, f"line {error.lineno}", f"is no JSON: {error.msg}", "mend the line")
    except UnicodeDecodeError as error:
        yield Problem(INCIDENT, f"byte {error.start}", "is no UTF-8", "save the file as UTF-8")
    except RecursionError:
        yield Problem(INCIDENT, "", "nests too deeply", "write plain fields")
    except ValueError as error:
        yield Problem(INCIDENT, "", str(error), 'write one object: {"id": ...}')
    else:
        yield from _check_fields(facts)


def _check_fields(facts: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the fields of ``incident.json``."""
    name = facts.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
        way_out = "name the incident in at most 200 printable characters"
        yield Problem(INCIDENT, "id", "is no name", way_out)
    if not isinstance(facts.get("source") or "", str):
        yield Problem(INCIDENT, "source", "is no text", "say where it was recorded, or null")
    if HALF_CHARACTER.search(json.dumps(facts, ensure_ascii=False)):
        yield Problem(INCIDENT, "", "escapes half a character", "write both halves, or neither")
    step = facts.get("step_seconds")
    if not isinstance(step, int | float) or isinstance(step, bool) or not 1e-3 <= step <= 86_400:
        way_out = "give the distance between two readings in seconds, 0.001 to 86400"
        yield Problem(INCIDENT, "step_seconds", f"is {step!r:.60}", way_out)
    symptom = facts.get("symptom")
    if symptom is not None and not _is_node(symptom):
        way_out = 'write {"entity": "...", "signal": "..."} or null'
        yield Problem(INCIDENT, "symptom", f"is {symptom!r:.200}", way_out)
    for field, pair in (("topology", "[caller, callee]"), ("contains", "[whole, part]")):
        pairs = facts.get(field)
        if pairs is not None and not _is_pairs(pairs):
            way_out = f"write [{pair}, ...] or null"
            yield Problem(INCIDENT, field, "is no list of pairs of names", way_out)
    yield from _check_times(facts)
    yield from _check_names(facts)


def _check_times(facts: dict[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the times of ``incident.json``."""
    iso = "write ISO 8601 with its zone, for example 2026-01-31T03:00:00Z"
    times: dict[str, datetime] = {}
    span = facts.get("baseline_window")
    if span is not None and not (isinstance(span, list) and len(span) == 2):
        yield Problem(
            INCIDENT, "baseline_window", f"is {span!r:.200}", "write [start, end] or null"
        )
        span = None
    named = [("alert_time", facts.get("alert_time"), True), ("as_of", facts.get("as_of"), False)]
    named += [(f"baseline_window[{i}]", text, True) for i, text in enumerate(span or ())]
    for field, text, required in named:
        if text is None and not required:
            continue
        try:
            times[field] = read_time(text)
        except (TypeError, ValueError):
            yield Problem(INCIDENT, field, f"is no time with a zone: {text!r:.60}", iso)
    if times.get("as_of", datetime.max.replace(tzinfo=UTC)) < times.get(
        "alert_time", datetime.min.replace(tzinfo=UTC)
    ):
        way_out = "ask at the alert or later"
        yield Problem(INCIDENT, "as_of", "lies before alert_time", way_out)
    start, end = times.get("baseline_window[0]"), times.get("baseline_window[1]")
    if start and end and start >= end:
        yield Problem(INCIDENT, "baseline_window", "ends before it starts", "swap the two times")


def _check_table(file: Path, schema: pl.Schema, whole: bool) -> Iterator[Problem]:
    """Yield what is wrong with a Parquet table: its bytes, its columns, its clock, its rows."""
    if not file.is_file():
        what = "is no file" if is_there(file) else "is missing"
        yield Problem(file.name, "", what, f"write a table with columns {', '.join(schema)}")
        return
    try:
        found = pl.scan_parquet(file).collect_schema()
        pl.scan_parquet(file).select(pl.len()).collect()
    except DAMAGE as error:
        yield Problem(file.name, "", f"is no readable Parquet: {_reason(error)}", AGAIN)
        return
    wrong = [*_check_columns(file, schema, found)]
    yield from wrong
    for name in schema if whole and not wrong else ():
        try:
            if name in found:  # the greatest is not found without reading them all
                pl.scan_parquet(file).select(pl.col(name).hash().max()).collect()
        except DAMAGE as error:
            what = f"cannot be read: {_reason(error)}"
            yield Problem(file.name, f"column {name}", what, AGAIN)


def _check_log(file: Path, whole: bool) -> Iterator[Problem]:
    """Yield what is wrong with the log: nothing that forbids to explain what the metrics show.

    A small one is always read as a whole: it costs next to nothing, and damage within would else
    come to light in the middle of an explanation.
    """
    small = file.is_file() and file.stat().st_size <= SMALL_BYTES
    for problem in _check_table(file, LOGS, whole or small):
        yield replace(problem, fatal=False, unread=problem.fatal)


def _check_symptom(path: Path, log_unread: bool) -> Iterator[Problem]:
    """Yield that nothing was read of the entity that the symptom names."""
    symptom = read_facts(path / INCIDENT).get("symptom")
    if symptom is None or (log_unread and is_there(path / LOG_RECORDS)):
        return
    names: set[str] = set()
    for file in (path / METRICS, path / LOG_RECORDS):
        if is_there(file):
            entities = pl.scan_parquet(file).select(pl.col("entity").cast(pl.String).unique())
            names.update(entities.collect()["entity"].drop_nulls())
    if symptom["entity"] not in names:
        way_out = _nearest(symptom["entity"], names, "name one that the tables hold")
        what = f"nothing was read of its entity {symptom['entity']!r:.200}"
        yield Problem(INCIDENT, "symptom", what, way_out, fatal=False)


def _check_names(facts: dict[str, Any]) -> Iterator[Problem]:
    """Yield the fields of ``incident.json`` that nobody reads."""
    for name in facts:
        if name not in FIELDS:
            way_out = _nearest(name, FIELDS, f"known are {', '.join(FIELDS)}")
            yield Problem(
                INCIDENT, f"{name!r:.60}"[1:-1], "is no known field", way_out, fatal=False
            )


def _nearest(name: str, known: Iterable[str], otherwise: str) -> str:
    """Return a question after the known name that ``name`` is most like."""
    close = get_close_matches(name, known, 1)
    return f"{SIMILAR} {close[0]}?" if close else otherwise


def _check_columns(file: Path, schema: pl.Schema, found: pl.Schema) -> Iterator[Problem]:
    """Yield which columns a table lacks or holds as something else."""
    for name, dtype in schema.items():
        have = found.get(name)
        if have is None:
            fatal = name not in OPTIONAL
            yield Problem(file.name, f"column {name}", "is missing", f"add it as {dtype}", fatal)
        elif name == "time" and not (isinstance(have, pl.Datetime) and have.time_zone):
            yield Problem(file.name, "column time", f"is {have}", "write timestamps with zone UTC")
        elif name == "value" and not have.is_numeric():
            yield Problem(file.name, "column value", f"is {have}", "write numbers")
        elif dtype == pl.String and not isinstance(have, TEXT):
            yield Problem(file.name, f"column {name}", f"is {have}", "write text")


def _reason(error: BaseException) -> str:
    """Return the beginning of what Polars says."""
    return str(error).partition("\n")[0][:200]


def is_there(file: Path) -> bool:
    """Return whether there is anything of that name, be it a link that leads nowhere."""
    return file.exists() or file.is_symlink()


def read_time(text: object) -> datetime:
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
