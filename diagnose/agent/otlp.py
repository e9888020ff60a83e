"""Frames of the collectors -> requests of OTLP/HTTP, as ``diagnose.schema.wire`` says."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ResourceMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from diagnose.schema import EDGES, LOGS, READINGS
from diagnose.schema.wire import CALLEE, CALLER, EDGE, ENTITY, ORIGIN, PART

SCOPE: Final = "aitia.collect"
MOST_ROWS: Final = 5000  # of one request, which stays far below what receivers refuse
LEVEL: Final = 3  # of gzip: a quarter more bytes than 9, for a third of its time
# OpenTelemetry's short name without its digit -> first of its four numbers.
SEVERITY: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}


@dataclass(frozen=True, slots=True)
class Request:
    """One request that is ready to be sent.

    Attributes:
        path: Where it goes, below the receiver's address.
        body: Protobuf, compressed by gzip.
        records: How many rows it holds.
    """

    path: str
    body: bytes
    records: int


def requests(frames: Iterable[pl.DataFrame]) -> Iterator[Request]:
    """Yield the requests that carry ``frames``.

    Args:
        frames: Of schema READINGS, LOGS or EDGES.
    """
    given = list(frames)
    for schema, path, encode in (
        (READINGS, "v1/metrics", _metrics),
        (LOGS, "v1/logs", _logs),
        (EDGES, "v1/logs", _edges),
    ):
        rows = pl.concat([schema.to_frame(), *(f for f in given if f.schema == schema)])
        for part in rows.iter_slices(MOST_ROWS) if rows.height else ():
            yield Request(path, gzip.compress(encode(part), LEVEL, mtime=0), part.height)


def _metrics(readings: pl.DataFrame) -> bytes:
    """Return a request with one gauge a signal; all parts of a signal are points of one gauge."""
    request = ExportMetricsServiceRequest()
    gauges: dict[tuple[str, str], Metric] = {}
    resources: dict[str, ResourceMetrics] = {}
    times = readings["time"].dt.epoch("us")
    columns = (readings["entity"], readings["signal"], readings["value"])
    for time, entity, signal, value in zip(times, *columns, strict=True):
        name, _, part = signal.partition("/")
        if entity not in resources:
            resources[entity] = request.resource_metrics.add(resource=_resource(entity))
            resources[entity].scope_metrics.add().scope.name = SCOPE
        if (entity, name) not in gauges:
            gauges[entity, name] = resources[entity].scope_metrics[0].metrics.add(name=name)
        point = gauges[entity, name].gauge.data_points.add(time_unix_nano=time * 1000)
        if value is not None:  # a point without a value says that there is none
            point.as_double = value
        if part:
            point.attributes.append(_text(PART, part))
    return bytes(request.SerializeToString())


def _logs(logs: pl.DataFrame) -> bytes:
    """Return a request with one log record a row."""
    request = ExportLogsServiceRequest()
    resources = _ByEntity(request)
    times = logs["time"].dt.epoch("us")
    columns = (logs[name] for name in ("entity", "severity", "body", "attributes"))
    for time, entity, severity, body, attributes in zip(times, *columns, strict=True):
        record = (
            resources[entity]
            .scope_logs[0]
            .log_records.add(
                time_unix_nano=time * 1000,
                severity_number=_severity_number(severity),
                severity_text=severity,
            )
        )
        record.body.string_value = body
        record.attributes.extend(
            KeyValue(key=key, value=_value(value)) for key, value in json.loads(attributes).items()
        )
    return bytes(request.SerializeToString())


def _edges(edges: pl.DataFrame) -> bytes:
    """Return a request with one event a row, under the host of whoever saw the edge."""
    request = ExportLogsServiceRequest()
    records = _ByEntity(request)[""].scope_logs[0].log_records
    times = edges["time"].dt.epoch("us")
    columns = (edges[name] for name in ("caller", "callee", "origin"))
    for time, caller, callee, origin in zip(times, *columns, strict=True):
        record = records.add(time_unix_nano=time * 1000, severity_number=SEVERITY["INFO"])
        record.event_name = EDGE
        named = ((CALLER, caller), (CALLEE, callee), (ORIGIN, origin))
        record.attributes.extend(_text(key, value) for key, value in named)
    return bytes(request.SerializeToString())


class _ByEntity(defaultdict[str, ResourceLogs]):
    """The resources of a request, made as they are asked for."""

    def __init__(self, request: ExportLogsServiceRequest) -> None:
        super().__init__()
        self.request = request

    def __missing__(self, entity: str) -> ResourceLogs:
        self[entity] = self.request.resource_logs.add(resource=_resource(entity))
        self[entity].scope_logs.add().scope.name = SCOPE
        return self[entity]


def _resource(entity: str) -> Resource:
    host, _, part = entity.partition("/")
    named = [("host.name", host)] if host else []
    if part:
        named.append((ENTITY, entity))
    return Resource(attributes=[_text(key, value) for key, value in named])


def _severity_number(severity: str) -> int:
    """Return OpenTelemetry's number of a short name such as "ERROR" or "ERROR3"; 0 for none."""
    name = severity.rstrip("234")
    digit = severity[len(name) :]
    return SEVERITY[name] + (int(digit) - 1 if digit else 0) if name in SEVERITY else 0


def _text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def _value(value: Any) -> AnyValue:  # noqa: ANN401 - a value of JSON
    """Return a value of JSON; what has an inner structure stays JSON."""
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int() if -(2**63) <= value < 2**63:
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=value)
        case _:
            return AnyValue(string_value=json.dumps(value))
