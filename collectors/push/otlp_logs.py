"""OpenTelemetry logs over OTLP/HTTP -> log records.

Reads:  POST /v1/logs, protobuf or JSON
Emits:  logs; the entity is what the resource names. An event ``aitia.edge`` is a row of edges
See:    https://opentelemetry.io/docs/specs/otel/logs/data-model/
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import polars as pl
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from collectors.limits import Limits, in_time
from collectors.push import Decoded, TooLarge
from collectors.push.otlp import attributes_of, entity, request_of, times, value_of
from diagnose.schema import EDGES, LOGS
from diagnose.schema.wire import CALLEE, CALLER, EDGE, ORIGIN

NAMES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
# OpenTelemetry's numbers 1..24 as its short names: TRACE, TRACE2, ..., FATAL4
SEVERITY: Final = tuple(name + digit for name in NAMES for digit in ("", "2", "3", "4"))
LONGEST_SEVERITY: Final = 16


def decoded(body: bytes, content_type: str, now: datetime, limits: Limits | None = None) -> Decoded:
    """Return the records and edges in a request.

    Args:
        body: Unpacked.
        content_type: The header's value.
        now: The receiver's clock, the time of records that tell none.
        limits: What is taken.

    Raises:
        Malformed: the body is damaged, or of another kind.
    """
    limits = limits or Limits()
    request = request_of(ExportLogsServiceRequest(), body, content_type, limits)
    number = sum(len(s.log_records) for r in request.resource_logs for s in r.scope_logs)
    if number > limits.records:
        raise TooLarge(f"otlp: a request holds at most {limits.records} log records")
    records = list(_records(request))
    known = [(whose, record) for whose, record in records if record.event_name != EDGE]
    edges = [record for _, record in records if record.event_name == EDGE]
    frames: list[pl.DataFrame] = []
    rejected: Counter[str] = Counter()
    for frame in (_logs(known, now, limits), _edges(edges, now, limits)):
        believed, why = in_time(frame, now, limits)
        rejected.update(why)
        if believed.height:
            frames.append(believed)
    return Decoded(tuple(frames), rejected)


def _records(request: ExportLogsServiceRequest) -> Iterator[tuple[str, LogRecord]]:
    """Yield each record with the entity that wrote it."""
    for resource in request.resource_logs:
        whose = entity(resource.resource)
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield whose, record


def _logs(records: list[tuple[str, LogRecord]], now: datetime, limits: Limits) -> pl.DataFrame:
    """Return ``records`` as a frame of schema LOGS."""
    return pl.DataFrame(
        {
            "time": times(_time(record, now) for _, record in records),
            "entity": [whose for whose, _ in records],
            "severity": [_severity(record) for _, record in records],
            "body": [_body(record, limits) for _, record in records],
            "attributes": [_attributes(record, limits) for _, record in records],
        },
        LOGS,
    )


def _edges(records: list[LogRecord], now: datetime, limits: Limits) -> pl.DataFrame:
    """Return the edges that ``records`` tell of as a frame of schema EDGES."""
    told = [attributes_of(record.attributes, limits) for record in records]
    named = {"caller": CALLER, "callee": CALLEE, "origin": ORIGIN}
    columns = {name: [str(one.get(key) or "") for one in told] for name, key in named.items()}
    edges = pl.DataFrame(
        {"time": times(_time(record, now) for record in records), **columns}, EDGES
    )
    return edges.filter(pl.col("caller") != "", pl.col("callee") != "")


def _time(record: LogRecord, now: datetime) -> int:
    """Return when a record was written, or else seen, in nanoseconds."""
    return record.time_unix_nano or record.observed_time_unix_nano or int(now.timestamp() * 1e9)


def _severity(record: LogRecord) -> str:
    """Return OpenTelemetry's short name of a record's severity, INFO where it has none."""
    if 1 <= record.severity_number <= len(SEVERITY):
        return SEVERITY[record.severity_number - 1]
    return record.severity_text[:LONGEST_SEVERITY].upper() or "INFO"


def _body(record: LogRecord, limits: Limits) -> str:
    """Return a record's text; a body with an inner structure is JSON."""
    value = value_of(record.body, limits.line_characters)
    if value is None:
        return record.event_name[: limits.label_bytes]
    text = value if isinstance(value, str) else json.dumps(value)
    return text[: limits.line_characters]


def _attributes(record: LogRecord, limits: Limits) -> str:
    """Return a record's attributes as a JSON object."""
    found = attributes_of(record.attributes, limits)
    if record.trace_id:
        found |= {"trace_id": record.trace_id.hex(), "span_id": record.span_id.hex()}
    return json.dumps(found)
