"""Feeds every decoder of pushed telemetry with inputs that reach new lines of it.

Run: python -m tests.lab.fuzz TARGET SECONDS

What a decoder may do with any bytes: return frames of the known schemas, or raise ``Malformed``.
Anything else ends the run with the input that caused it, in the working folder. The corpus starts
from the recorded requests in tests/fixtures/push.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import atheris
import cramjam

with atheris.instrument_imports(
    include=["collectors.push", "collectors.limits", "google.protobuf"]
):
    from collectors.push import (
        Decoded,
        Malformed,
        alertmanager_webhook,
        deploy_webhook,
        loki_push,
        otlp_logs,
        syslog,
    )
    from collectors.push.otlp import JSON, PROTOBUF
    from collectors.push.otlp_metrics import OtlpMetrics
    from collectors.push.otlp_traces import OtlpTraces
    from collectors.push.remote_write import RemoteWrite

from diagnose.schema import EDGES, LOGS, READINGS

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
FIXTURES = Path(__file__).parents[2] / "fixtures" / "push"
VERSION_2 = f"{PROTOBUF};proto=io.prometheus.write.v2.Request"
MEMORY = RemoteWrite(), OtlpMetrics(), OtlpTraces()
Decode = Callable[[bytes], Decoded]


def _packed(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


# Name -> the decoder, and which recorded requests it starts from.
TARGETS: dict[str, tuple[Decode, str]] = {
    "snappy": (lambda body: MEMORY[0].decode(body, PROTOBUF, NOW), "remote_write_*"),
    "remote_write": (lambda body: MEMORY[0].decode(_packed(body), PROTOBUF, NOW), "remote_write_*"),
    "remote_write_2": (lambda body: MEMORY[0].decode(_packed(body), VERSION_2, NOW), "-"),
    "otlp_logs": (lambda body: otlp_logs.decoded(body, PROTOBUF, NOW), "*otlp_logs*"),
    "otlp_logs_json": (lambda body: otlp_logs.decoded(body, JSON, NOW), "-"),
    "otlp_metrics": (lambda body: MEMORY[1].decode(body, PROTOBUF, NOW), "otlp_metrics*"),
    "otlp_metrics_json": (lambda body: MEMORY[1].decode(body, JSON, NOW), "-"),
    "otlp_traces": (lambda body: MEMORY[2].decode(body, PROTOBUF, NOW), "otlp_traces*"),
    "otlp_traces_json": (lambda body: MEMORY[2].decode(body, JSON, NOW), "-"),
    "loki": (lambda body: loki_push.decoded(_packed(body), PROTOBUF, NOW), "-"),
    "loki_json": (lambda body: loki_push.decoded(body, JSON, NOW), "-"),
    "syslog": (lambda body: syslog.decoded(body.split(b"\n"), "h", NOW), "rsyslog*"),
    "alertmanager": (lambda body: alertmanager_webhook.decoded(body, NOW), "alertmanager*"),
    "deploy": (lambda body: deploy_webhook.decoded(body, NOW), "-"),
}


# What to start from where nothing is recorded.
SEEDS = {
    "remote_write_2": b"\x22\x00\x22\x08__name__\x22\x02up\x2a\x16\x0a\x02\x01\x02\x12\x10\x09"
    + bytes(7)
    + b"\x3f\x10\xc0\xea\xc1\xd8\xfe\x33",
    "loki": b'\x0a\x20\x0a\x0c{job="shop"}\x12\x10\x0a\x06\x08\xd0\xfd\x85\xc9\x06\x12\x06failed',
    "loki_json": b'{"streams":[{"stream":{"job":"a"},"values":[["1795341600000000000","x",{}]]}]}',
    "otlp_logs_json": b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1795341600'
    b'000000000","severityNumber":9,"body":{"stringValue":"x"},"attributes":[{"key":"a","value":'
    b'{"arrayValue":{"values":[{"intValue":"1"}]}}}]}]}]}]}',
    "otlp_metrics_json": b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","sum":{'
    b'"dataPoints":[{"timeUnixNano":"1795341600000000000","asInt":"1"}],"isMonotonic":true,'
    b'"aggregationTemporality":2}}]}]}]}',
    "otlp_traces_json": b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103'
    b'","spanId":"5b8efff7","startTimeUnixNano":"1795341600000000000","kind":2}]}]}]}',
    "deploy": b'[{"entity":"a","change":"deploy","time":"2026-11-22T10:00:00Z","version":1.5}]',
}


def main(target: str, seconds: int) -> None:
    """Feed ``target`` for so long; the process ends with the run."""
    decode, recorded = TARGETS[target]

    def feed(body: bytes) -> None:
        try:
            decoded = decode(body)
        except Malformed:
            return
        for frame in decoded.frames:
            if frame.schema not in (READINGS, LOGS, EDGES) or frame.is_empty():
                raise AssertionError(frame.schema)

    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for file in FIXTURES.glob(recorded):
        body = file.read_bytes()
        unpack = target.startswith("remote_write")
        raw = bytes(cramjam.snappy.decompress_raw(body)) if unpack else body
        (corpus / file.name).write_bytes(raw)
    (corpus / "seed").write_bytes(SEEDS.get(target, b""))
    options = [f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", "-rss_limit_mb=1000"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
