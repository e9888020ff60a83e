"""How fast telemetry is made durable, how small it is kept, how fast it is found: beside peers.

    python -m tests.bench.ingest [--samples 4000000] [--lines 500000]

Real processes on 127.0.0.1, one after the other, with the same sender and the same bytes: requests
of remote write for aitia and VictoriaMetrics, lines of syslog for aitia and rsyslog. aitia answers
when the disk has a request; VictoriaMetrics answers when memory has it.
"""

import argparse
import gzip
import http.client
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import cramjam
import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from diagnose.telemetry.reader import Reader
from tests.programs import LOCAL, free_port, listens, needed, started, wait_until

SERIES = 5000
STEP_SECONDS = 15
SAMPLES_A_REQUEST = 2000
CONNECTIONS = 4
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
RECORDS_A_REQUEST = 1000
OTLP = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
RSYSLOG = """
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imtcp" maxSessions="64")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="all")
ruleset(name="all" queue.type="LinkedList" queue.size="200000") {{
  action(type="omfile" file="{folder}/all.log")
}}
"""


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, content):
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def sample_of(milliseconds, value):
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(milliseconds))


def label_sets():
    """Return the labels of every series, encoded: 100 hosts with 50 metrics each."""
    for place in range(SERIES):
        labels = {
            "__name__": f"node_metric_{place % 50}_total",
            "device": f"sd{place % 7}",
            "instance": f"web-{place // 50}.example:9100",
            "job": "node",
        }
        yield b"".join(
            field(1, field(1, name.encode()) + field(2, value.encode()))
            for name, value in labels.items()
        )


def requests(samples, begin):
    """Yield packed requests that hold ``samples`` together, oldest first; half are counters."""
    labels = list(label_sets())
    body = []
    for step, values in enumerate(values_of(samples // SERIES).tolist()):
        moment = begin + step * STEP_SECONDS * 1000
        for series, value in enumerate(values):
            body.append(field(1, labels[series] + sample_of(moment, value)))
            if len(body) == SAMPLES_A_REQUEST:
                yield bytes(cramjam.snappy.compress_raw(b"".join(body)))
                body = []


def otlp_requests(records):
    """Yield requests of OTLP, packed, that hold ``records`` log records together."""
    now = time.time_ns()
    for first in range(0, records, RECORDS_A_REQUEST):
        request = ExportLogsServiceRequest()
        resource = request.resource_logs.add()
        for key, value in (("host.name", f"web-{first % 100}"), ("service.name", "shop")):
            resource.resource.attributes.add(key=key).value.string_value = value
        scope = resource.scope_logs.add()
        for place in range(first, first + RECORDS_A_REQUEST):
            record = scope.log_records.add(time_unix_nano=now + place * 1000, severity_number=9)
            record.body.string_value = f"order {place} from 10.0.{place % 256}.7 took {place % 977}"
            record.attributes.add(key="thread").value.int_value = place % 16
        yield gzip.compress(request.SerializeToString(), 1)


def post(port, path, bodies, headers=HEADERS):
    """Post all bodies over a few connections; return after the last answer."""
    waiting = iter(bodies)
    lock = threading.Lock()
    failures: list[int] = []

    def send():
        connection = http.client.HTTPConnection(LOCAL, port, timeout=60)
        while not failures:
            with lock:
                body = next(waiting, None)
            if body is None:
                return
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status >= 300:
                failures.append(answer.status)

    threads = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"answered {failures[0]}")


@contextmanager
def aitia(folder):
    """Run aitia ingest; yield the process, its HTTP and its syslog port."""
    http_port, syslog_port = free_port(), free_port()
    environment = {
        "AITIA_TELEMETRY__DIR": str(folder / "aitia"),
        "AITIA_TELEMETRY__FLUSH_SECONDS": "10",
        "AITIA_INGEST__PORT": str(http_port),
        "AITIA_INGEST__SYSLOG_TCP": f"{LOCAL}:{syslog_port}",
    }
    command = [sys.executable, "-m", "diagnose", "ingest"]
    os.environ.update(environment)
    with started(command, folder / "aitia.log") as process:
        wait_until(lambda: listens(http_port), 60)
        yield process, http_port, syslog_port


def kept(port, stream):
    """Return how many records of a stream the server says it has kept."""
    connection = http.client.HTTPConnection(LOCAL, port, timeout=30)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    lines = [line for line in page.splitlines() if line.startswith("aitia_ingest_records_total{")]
    return sum(float(line.split()[-1]) for line in lines if f'stream="{stream}"' in line)


def size(folder):
    """Return the bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def syslog_lines(number):
    now = datetime.now(UTC)
    for place in range(number):
        moment = (now + timedelta(microseconds=place)).isoformat(timespec="microseconds")
        yield (
            f"<14>1 {moment} web-{place % 100} shop {place % 9999} - - order {place} from "
            f"10.0.{place % 256}.{place % 199} took {place % 977} ms\n"
        ).encode()


def send_lines(port, lines):
    with socket.create_connection((LOCAL, port)) as connection:
        while chunk := b"".join(islice(lines, 2000)):
            connection.sendall(chunk)


class Stopwatch:
    """Wall time, and the CPU time of a server: that does not depend on who else is busy."""

    def __init__(self, process):
        self._pid = process.pid
        self._wall, self._cpu = time.perf_counter(), self._used()

    def _used(self):
        """Return the CPU time of a server and of the processes that it has started."""
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
        ticks = 0
        for process in (self._pid, *children):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def say(self, what, number, unit):
        """Say how many of ``unit`` a second that was; return the seconds."""
        wall, cpu = time.perf_counter() - self._wall, self._used() - self._cpu
        rates = f"{number / wall:,.0f} {unit}/s, {number / cpu:,.0f} per second of its CPU time"
        say(what, rates)
        return wall


def samples_bench(folder, samples, bodies):
    with aitia(folder) as (server, port, _):
        post(port, "/api/v1/write", bodies[:20])  # code is compiled, series are learned
        watch = Stopwatch(server)
        post(port, "/api/v1/write", bodies)
        took = watch.say("remote write, aitia, durable", samples, "samples")
    tables = folder / "aitia" / "tables"
    say(
        "kept by aitia, before compaction",
        f"{size(tables / 'readings') / samples:.2f} bytes/sample",
    )
    find(tables, samples)
    victoria = needed("victoria-metrics", "victoria-metrics")
    place, port = folder / "victoria", free_port()
    command = [victoria, f"-storageDataPath={place}", f"-httpListenAddr={LOCAL}:{port}"]
    with started([*command, "-retentionPeriod=100y"], folder / "victoria.log") as server:
        wait_until(lambda: listens(port), 60)
        post(port, "/api/v1/write", bodies[:20])
        watch = Stopwatch(server)
        post(port, "/api/v1/write", bodies)
        beside = watch.say("remote write, VictoriaMetrics", samples, "samples")
        say("aitia to VictoriaMetrics", f"{beside / took:.2f}")
    prometheus_blocks(folder, samples)
    say("kept by VictoriaMetrics", f"{size(place / 'data') / samples:.2f} bytes/sample")


def prometheus_blocks(folder, samples):
    """Say how small Prometheus keeps the same samples, as the blocks that it compacts them to."""
    promtool = needed("promtool", "prometheus")
    text, blocks = folder / "samples.txt", folder / "blocks"
    text.write_text("\n".join([*exposed(samples), "# EOF\n"]))
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)]
    subprocess.run(command, check=True, capture_output=True)
    say("kept by Prometheus", f"{size(blocks) / samples:.2f} bytes/sample")


def exposed(samples):
    """Yield the same samples in OpenMetrics' text format, series by series."""
    steps = samples // SERIES
    begin = int(time.time()) - steps * STEP_SECONDS
    for series, values in enumerate(values_of(steps).T.tolist()):
        labels = f'device="sd{series % 7}",instance="web-{series // 50}"'
        name = f"node_metric_{series % 50}{{{labels}}}"
        for step, value in enumerate(values):
            yield f"{name} {value} {begin + step * STEP_SECONDS}"


def values_of(steps):
    """Return the values of all series, shape (steps, series): half counters, half gauges."""
    chance = np.random.default_rng(0)
    counters = np.cumsum(chance.integers(0, 50, (steps, SERIES)), axis=0)
    gauges = np.round(chance.normal(50, 5, (steps, SERIES)), 2)
    return np.where(np.arange(SERIES) % 2, counters, gauges)


def find(tables, samples):
    """Compact what was kept, as the server does in time, and look for an hour of 200 series."""
    from diagnose.telemetry.tables import Tables
    from diagnose.telemetry.upkeep import Upkeep

    upkeep = Upkeep(Tables(str(tables)), timedelta(days=36_500))
    for _ in range(10):
        upkeep.run(datetime.now(UTC))
    files = [Path(file) for file in upkeep.tables.table("readings").file_uris()]
    held = sum(file.stat().st_size for file in files)
    say("kept by aitia, compacted", f"{held / samples:.2f} bytes/sample in {len(files)} files")
    chance, took = np.random.default_rng(1), []
    reader = Reader(str(tables))
    begin = datetime.now(UTC) - timedelta(seconds=samples // SERIES * STEP_SECONDS)
    for _ in range(30):
        hosts = [f"web-{host}.example" for host in chance.choice(100, 4, replace=False)]
        since = time.perf_counter()
        found = reader.readings(begin, begin + timedelta(hours=1), hosts)
        took.append(time.perf_counter() - since)
    say(
        f"1 h of 200 series out of {samples:,} ({found.height:,} rows)",
        f"p50 {np.median(took) * 1e3:.0f} ms, slowest {max(took) * 1e3:.0f} ms",
    )


def lines_bench(folder, number):
    lines = list(syslog_lines(number))
    with aitia(folder) as (server, port, syslog_port):
        watch = Stopwatch(server)
        send_lines(syslog_port, iter(lines))
        wait_until(lambda: kept(port, "logs") >= number, 300)
        took = watch.say("syslog over TCP, aitia, durable", number, "records")
        bodies = list(otlp_requests(number // 2))
        post(port, "/v1/logs", bodies[:5], OTLP)
        watch = Stopwatch(server)
        post(port, "/v1/logs", bodies[5:], OTLP)
        watch.say("OTLP logs, aitia, durable", (len(bodies) - 5) * RECORDS_A_REQUEST, "records")
    rsyslog = needed("rsyslogd", "rsyslog")
    place, port = folder / "rsyslog", free_port()
    place.mkdir()
    settings = folder / "rsyslog.conf"
    settings.write_text(RSYSLOG.format(folder=place, port=port))
    command = [rsyslog, "-n", "-f", str(settings), "-i", str(place / "pid")]
    whole = sum(map(len, lines)) // 2  # its format is shorter than RFC 5424
    with started(command, folder / "rsyslog.log") as server:
        wait_until(lambda: listens(port), 60)
        watch = Stopwatch(server)
        send_lines(port, iter(lines))
        written = place / "all.log"
        counted = ["wc", "-l", str(written)]
        wait_until(lambda: written.exists() and written.stat().st_size > whole, 300)
        wait_until(
            lambda: int(subprocess.run(counted, capture_output=True).stdout.split()[0]) >= number,
            300,
        )
        beside = watch.say("syslog over TCP, rsyslog to a file", number, "records")
    say("aitia to rsyslog", f"{beside / took:.2f}")


def say(what, figure):
    sys.stdout.write(f"{what:55} {figure}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=4_000_000)
    parser.add_argument("--lines", type=int, default=500_000)
    given = parser.parse_args()
    say("load before the run (others share the cores)", f"{os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as scratch:
        span = given.samples // SERIES * STEP_SECONDS
        first = int((time.time() - span) * 1000)
        samples_bench(Path(scratch), given.samples, list(requests(given.samples, first)))
        lines_bench(Path(scratch), given.lines)
    say("load after the run", f"{os.getloadavg()[0]:.1f}")
