"""``aitia ingest`` as a process, and what real senders think they have sent to it."""

import json
import os
import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.programs import LOCAL, free_port, listens, wait_until


@dataclass
class Served:
    """A server that can be killed and started again on the same telemetry and ports.

    Attributes:
        folder: Of its telemetry.
        settings: More of its environment.
    """

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.http, self.syslog = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self):
        return {
            **os.environ,
            "AITIA_TELEMETRY__DIR": str(self.folder),
            "AITIA_TELEMETRY__FLUSH_SECONDS": "1",
            "AITIA_INGEST__PORT": str(self.http),
            "AITIA_INGEST__SYSLOG_TCP": f"{LOCAL}:{self.syslog}",
            **self.settings,
        }

    def start(self):
        command = [sys.executable, "-m", "diagnose", "ingest"]
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )
        wait_until(self._answers, 60, "aitia ingest serves")

    def _answers(self):
        assert self.process is not None
        assert self.process.poll() is None, self.folder.with_suffix(".log").read_text()
        return listens(self.http)

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def _end(self, number):
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(60)

    def metrics(self):
        """Return the values of its metrics by name and labels."""
        with urllib.request.urlopen(f"http://{LOCAL}:{self.http}/metrics", timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")
        }


@contextmanager
def serving(folder, **settings):
    """Run a server for as long as the block runs."""
    served = Served(folder, settings)
    served.start()
    try:
        yield served
    finally:
        if served.process is not None and served.process.poll() is None:
            served.stop()


def ask(port, path, **parameters):
    """Return ``data`` of an answer of Prometheus' HTTP API."""
    address = f"http://{LOCAL}:{port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(address, timeout=20) as answer:
        return json.load(answer)["data"]
