"""Sends what the spool holds, oldest first, and says what became of each request."""

import logging
import threading
from collections.abc import Callable
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge

from diagnose.agent.otlp import Request
from diagnose.agent.spool import Spool
from diagnose.delivery import TOLD, Outcome, outcome_of
from diagnose.settings.sections import EndpointSection

FIRST_PAUSE: Final = 1.0  # seconds; doubled with each failure in a row
LONGEST_PAUSE: Final = 60.0
LONGEST_ASKED: Final = 600.0  # that a receiver is granted
IDLE_SECONDS: Final = 1.0  # between two looks at an empty spool
HEADERS: Final = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}

_log = logging.getLogger("aitia.agent")


class Sender(threading.Thread):
    """A thread that empties a spool until it is stopped.

    Args:
        spool: Opens the spool, in this thread.
        endpoint: Where to send to.
        registry: Where records and bytes are counted.
    """

    def __init__(
        self, spool: Callable[[], Spool], endpoint: EndpointSection, registry: CollectorRegistry
    ) -> None:
        super().__init__(name="send", daemon=True)
        self.spool, self.endpoint = spool, endpoint
        self._stopped = threading.Event()
        self._reason = ""
        self._records = Counter(
            "aitia_agent_records", "Records by what became of them.", ["outcome"], registry=registry
        )
        self._waiting = Gauge(
            "aitia_agent_spool_bytes", "Bytes that wait to be sent.", registry=registry
        )

    def stop(self) -> None:
        """Let the thread end after the request that it is sending."""
        self._stopped.set()

    def run(self) -> None:
        """Send, oldest first; pause where the spool is empty or the receiver is not ready."""
        spool, pause = self.spool(), FIRST_PAUSE
        try:
            with connection(self.endpoint) as client:
                while not self._stopped.is_set():
                    outcome = self._step(spool, client)
                    if outcome is None:
                        self._stopped.wait(IDLE_SECONDS)
                    elif outcome.answer == "later":
                        asked = outcome.pause_seconds
                        granted = min(max(asked or pause, FIRST_PAUSE), LONGEST_ASKED)
                        self._stopped.wait(granted)
                        pause = min(pause * 2, LONGEST_PAUSE)
                    else:
                        pause = FIRST_PAUSE
        finally:
            spool.close()

    def _step(self, spool: Spool, client: httpx.Client) -> Outcome | None:
        """Send the oldest request; return what became of it, None where there is none."""
        try:
            stored = spool.oldest()
            if stored is None:
                self._waiting.set(0)
                return None
            outcome = send(client, stored.request)
            if outcome.answer != "later":
                spool.remove(stored)
            else:
                self._waiting.set(spool.waiting()[1])
        except OSError as error:  # of the spool: httpx has its own
            outcome = Outcome("later", str(error))
        else:
            self._records.labels(outcome.answer).inc(stored.request.records)
        self._tell(outcome)
        return outcome

    def _tell(self, outcome: Outcome) -> None:
        """Log the outcome where it differs from the last."""
        if outcome.reason != self._reason:
            if outcome.reason:
                _log.warning("%s: %s", self.endpoint.url, outcome.reason)
            else:
                _log.info("%s: sending again", self.endpoint.url)
        self._reason = outcome.reason


def connection(endpoint: EndpointSection) -> httpx.Client:
    """Return a client for ``endpoint``; TLS is verified, redirects are not followed."""
    headers = dict(HEADERS)
    if endpoint.token:
        headers["authorization"] = f"Bearer {endpoint.token.get_secret_value()}"
    auth = None
    if endpoint.user:
        password = endpoint.password.get_secret_value() if endpoint.password else ""
        auth = httpx.BasicAuth(endpoint.user, password)
    verify = str(endpoint.ca_path) if endpoint.ca_path else True
    return httpx.Client(
        base_url=endpoint.url or "",
        headers=headers,
        auth=auth,
        verify=verify,
        timeout=endpoint.timeout_seconds,
    )


def send(client: httpx.Client, request: Request) -> Outcome:
    """Send one request and return what became of it."""
    try:
        answer = client.post(request.path, content=request.body)
    except httpx.HTTPError as error:
        return Outcome("later", str(error) or type(error).__name__)
    if answer.is_success:
        return outcome_of(answer, "")
    told = " ".join(answer.text.split())[:TOLD]
    return outcome_of(answer, f"HTTP {answer.status_code} {told}".strip())
