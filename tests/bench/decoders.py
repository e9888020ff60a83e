"""How fast pushed telemetry is decoded, on one core: records a second of processor time.

Run: python -m tests.bench.decoders

Requests are the recorded ones in tests/fixtures/push, repeated until they hold a few thousand
records. Labels of remote write are known after the first request, as they are after a sender's
first minute.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

os.environ["POLARS_MAX_THREADS"] = "1"

import cramjam
import polars as pl
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from rich.console import Console
from rich.table import Table

from collectors.push import Decoded, loki_push, otlp_logs, syslog
from collectors.push.otlp import PROTOBUF
from collectors.push.remote_write import RemoteWrite
from collectors.redaction import Redaction

FIXTURES = Path(__file__).parents[1] / "fixtures" / "push"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ROUNDS = 50
LINES = (
    b"<38>1 2026-11-22T09:24:45Z n1 sshd 712 - - Failed password for root from 10.0.0.5 port 22",
    b"<30>Nov 22 09:24:45 web1 shop[7]: GET /orders/17 took 15 ms, status 200",
)


def remote_write() -> Callable[[], int]:
    """Return a decoding of a request with 2,000 series, a sample each."""
    decoder = RemoteWrite()
    bodies = [(FIXTURES / f"remote_write_{i % 3 + 1}.bin").read_bytes() for i in range(4)]
    request = b"".join(bytes(cramjam.snappy.decompress_raw(body)) for body in bodies)
    body = bytes(cramjam.snappy.compress_raw(request))
    return lambda: _rows(decoder.decode(body, PROTOBUF, NOW))


def logs() -> Callable[[], int]:
    """Return a decoding of a request with 3,000 OTLP log records of one resource."""
    request = ExportLogsServiceRequest.FromString((FIXTURES / "otlp_logs_1.bin").read_bytes())
    records = request.resource_logs[0].scope_logs[0].log_records
    recorded = list(records)
    for _ in range(999):
        records.extend(recorded)
    body = request.SerializeToString()
    return lambda: _rows(otlp_logs.decoded(body, PROTOBUF, NOW))


def loki() -> Callable[[], int]:
    """Return a decoding of a request with 2,000 lines."""
    request = loki_push.push_request()()
    stream = request.streams.add(labels='{job="shop", instance="web1:8080", level="info"}')
    for number in range(2000):
        entry = stream.entries.add(line=f"GET /orders/{number} took 15 ms")
        entry.timestamp.seconds = int(NOW.timestamp())
    body = bytes(cramjam.snappy.compress_raw(request.SerializeToString()))
    return lambda: _rows(loki_push.decoded(body, PROTOBUF, NOW))


def syslog_lines() -> Callable[[], int]:
    """Return a decoding of 4,000 lines, half of each standard."""
    lines = LINES * 2000
    return lambda: _rows(syslog.decoded(lines, "10.0.0.9", NOW))


def redaction() -> Callable[[], int]:
    """Return a redaction of 20,000 lines, one in a hundred with a secret."""
    redact = Redaction(b"key")
    clean = [line.decode() for line in LINES] * 50
    lines = pl.Series([*clean[:-1], "login with token=3f9a8b7c6d5e"] * 200)
    return lambda: len(redact.texts(lines))


def _rows(decoded: Decoded) -> int:
    return sum(frame.height for frame in decoded.frames)


def main() -> None:
    """Print the table."""
    table = Table("what", "records/s")
    for case in (remote_write, logs, loki, syslog_lines, redaction):
        once = case()
        once()
        start = process_time()
        records = sum(once() for _ in range(ROUNDS))
        table.add_row(case.__name__.replace("_", " "), f"{records / (process_time() - start):,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
