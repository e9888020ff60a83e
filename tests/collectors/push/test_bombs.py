"""A small body that would unpack to a great deal costs little memory before it is refused."""

import subprocess
import sys

import pytest

PEAK_MEGABYTES = 150
MAIN = r"""
import sys
from pathlib import Path
from datetime import UTC, datetime
import cramjam
kind = "application/x-protobuf"
def within(tag, inner):
    size, length = len(inner), b""
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return tag + length + bytes([size]) + inner
def request(scope):
    return within(b"\x0a", within(b"\x12", scope))
{make}
from collectors.limits import Limits
from collectors.push import Malformed, loki_push, otlp_logs
from collectors.push.otlp_metrics import OtlpMetrics
from collectors.push.otlp_traces import OtlpTraces
from collectors.push.remote_write import RemoteWrite
now = datetime.now(UTC)
try:
    {decode}
except Malformed as refused:
    print(type(refused).__name__, file=sys.stderr)
# getrusage would count the parent's memory, too: what was its size when it started this process
status = Path("/proc/self/status").read_text().split()
print(int(status[status.index("VmHWM:") + 1]) // 1024)
"""
OTLP = "{}(body, kind, now)"
# 256 MB of zeros in 12 MB of snappy is made in a process of its own: making it is not what counts.
ZEROS = "body = sys.stdin.buffer.read()"
WRITE = 'RemoteWrite().decode(body, "application/x-protobuf", now)'
BOMBS = {
    "remote write": (ZEROS, WRITE),
    "loki": (ZEROS, 'loki_push.decoded(body, "application/x-protobuf", now)'),
    # 16 MB of the smallest samples, series and log records that protobuf can write
    "samples": (
        r'body = bytes(cramjam.snappy.compress_raw(b"\x0a\x02\x12\x00" * (4 << 20)))',
        WRITE,
    ),
    "series": (r'body = bytes(cramjam.snappy.compress_raw(b"\x0a\x00" * (8 << 20)))', WRITE),
    "points of one series": (
        r'inner = b"\x12\x00" * (7 << 20); '
        r'body = bytes(cramjam.snappy.compress_raw(b"\x0a\x80\x80\x80\x07" + inner)); del inner',
        WRITE,
    ),
    # 16 MB of what becomes most objects, as gzip brings it in a few kilobytes
    "empty resources": (r'body = b"\x0a\x00" * (8 << 20)', OTLP.format("otlp_logs.decoded")),
    "log records": (
        r'body = request((b"\x12\x20\x2a\x1e\x0a\x1c" + b"x" * 28) * 450_000)',
        OTLP.format("otlp_logs.decoded"),
    ),
    "points": (
        r'body = request(within(b"\x12", within(b"\x2a", (b"\x0a\x09\x19" + bytes(8)) * 900_000)))',
        OTLP.format("OtlpMetrics().decode"),
    ),
    # a byte in the list of an exponential histogram's buckets becomes eight
    "buckets": (
        r'body = request(within(b"\x12", within(b"\x52", within(b"\x0a", within(b"\x42", '
        r'within(b"\x12", b"\x01" * (7 << 20)))))))',
        OTLP.format("OtlpMetrics().decode"),
    ),
    "attributes of one span": (
        r'body = request(within(b"\x12", b"\x4a\x00" * (7 << 20)))',
        OTLP.format("OtlpTraces().decode"),
    ),
    "a large document of JSON": (
        r'body = b"[" + b" " * (4 << 20) + b"]"; kind = "application/json"',
        OTLP.format("otlp_logs.decoded"),
    ),
    "objects of JSON": (
        r'body = b"[" + b"{},{}," * (5 << 19) + b"{}]"; kind = "application/json"',
        OTLP.format("otlp_logs.decoded"),
    ),
}


@pytest.fixture(scope="module")
def zeros():
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            "import cramjam, sys;"
            "sys.stdout.buffer.write(bytes(cramjam.snappy.compress_raw(bytes(256 << 20))))",
        ],
        capture_output=True,
        check=True,
    )
    return made.stdout


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_in_little_memory(bomb, zeros):
    make, decode = BOMBS[bomb]
    done = subprocess.run(
        [sys.executable, "-c", MAIN.format(make=make, decode=decode)],
        input=zeros,
        capture_output=True,
        check=True,
    )
    assert done.stderr.decode().strip() == "TooLarge"
    assert int(done.stdout) < PEAK_MEGABYTES


TEXTS = {
    "one text": r'b"\"" + b"x" * (3 << 20) + b"\""',
    "escapes": r'b"\"" + b"\\\\" * (1 << 20) + b"\""',
    "quotation marks of a text that does not end": r'b"\"" + b"\\\"" * (1 << 20)',
}


@pytest.mark.parametrize("text", TEXTS)
def test_long_texts_of_json_take_little_memory_and_time(text):
    decode = 'otlp_logs.decoded(body, "application/json", now)'
    done = subprocess.run(
        [sys.executable, "-c", MAIN.format(make=f"body = {TEXTS[text]}", decode=decode)],
        input=b"",
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert done.stderr.decode().strip() == "Malformed"
    assert int(done.stdout) < PEAK_MEGABYTES
