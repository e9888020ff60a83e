"""Kill aitia ingest again and again under a real Prometheus and a real rsyslog, and count.

Killed is the process that receives, the one that moves records into the tables, or both at once.
"""

import os
import random
import signal
import socket
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from collectors.prometheus_labels import node_of
from diagnose.telemetry.reader import Reader
from tests.diagnose.ingest.serving import ask, serving
from tests.diagnose.telemetry.conftest import mover_of
from tests.programs import LOCAL, free_port, listens, needed, started, wait_until

SCRAPES = """
global: {{scrape_interval: 1s, scrape_timeout: 900ms}}
scrape_configs:
- job_name: node
  static_configs: [{{targets: ["{exporter}"]}}]
remote_write:
- url: http://{receiver}/api/v1/write
  queue_config: {{batch_send_deadline: 300ms, min_backoff: 30ms, max_backoff: 200ms}}
"""
FORWARDS = """
global(workDirectory="{folder}")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="out")
template(name="whole" type="string"
  string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME% %APP-NAME% - - - %msg%")
ruleset(name="out" queue.type="LinkedList" queue.filename="out" queue.saveOnShutdown="on") {{
  action(type="omfwd" target="127.0.0.1" port="{receiver}" protocol="tcp" template="whole"
         TCP_Framing="octet-counted" action.resumeRetryCount="-1" action.resumeInterval="1")
}}
"""
COLLECTORS = ["--collector.disable-defaults", "--collector.cpu", "--collector.meminfo"]


class Talker:
    """Gives numbered lines to rsyslog, some hundred a second, until it is told to stop."""

    def __init__(self, port):
        self.said = 0
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        with socket.create_connection((LOCAL, self._port)) as connection:
            while not self._stop.wait(0.01):
                now = datetime.now(UTC).isoformat(timespec="microseconds")
                for _ in range(5):
                    line = f"<14>1 {now} host1 talker - - - line {self.said} \n"
                    connection.sendall(line.encode())
                    self.said += 1

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.stop()

    def stop(self):
        self._stop.set()
        self._thread.join()


@contextmanager
def senders(folder, receiver):
    """Run node_exporter, Prometheus and rsyslog; yield the ports of the latter two."""
    exporter, prometheus, rsyslog = free_port(), free_port(), free_port()
    scrapes = folder / "prometheus.yml"
    scrapes.write_text(
        SCRAPES.format(exporter=f"{LOCAL}:{exporter}", receiver=f"{LOCAL}:{receiver.http}")
    )
    forwards = folder / "rsyslog.conf"
    forwards.write_text(FORWARDS.format(folder=folder, port=rsyslog, receiver=receiver.syslog))
    node = needed("prometheus-node-exporter", "prometheus-node-exporter")
    server = needed("prometheus", "prometheus")
    syslog = needed("rsyslogd", "rsyslog")
    commands = [
        [node, f"--web.listen-address={LOCAL}:{exporter}", *COLLECTORS],
        [
            *(server, f"--config.file={scrapes}", f"--storage.tsdb.path={folder / 'tsdb'}"),
            f"--web.listen-address={LOCAL}:{prometheus}",
        ],
        [syslog, "-n", "-f", str(forwards), "-i", str(folder / "rsyslog.pid")],
    ]
    with (
        started(commands[0], folder / "exporter.log"),
        started(commands[1], folder / "prometheus.log"),
        started(commands[2], folder / "rsyslog.log"),
    ):
        wait_until(lambda: listens(prometheus) and listens(rsyslog), 30, "the senders run")
        yield prometheus, rsyslog


def kill_again_and_again(folder, rounds, seed=1):
    """Assert that what was acknowledged is there exactly once after ``rounds`` kills.

    Returns:
        How many samples and lines that was.
    """
    chance = random.Random(seed)
    begin = datetime.now(UTC)
    told = 0  # lines that the server said it had kept
    with (
        serving(folder / "telemetry") as served,
        senders(folder, served) as (prometheus, rsyslog),
        Talker(rsyslog) as talker,
    ):
        wait_until(lambda: records(served, "readings"), 30, "samples arrive")
        for _ in range(rounds):
            time.sleep(chance.uniform(0.3, 1.5))
            whom = chance.choice(["receiver", "mover", "both"])
            if whom != "mover":
                told += records(served, "logs")
            kill(served, whom)
        wait_until(lambda: records(served, "readings"), 30, "samples arrive again")
        talker.stop()
        end = datetime.now(UTC) - timedelta(seconds=1.5)
        wait_until(lambda: sent_up_to(prometheus) > end.timestamp(), 30, "all is sent")
        samples = compare_samples(served.folder, prometheus, begin, end)
        lines = wait_until(lambda: arrived(served, talker.said, begin), 30, "the last line arrives")
        assert set(lines.values()) == {1}  # none twice
        assert told <= len(lines) <= talker.said
    again = compare_samples(served.folder, None, begin, end)
    assert again == samples
    return sum(map(len, samples.values())), len(lines)


def kill(served, whom):
    """Kill one or both processes of a server, and start again what does not by itself."""
    mover = mover_of(served.process.pid)  # none, where the last one has just been killed
    if mover is not None and whom != "receiver":
        os.kill(mover, signal.SIGKILL)
    if whom != "mover":
        served.kill()
        served.start()


def records(served, stream):
    """Return how many records of a stream the server says it has kept in this life."""
    found = served.metrics()
    return sum(
        int(value)
        for name, value in found.items()
        if name.startswith("aitia_ingest_records_total") and f'stream="{stream}"' in name
    )


def sent_up_to(prometheus):
    """Return the time of the newest sample that Prometheus was told is kept."""
    name = "prometheus_remote_storage_queue_highest_sent_timestamp_seconds"
    with_self = ask_metrics(prometheus)
    for failed in ("failed", "dropped"):
        assert with_self.get(f"prometheus_remote_storage_samples_{failed}_total", 0) == 0
    return with_self.get(name, 0)


def ask_metrics(prometheus):
    """Return Prometheus' own metrics, summed over their labels."""
    found: dict[str, float] = {}
    with urllib.request.urlopen(f"http://{LOCAL}:{prometheus}/metrics", timeout=20) as answer:
        for line in answer.read().decode().splitlines():
            if line[:1] != "#":
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
    return found


def compare_samples(folder, prometheus, begin, end):
    """Return what is kept from ``begin`` to ``end``; assert that Prometheus has the same."""
    with Reader(f"{folder}/tables", folder / "journal.db") as reader:
        kept: dict[tuple[str, str], dict[int, float]] = {}
        rows = reader.readings(begin, end)
    for moment, entity, name, value in rows.iter_rows():
        series = kept.setdefault((entity, name), {})
        series[round(moment.timestamp() * 1000)] = value
    assert sum(map(len, kept.values())) == rows.height  # each once
    if prometheus is not None:
        seconds = int((end - begin).total_seconds()) + 1
        query = f'{{job="node"}}[{seconds}s]'
        known = ask(prometheus, "query", query=query, time=end.timestamp())["result"]
        assert len(known) > 10
        for series in known:
            node = node_of(series["metric"])
            sent = {round(float(t) * 1000): float(v) for t, v in series["values"]}
            assert kept[node.entity, node.signal] == sent, node
    return kept


def arrived(served, said, begin):
    """Return how often each line is there, once the last one is."""
    with Reader(f"{served.folder}/tables", served.folder / "journal.db") as reader:
        bodies = reader.logs(begin - timedelta(minutes=1), begin + timedelta(days=1))["body"]
    lines = Counter(int(body.split()[1]) for body in bodies if body.startswith("line "))
    return lines if said - 1 in lines else None
