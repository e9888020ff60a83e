"""What the agent writes is OpenTelemetry's own, and holds all that the tables held."""

import gzip
import json
import math
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from collectors.rows import edges_at, log_frame, readings_at
from diagnose.agent import otlp
from diagnose.agent.otlp import requests
from diagnose.schema.wire import CALLEE, CALLER, EDGE, ENTITY, ORIGIN, PART

NOW = datetime(2026, 11, 22, 9, 16, 40, 123456, UTC)
NANOS = int(NOW.timestamp()) * 10**9 + 123_456_000
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


def attributes(holder):
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in holder.attributes}


def metrics(request):
    return ExportMetricsServiceRequest.FromString(gzip.decompress(request.body))


def logs(request):
    return ExportLogsServiceRequest.FromString(gzip.decompress(request.body))


def read_back(request):
    """The readings in a request, as a decoder that knows ``diagnose.schema.wire`` reads them."""
    rows = []
    for resource in metrics(request).resource_metrics:
        told = attributes(resource.resource)
        entity = told.get(ENTITY, told.get("host.name", ""))
        for metric in resource.scope_metrics[0].metrics:
            for point in metric.gauge.data_points:
                part = attributes(point).get(PART)
                signal = metric.name if part is None else f"{metric.name}/{part}"
                value = point.as_double if point.WhichOneof("value") else None
                rows.append((point.time_unix_nano, entity, signal, value))
    return rows


def test_a_reading_is_a_point_of_a_gauge():
    (request,) = requests(
        [
            readings_at(
                NOW,
                [
                    ("db1", "system.cpu.time/user", 1.5),
                    ("db1", "system.cpu.time/idle", 2.0),
                    ("db1/sda", "system.disk.io_time", 3.0),
                ],
            )
        ]
    )
    assert (request.path, request.records) == ("v1/metrics", 3)
    host, disk = metrics(request).resource_metrics
    assert attributes(host.resource) == {"host.name": "db1"}
    assert attributes(disk.resource) == {"host.name": "db1", ENTITY: "db1/sda"}
    (gauge,) = host.scope_metrics[0].metrics
    assert gauge.name == "system.cpu.time"
    assert [attributes(point) for point in gauge.gauge.data_points] == [
        {PART: "user"},
        {PART: "idle"},
    ]
    assert gauge.gauge.data_points[0].time_unix_nano == NANOS


@given(st.lists(st.tuples(NAMES, NAMES, st.floats() | st.none()), max_size=30))
def test_no_reading_is_lost_or_changed(rows):
    schema = readings_at(NOW, []).schema
    frame = pl.DataFrame([(NOW, *row) for row in rows], schema, orient="row")
    back = [row for request in requests([frame]) for row in read_back(request)]
    # A name that ends in "/" has an empty part, which says no more than none.
    expected = [(NANOS, e, s.removesuffix("/") if s.count("/") == 1 else s, v) for e, s, v in rows]
    assert sorted(map(repr, back)) == sorted(map(repr, expected))


def test_a_log_record_keeps_its_severity_and_attributes():
    facts = {"change": "package upgrade", "pid": 12, "share": 0.5, "ok": True, "list": [1, "two"]}
    rows = [
        (NOW, "db1/nginx.service", "ERROR3", "it broke", json.dumps(facts)),
        (NOW, "db1", "odd", "", "{}"),
    ]
    (request,) = requests([log_frame(rows)])
    assert request.path == "v1/logs"
    unit, host = logs(request).resource_logs
    assert attributes(unit.resource)[ENTITY] == "db1/nginx.service"
    (record,) = unit.scope_logs[0].log_records
    assert (record.severity_number, record.severity_text) == (19, "ERROR3")
    assert record.body.string_value == "it broke"
    assert attributes(record) == facts | {"list": '[1, "two"]'}
    assert host.scope_logs[0].log_records[0].severity_number == 0


def test_an_edge_is_an_event():
    (request,) = requests([edges_at(NOW, [("web1", "db1")], "procfs")])
    (resource,) = logs(request).resource_logs
    (record,) = resource.scope_logs[0].log_records
    assert record.event_name == EDGE
    assert attributes(record) == {CALLER: "web1", CALLEE: "db1", ORIGIN: "procfs"}


def test_a_large_round_is_several_requests_in_order(monkeypatch):
    monkeypatch.setattr(otlp, "MOST_ROWS", 100)
    rows = [(NOW + timedelta(seconds=i), "db1", "INFO", str(i), "{}") for i in range(250)]
    made = list(requests([log_frame(rows)]))
    assert [request.records for request in made] == [100, 100, 50]
    bodies = [
        record.body.string_value
        for request in made
        for record in logs(request).resource_logs[0].scope_logs[0].log_records
    ]
    assert bodies == [str(i) for i in range(250)]


def test_nothing_read_is_nothing_to_send():
    assert list(requests([])) == []
    assert list(requests([readings_at(NOW, [])])) == []


def test_what_is_no_number_is_sent_as_it_was():
    frame = readings_at(NOW, [("db1", "a", math.nan), ("db1", "b", math.inf)])
    (request,) = requests([frame])
    values = [value for *_, value in read_back(request)]
    assert math.isnan(values[0])
    assert values[1] == math.inf
