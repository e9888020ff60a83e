"""OTLP logs and metrics, as OpenTelemetry's own SDK and a collector send them."""

import json
from contextlib import suppress
from datetime import timedelta

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collectors.limits import Limits
from collectors.push import Malformed, TooLarge, Unsupported, otlp_logs
from collectors.push.otlp import answer_of
from collectors.push.otlp_metrics import OtlpMetrics
from collectors.push.otlp_traces import OtlpTraces
from diagnose.schema import EDGES, LOGS
from diagnose.schema.wire import CALLEE, CALLER, EDGE, ENTITY, ORIGIN, PART
from tests.collectors.push.recorded import JSON, NOW, PROTOBUF, nanoseconds, recorded

CUMULATIVE, DELTA = 2, 1


def text(key, value):
    return KeyValue(key=key, value=AnyValue(string_value=value))


def log_rows(body, content_type=PROTOBUF, **limits):
    (frame,) = otlp_logs.decoded(body, content_type, NOW, Limits(**limits)).frames
    assert frame.schema == LOGS
    return frame.rows()


def logs(*records, **resource):
    request = ExportLogsServiceRequest()
    one = request.resource_logs.add()
    one.resource.attributes.extend(text(k.replace("_", "."), v) for k, v in resource.items())
    for record in records:
        one.scope_logs.add().log_records.add(**{"time_unix_nano": nanoseconds(), **record})
    return request


def metrics(name, unit="", resource=(), **kind):
    request = ExportMetricsServiceRequest()
    one = request.resource_metrics.add()
    one.resource.attributes.extend(text(k, v) for k, v in resource)
    one.scope_metrics.add().metrics.add(name=name, unit=unit, **kind)
    return request.SerializeToString()


def readings(body, content_type=PROTOBUF):
    decoded = OtlpMetrics().decode(body, content_type, NOW)
    return [row[1:] for frame in decoded.frames for row in frame.iter_rows()]


def test_logs_of_the_sdk():
    rows = log_rows(recorded("otlp_logs_1.bin"))
    assert [row[1:4] for row in rows] == [
        (
            "host42/lab-app",
            "ERROR",
            "mce: [Hardware Error]: CPU 0: Machine Check: 0 Bank 5: be00000000800400",
        ),
        ("host42/lab-app", "WARN", "nvme0: I/O 123 QID 4 timeout, aborting"),
        ("host42/lab-app", "ERROR", "boom"),
    ]
    assert json.loads(rows[2][4])["exception.type"] == "ZeroDivisionError"


def test_logs_of_a_collector_that_names_no_resource():
    rows = log_rows(recorded("otelcol_filelog_otlp_logs_1.bin"))
    assert [row[1:3] for row in rows] == [("unknown", level) for level in ("ERROR", "INFO", "WARN")]


def test_json_says_the_same_as_protobuf():
    for name, request in (
        ("otlp_logs_1.bin", ExportLogsServiceRequest()),
        ("otelcol_filelog_otlp_logs_1.bin", ExportLogsServiceRequest()),
    ):
        body = recorded(name)
        request.ParseFromString(body)
        as_json = json.dumps(MessageToDict(request, use_integers_for_enums=True)).encode()
        assert log_rows(as_json, f"{JSON}; charset=utf-8") == log_rows(body)
    metrics_ = ExportMetricsServiceRequest()
    metrics_.ParseFromString(recorded("otlp_metrics_1.bin"))
    as_json = json.dumps(MessageToDict(metrics_)).encode()
    assert readings(as_json, JSON) == readings(recorded("otlp_metrics_1.bin"))


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        ({"severity_number": 18}, "ERROR2"),
        ({"severity_text": "warning"}, "WARNING"),
        ({"severity_number": 99, "severity_text": "x" * 99}, "X" * 16),
        ({}, "INFO"),
    ],
)
def test_severity(record, severity):
    assert log_rows(logs(record).SerializeToString())[0][2] == severity


def test_a_body_with_an_inner_structure_is_json():
    record = logs({}, service_name="shop")
    value = record.resource_logs[0].scope_logs[0].log_records[0].body
    value.kvlist_value.values.add(key="a").value.array_value.values.add(int_value=1)
    assert json.loads(log_rows(record.SerializeToString())[0][3]) == {"a": [1]}


def test_attributes_are_json_and_bounded():
    attributes = [text(f"k{i:03}", "v" * 99) for i in range(70)]
    request = logs({"attributes": attributes, "trace_id": b"\1" * 16, "span_id": b"\2" * 8})
    request.resource_logs[0].scope_logs[0].log_records[0].attributes[0].value.double_value = float(
        "inf"
    )
    found = json.loads(log_rows(request.SerializeToString(), label_bytes=20)[0][4])
    assert found["k000"] == "inf"
    assert found["k001"] == "v" * 20
    assert found["dropped_attributes"] == 6
    assert found["trace_id"] == "01" * 16


def test_an_edge_that_was_sent_as_a_log_record_is_an_edge():
    named = [text(CALLER, "web1/shop"), text(CALLEE, "db1"), text(ORIGIN, "procfs")]
    edge, broken = {"event_name": EDGE, "attributes": named}, {"event_name": EDGE}
    (frame,) = otlp_logs.decoded(logs(edge, broken).SerializeToString(), PROTOBUF, NOW).frames
    assert frame.schema == EDGES
    assert frame.rows() == [(NOW, "web1/shop", "db1", "procfs")]


def test_metrics_of_the_sdk():
    assert readings(recorded("otlp_metrics_1.bin")) == [
        ("host42/lab-app", "disk.errors_total/device=sda", 3.0),
        ("host42/lab-app", "http.server.duration_count", 1.0),
        ("host42/lab-app", "http.server.duration_sum", 0.12),
        ("host42", "hw.temperature/hw.id=CPU0", 91.5),
    ]


def point(**fields):
    return {"time_unix_nano": nanoseconds(), **fields}


def total(temporality, monotonic=True, **fields):
    return {
        "sum": {
            "aggregation_temporality": temporality,
            "is_monotonic": monotonic,
            "data_points": [point(**fields)],
        }
    }


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        ("a", "ms", {"gauge": {"data_points": [point(as_int=1500)]}}, [("a", 1.5)]),
        ("a", "", total(CUMULATIVE, as_double=2.0), [("a_total", 2.0)]),
        ("a_total", "", total(CUMULATIVE, as_double=2.0), [("a_total", 2.0)]),
        ("a", "", total(CUMULATIVE, monotonic=False, as_int=2), [("a", 2.0)]),
        (
            "a",
            "By",
            total(DELTA, as_int=600, start_time_unix_nano=nanoseconds(NOW - timedelta(minutes=1))),
            [("a.per_second", 10.0)],
        ),
        ("a", "", total(DELTA, as_int=600), []),  # over which time is not said
        ("a", "", {"gauge": {"data_points": [point()]}}, []),
        (
            "a",
            "s",
            {
                "summary": {
                    "data_points": [
                        point(count=2, sum=3.0, quantile_values=[{"quantile": 0.9, "value": 2.0}])
                    ]
                }
            },
            [("a_count", 2.0), ("a_sum", 3.0), ("a/quantile=0.9", 2.0)],
        ),
    ],
)
def test_kinds_of_metrics(name, unit, kind, expected):
    found = readings(metrics(name, unit, [("host.name", "h")], **kind))
    assert found == [("h", *row) for row in expected]


def test_what_the_agent_sends_is_what_it_read():
    gauge = {"data_points": [point(as_double=41.0, attributes=[text(PART, "coretemp/Core 0")])]}
    body = metrics("hw.temperature", "", [("host.name", "h"), (ENTITY, "h/sda")], gauge=gauge)
    assert readings(body) == [("h/sda", "hw.temperature/coretemp/Core 0", 41.0)]


def test_points_without_a_value_and_too_many_series_are_counted():
    points = [point(as_int=1, attributes=[text("x", str(i))]) for i in range(3)]
    points.append(point(as_int=1, flags=1))
    decoder = OtlpMetrics(Limits(series=2))
    for _ in range(2):
        decoded = decoder.decode(metrics("a", gauge={"data_points": points}), PROTOBUF, NOW)
        assert decoded.frames[0].height == 2
        assert decoded.rejected == {"too_many_series": 1, "stale_marker": 1}


DECODERS = {
    "logs": lambda body, kind, **limits: otlp_logs.decoded(body, kind, NOW, Limits(**limits)),
    "metrics": lambda body, kind, **limits: OtlpMetrics(Limits(**limits)).decode(body, kind, NOW),
    "traces": lambda body, kind, **limits: OtlpTraces(Limits(**limits)).decode(body, kind, NOW),
}
EVERY = pytest.mark.parametrize("decode", DECODERS.values(), ids=DECODERS)


def nested(depth):
    value = AnyValue(string_value="x")
    for _ in range(depth):
        outer = AnyValue()
        outer.array_value.values.append(value)
        value = outer
    request = logs({})
    request.resource_logs[0].scope_logs[0].log_records[0].body.CopyFrom(value)
    return request


def test_nesting_is_bounded():
    assert "x" in log_rows(nested(10).SerializeToString())[0][3]
    assert "x" not in log_rows(nested(40).SerializeToString())[0][3]
    value = b"\x0a\x01x"
    for _ in range(150):  # a value within an array within a value: deeper than protobuf writes
        value = field(b"\x2a", field(b"\x0a", value))
    record = field(b"\x12", field(b"\x2a", value))
    with pytest.raises(Malformed):
        log_rows(field(b"\x0a", field(b"\x12", record)))


def field(tag, content):
    """Return a field of protobuf with a length of up to two bytes."""
    size = len(content)
    return tag + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])) + content


@EVERY
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"1", b"null", b'"x"', b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000),
        *(b'{"resourceLogs": 5}', b'{"resourceLogs": [5]}', b'{"resourceLogs": {"a": 1}}'),
        *(b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": 1}]}]}]}',),
        *(b'{"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": {}}]}]}]}',),
        *(b'{"resourceMetrics": [{"resource": {"attributes": [{"key": "\\ud800"}]}}]}',),
    ],
)
def test_json_of_another_kind_is_refused_or_empty(decode, body):
    with suppress(Malformed):
        assert decode(body, JSON).frames == ()


@EVERY
def test_other_content_types_are_refused(decode):
    with pytest.raises(Unsupported):
        decode(b"", "text/plain")


@EVERY
@settings(max_examples=50)
@given(data=st.data())
def test_damaged_bytes_are_refused_or_read(decode, data):
    name = data.draw(
        st.sampled_from(["otlp_logs_1.bin", "otlp_metrics_1.bin", "otlp_traces_1.bin"])
    )
    body = bytearray(recorded(name))
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[place] = data.draw(st.integers(0, 255))
    with suppress(Malformed):
        decode(bytes(body), PROTOBUF)


def test_a_request_has_a_greatest_size():
    body = logs({}, {}, {}).SerializeToString()
    for limits in ({"records": 2}, {"unpacked_bytes": 10}):
        with pytest.raises((TooLarge, Malformed)):
            DECODERS["logs"](body, PROTOBUF, **limits)
    many = ExportTraceServiceRequest()
    many.resource_spans.add().scope_spans.add().spans.extend([Span()] * 3)
    with pytest.raises(TooLarge):
        DECODERS["traces"](many.SerializeToString(), PROTOBUF, records=2)


def test_a_sender_is_told_what_was_not_kept():
    body = logs({}, {"time_unix_nano": 1}).SerializeToString()
    decoded = otlp_logs.decoded(body, PROTOBUF, NOW)
    told = json.loads(answer_of("logs", JSON, decoded))
    assert told == {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "too_old: 1"}}
    response = ExportLogsServiceResponse.FromString(answer_of("logs", PROTOBUF, decoded))
    assert response.partial_success.rejected_log_records == 1
    assert "partialSuccess" in json.loads(answer_of("metrics", JSON, decoded))
    assert "partialSuccess" in json.loads(answer_of("traces", JSON, decoded))
