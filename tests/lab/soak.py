"""Let aitia daemon scan, explain and tell people for a while, and break what is around it.

python -m tests.lab.soak [--minutes 30] [--seed 1]

Around it: telemetry of a small fleet that goes on, two real Alertmanagers of one cluster that are
restarted in turn, a webhook, and people who ask why. In the first half the daemon is killed again
and again; in the second it is left alone, and must not grow. Exit status 1 where something was
lost, told twice, or grew.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from tests.diagnose.daemon.running import Running
from tests.diagnose.notify.alertmanagers import Peer, counted
from tests.lab.fleet_feed import feeding
from tests.lab.soak_table import Sample, Seen, lines, settle, table
from tests.programs import free_port
from tests.static_server import served

ROOT: Final = Path(__file__).parents[2]
BUNDLES: Final = sorted((ROOT / "tests" / "incidents").glob("[0-9]*_*"))
SCAN_SECONDS: Final = 30
SAMPLE_SECONDS: Final = 5.0
EXPLAIN_SECONDS: Final = 20.0
RESTART_SECONDS: Final = 90.0
KILL_SECONDS: Final = 100.0
SETTLING_SECONDS: Final = 120.0


class Soak:
    """A daemon and what is around it.

    Args:
        folder: For all of it.
        seed: Of when things break.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seen = folder, Seen()
        self._random = random.Random(seed)
        self._stack = ExitStack()
        self._asking = ThreadPoolExecutor(1)
        self._answers: list[Future[bool]] = []

    def __enter__(self) -> Self:
        """Start everything."""
        enter = self._stack.enter_context
        receiver, self.notified = enter(counted())
        webhook = enter(served(self._hook))
        gossip = free_port(), free_port()
        self.peers = [
            Peer(self.folder / "am0", receiver, gossip[0]),
            Peer(self.folder / "am1", receiver, gossip[1], other=gossip[0]),
        ]
        for peer in self.peers:
            peer.start()
            self._stack.callback(peer.stop)
        enter(feeding(self.folder / "telemetry"))
        self.daemon = Running(self.folder / "home", {"AITIA_CONFIG": str(self._settings(webhook))})
        self.daemon.start()
        self._stack.callback(self._end)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything."""
        self._asking.shutdown()
        self._stack.close()

    def run(self, seconds: float) -> None:
        """Disturb the daemon for half of the time, and watch it for all of it."""
        begin = time.monotonic()
        due = {"kill": KILL_SECONDS, "restart": RESTART_SECONDS, "ask": 0.0, "sample": 0.0}
        while (now := time.monotonic() - begin) < seconds:
            if now >= due["kill"] and now < seconds / 2:
                due["kill"] = now + KILL_SECONDS * self._random.uniform(0.6, 1.4)
                self._kill()
            if now >= due["restart"] and now < seconds - SETTLING_SECONDS:
                due["restart"] = now + RESTART_SECONDS * self._random.uniform(0.6, 1.4)
                self._restart()
            if now >= due["ask"] and all(answer.done() for answer in self._answers):
                due["ask"] = now + EXPLAIN_SECONDS
                self._answers.append(self._asking.submit(self._ask))
            if now >= due["sample"]:
                due["sample"] = now + SAMPLE_SECONDS
                self._sample(now)
            time.sleep(0.2)
        self.seen.asked = len(self._answers)
        self.seen.answered = sum(answer.result() for answer in self._answers)

    def _kill(self) -> None:
        self.daemon.end(signal.SIGKILL)
        self.seen.kills += 1
        self.daemon.start()

    def _restart(self) -> None:
        peer = self._random.choice(self.peers)
        peer.stop()
        time.sleep(self._random.uniform(0, 8))
        peer.start()
        self.seen.restarts += 1

    def _ask(self) -> bool:
        """Return whether somebody who asks has an answer, from the daemon or without it."""
        bundle = self._random.choice(BUNDLES)
        try:
            return self.daemon.command("explain", bundle, "-o", "json").returncode in (0, 1)
        except subprocess.TimeoutExpired:
            return False

    def _sample(self, now: float) -> None:
        process = self.daemon.process
        assert process is not None
        status = Path(f"/proc/{process.pid}/status").read_text()
        values = dict(line.split(":", 1) for line in status.splitlines())
        files = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        resident = int(values["VmRSS"].split()[0]) << 10
        self.seen.samples.append(Sample(now, process.pid, resident, files, int(values["Threads"])))

    def _hook(self, path: str, headers: Mapping[str, str], body: str) -> tuple[int, object]:
        told = json.loads(body)
        self.seen.messages.append((headers["Idempotency-Key"], told["event"]))
        return 200, {}

    def _settings(self, webhook: str) -> Path:
        fleet = self.folder / "fleet.yml"
        group = {"hosts": ["*"], "every": f"{SCAN_SECONDS}s"}
        fleet.write_text(json.dumps({"groups": {"all": group}}))
        file = self.folder / "aitia.yml"
        settings = {
            "store": {"url": f"sqlite:///{self.folder / 'state.db'}"},
            "telemetry": {"dir": str(self.folder / "telemetry")},
            "model": {"proposer": "none"},
            "daemon": {"fleet": str(fleet)},
            "notify": {
                "alertmanagers": [{"url": peer.url} for peer in self.peers],
                "webhook": {"url": webhook},
                "digest_hour": 0,
            },
        }
        file.write_text(json.dumps(settings))
        return file

    def _end(self) -> None:
        if self.daemon.process is not None and self.daemon.process.poll() is None:
            self.daemon.end()


def main() -> int:
    """Return 1 where something was lost, told twice, or grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="aitia-soak-") as scratch,
        Soak(Path(scratch), given.seed) as soak,
    ):
        soak.run(60 * given.minutes)
        state = soak.folder / "state.db"
        settle(state)
        found = lines(soak.seen, state, soak.peers, soak.notified)
    sys.stdout.write(table(found))
    return 0 if all(line.fine for line in found) else 1


if __name__ == "__main__":
    sys.exit(main())
