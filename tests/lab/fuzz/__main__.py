"""Feeds every decoder and parser with inputs that reach new lines of it.

Run: python -m tests.lab.fuzz TARGET SECONDS

What a decoder of pushed telemetry may do with any bytes: return frames of the known schemas, or
raise ``Malformed``; for all others ``sources`` says it. Anything else ends the run with the input
that caused it, in the working folder. The corpus starts from what was recorded in tests/fixtures.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import atheris
import cramjam
import polars as pl

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

with atheris.instrument_imports(
    include=["collectors", "diagnose.fleet", "diagnose.topology", "diagnose.settings.yaml_lines"]
):
    from collectors import NotApplicable
    from tests.lab.fuzz.sources import Source, sources

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
    source = _pushed(target) if target in TARGETS else sources()[target]
    told: tuple[type[Exception], ...] = (NotApplicable, *source.told)

    def feed(body: bytes) -> None:
        try:
            frames = list(source.read(body))
        except told:
            return
        for frame in frames:
            if frame.schema not in (READINGS, LOGS, EDGES):
                raise AssertionError(frame.schema)

    corpus = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, seed in enumerate(source.seeds):
        (corpus / str(number)).write_bytes(seed)
    longest = max(4096, *map(len, source.seeds))
    options = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=1000"]
    atheris.Setup([sys.argv[0], *options, f"-max_len={longest}", str(corpus)], feed)
    atheris.Fuzz()


def _pushed(target: str) -> Source:
    """Return a decoder of pushed telemetry as a target; none of its frames is empty."""
    decode, recorded = TARGETS[target]

    def read(body: bytes) -> list[pl.DataFrame]:
        frames = list(decode(body).frames)
        if any(frame.is_empty() for frame in frames):
            raise AssertionError("an empty frame")
        return frames

    seeds = [file.read_bytes() for file in FIXTURES.glob(recorded)]
    if target.startswith("remote_write"):
        seeds = [bytes(cramjam.snappy.decompress_raw(seed)) for seed in seeds]
    return Source(read, (Malformed,), (*seeds, SEEDS.get(target, b"")))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
