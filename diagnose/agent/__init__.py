"""The agent: reads this machine again and again, and sends what it read to an ingest server.

    collectors -> Runner -> otlp.requests -> Spool (disk) -> Sender -> HTTP

Collecting never waits for the network, and sending never waits for a source.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from time import monotonic
from typing import Final

from prometheus_client import CollectorRegistry, Counter

from collectors.runner import Runner, chosen
from diagnose.agent.otlp import Request, requests
from diagnose.agent.sender import Sender
from diagnose.agent.spool import Spool
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.systemd import notify, watchdog_seconds

STOP_SECONDS: Final = 5.0  # for the request that is being sent when the agent ends

_log = logging.getLogger("aitia.agent")


class Agent:
    """Collects and sends until it is stopped.

    Args:
        settings: Section ``collect`` says what is read, how often and where it goes.
        registry: Where all is counted.

    Raises:
        Failure: no address is set, or the spool cannot be opened.
    """

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        if settings.collect.to.url is None:
            raise Failure("collect.to.url is not set", "name it with --to URL, or look with --once")
        self.settings = settings.collect
        collectors, _ = chosen(settings)
        self.runner = Runner(
            collectors, self.settings.timeout_seconds, registry, self.settings.entity
        )
        self.spool = self._opened()
        self.runner.resume(self.spool.cursors())
        self.sender = Sender(self._opened, self.settings.to, registry)
        self._stopped = threading.Event()
        self._dropped = Counter(
            "aitia_agent_dropped_records",
            "Records lost because the spool was full.",
            registry=registry,
        )

    def stop(self) -> None:
        """Let ``run`` end after the present round."""
        self._stopped.set()

    def run(self) -> None:
        """Collect every ``collect.every_seconds``; a round is on disk before the next."""
        self.sender.start()
        notify("READY=1")
        due = monotonic()
        while not self._stopped.is_set():
            self.collect()
            if not self.sender.is_alive():
                raise Failure("the thread that sends has ended", "its traceback is in the log")
            due = max(due + self.settings.every_seconds, monotonic())
            self._wait_until(due)
        notify("STOPPING=1")
        self.sender.stop()
        self.sender.join(STOP_SECONDS)
        self.spool.close()

    def _wait_until(self, due: float) -> None:
        """Wait for the next round, with a sign of life as often as systemd wants one."""
        beat = (watchdog_seconds() or inf) / 2
        notify("WATCHDOG=1")
        while (left := due - monotonic()) > 0 and not self._stopped.wait(min(left, beat)):
            notify("WATCHDOG=1")

    def collect(self) -> None:
        """Run every collector once, and keep what it gave."""
        done = self.runner.run(datetime.now(UTC))
        self._keep(list(requests(done.frames)), done.cursors)

    def _keep(self, waiting: Sequence[Request], cursors: Mapping[str, str]) -> None:
        """Put a round into the spool; a full disk is waited out, since the sources were read."""
        said = False
        while True:
            try:
                dropped = self.spool.put(waiting, cursors)
                break
            except OSError as error:
                if not said:
                    _log.error("nothing is collected until this is repaired: %s", error)
                said = True
                notify("WATCHDOG=1")
                if self._stopped.wait(self.settings.every_seconds):
                    return  # the cursors did not move: the next process reads it again
        if dropped:
            self._dropped.inc(dropped)
            _log.warning("the spool is full: %d old records were dropped", dropped)

    def _opened(self) -> Spool:
        return Spool(self.settings.spool_dir, self.settings.spool_bytes)
