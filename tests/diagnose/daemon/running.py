"""``aitia daemon`` as a process that can be asked, stopped, killed and started again."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.programs import wait_until


@dataclass
class Running:
    """A daemon on a home of its own.

    Attributes:
        home: Folder of its state, its cache, its socket and its log.
        settings: More of its environment.
    """

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        self.home.mkdir(exist_ok=True)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self):
        return self.home / "run" / "aitia" / "daemon.sock"

    @property
    def environment(self):
        return {
            **os.environ,
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            **self.settings,
        }

    def command(self, *arguments):
        """Run ``aitia`` with the same settings, and return how it ended."""
        command = [sys.executable, "-m", "diagnose", *map(str, arguments)]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )

    def start(self):
        command = [sys.executable, "-m", "diagnose", "daemon"]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment
            )
        wait_until(lambda: self._answers("/-/healthy"), 300, "aitia daemon listens")
        wait_until(lambda: self._answers("/-/ready"), 300, "aitia daemon is ready")

    def _answers(self, path):
        assert self.process is not None
        assert self.process.poll() is None, self.log
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(self.socket)):
                return False  # a connection that httpx does not get, it leaves open
        with self.client() as client:
            return client.get(path).status_code == 200

    @property
    def log(self):
        return (self.home / "log").read_text()

    def client(self):
        transport = httpx.HTTPTransport(uds=str(self.socket))
        return httpx.Client(transport=transport, base_url="http://daemon", timeout=60)

    def explain(self, bundle, **more):
        with self.client() as client:
            return client.post("/v1/explain", json={"bundle": str(bundle), **more})

    def metrics(self):
        """Return the values of its metrics by name and labels."""
        with self.client() as client:
            lines = client.get("/metrics").text.splitlines()
        return {
            name: float(value)
            for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")
        }

    def tell(self, number):
        assert self.process is not None
        self.process.send_signal(number)

    def end(self, number=signal.SIGTERM):
        """Send a signal, and return the exit status."""
        self.tell(number)
        assert self.process is not None
        return self.process.wait(200)


@contextmanager
def running(home, **settings):
    """Run a daemon for as long as the block runs."""
    daemon = Running(home, settings)
    daemon.start()
    try:
        yield daemon
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.end()
