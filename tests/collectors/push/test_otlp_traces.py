"""Spans of several services -> one graph of calls, whatever order their reports come in."""

import random
from datetime import timedelta

import pytest
from google.protobuf.json_format import MessageToJson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collectors.push.otlp import JSON
from collectors.push.otlp_traces import PATIENCE, OtlpTraces
from collectors.push.repetitions import Repetitions
from diagnose.schema import EDGES, READINGS
from tests.collectors.push.recorded import NOW, PROTOBUF, nanoseconds, recorded

SERVER, CLIENT, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL


def span(name, parent="", kind=SERVER, milliseconds=100, failed=False, **attributes):
    end = nanoseconds()
    return Span(
        trace_id=b"t" * 16,
        span_id=name.encode(),
        parent_span_id=parent.encode(),
        kind=kind,
        start_time_unix_nano=end - milliseconds * 1_000_000,
        end_time_unix_nano=end,
        status=Status(code=Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET),
        attributes=[
            KeyValue(key=key.replace("_", "."), value=AnyValue(string_value=value))
            for key, value in attributes.items()
        ],
    )


def report(service, *spans):
    request = ExportTraceServiceRequest()
    one = request.resource_spans.add()
    if service:
        one.resource.attributes.add(key="service.name").value.string_value = service
    one.scope_spans.add().spans.extend(spans)
    return request.SerializeToString()


# web -> orders -> db, web -> mail; each service reports on its own
REPORTS = (
    report("web", span("w", kind=SERVER), span("wc", "w", CLIENT), span("wm", "w", CLIENT)),
    report("orders", span("o", "wc"), span("oi", "o", INTERNAL)),
    report("orders", span("oc", "oi", CLIENT, db_system="postgresql")),
    report("mail", span("m", "wm", failed=True)),
)
GRAPH = {("web", "orders"), ("orders", "postgresql"), ("web", "mail")}


def told(decoder, *reports, now=NOW):
    frames = [frame for body in reports for frame in decoder.decode(body, PROTOBUF, now).frames]
    edges = {row[1:3] for f in frames if f.schema == EDGES for row in f.iter_rows()}
    readings = [row[1:] for f in frames if f.schema == READINGS for row in f.iter_rows()]
    return edges, readings


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_reports_does_not_matter(seed):
    shuffled = random.Random(seed).sample(REPORTS, len(REPORTS))
    assert told(OtlpTraces(), *shuffled)[0] == GRAPH


def test_the_same_report_twice_adds_no_edge():
    assert told(OtlpTraces(), *REPORTS, *REPORTS)[0] == GRAPH


@pytest.mark.parametrize("between", [0, 1])
def test_a_report_that_is_sent_again_counts_once_and_says_the_same(between):
    decoder = OtlpTraces()
    body = report("web", span("a"), span("b", "a", CLIENT, peer_service="db"))
    first = told(decoder, body)
    told(decoder, *[report("web", span(f"other {i}")) for i in range(between)])
    assert told(decoder, body) == first
    _, readings = told(decoder, report("web", span("c")))
    assert readings[0] == ("web", "trace.requests_total", 2.0 + between)


def test_a_report_is_known_again_in_json_written_otherwise():
    decoder = OtlpTraces()
    request = ExportTraceServiceRequest.FromString(report("web", span("a")))
    bodies = [MessageToJson(request, indent=indent).encode() for indent in (None, 4)]
    (first,), (again,) = (decoder.decode(body, JSON, NOW).frames for body in bodies)
    assert first.equals(again)


def test_only_the_latest_requests_are_remembered():
    held = [OtlpTraces().decode(body, PROTOBUF, NOW) for body in REPORTS]
    remembered = Repetitions(largest=30_000)
    for number, decoded in enumerate(held):
        remembered.add(bytes([number]), decoded)
    known = [remembered.first(bytes([number])) is not None for number in range(len(held))]
    assert known[-1]
    assert not known[0]
    assert known == sorted(known)


def test_calls_within_a_service_are_no_edges():
    assert told(OtlpTraces(), report("web", span("a"), span("b", "a")))[0] == set()


def test_rates_errors_and_durations():
    decoder = OtlpTraces()
    spans = (span("a", milliseconds=100), span("b", milliseconds=300, failed=True))
    client = span("c", "a", CLIENT)
    assert told(decoder, report("web", *spans, client))[1] == [
        ("web", "trace.requests_total", 2.0),
        ("web", "trace.errors_total", 1.0),
        ("web", "trace.duration_seconds", 0.2),
    ]
    assert told(decoder, report("web", span("d", milliseconds=50)))[1] == [
        ("web", "trace.requests_total", 3.0),
        ("web", "trace.errors_total", 1.0),
        ("web", "trace.duration_seconds", 0.05),
    ]


def test_a_parent_that_never_comes_is_forgotten():
    decoder = OtlpTraces()
    told(decoder, report("orders", span("o", "wc")))
    for minutes in (PATIENCE, 2 * PATIENCE):
        told(decoder, report("other", span("x")), now=NOW + minutes)
    assert told(decoder, report("web", span("wc", "w", CLIENT)), now=NOW + 2 * PATIENCE)[0] == set()


def test_spans_that_name_no_service_are_of_no_graph():
    assert told(OtlpTraces(), report("", span("a", peer_service="x", kind=CLIENT))) == (set(), [])


def test_a_span_that_ends_before_it_begins_is_not_measured():
    assert told(OtlpTraces(), report("web", span("a", milliseconds=-5)))[1] == []


def test_too_old_spans_are_counted():
    decoded = OtlpTraces().decode(REPORTS[0], PROTOBUF, NOW + timedelta(days=99))
    assert decoded.rejected == {"too_old": 3}


def test_spans_of_the_sdk():
    edges, readings = told(OtlpTraces(), recorded("otlp_traces_1.bin"))
    assert edges == set()
    assert [row[:2] for row in readings] == [
        ("host42/lab-app", "trace.requests_total"),
        ("host42/lab-app", "trace.errors_total"),
        ("host42/lab-app", "trace.duration_seconds"),
    ]
