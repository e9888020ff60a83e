"""Empties the outbox, one courier a channel, so that one that hangs keeps no other waiting."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import httpx
from prometheus_client import CollectorRegistry, Counter

from diagnose.delivery import Outcome
from diagnose.failure import Failure
from diagnose.notify.channels import AlertmanagerChannel, Channel
from diagnose.notify.notice import Notice, Route
from diagnose.notify.outbox import Delivery, Outbox

FIRST_PAUSE: Final = 1.0  # seconds; doubled with each attempt
LONGEST_PAUSE: Final = 600.0
LONGEST_ASKED: Final = 3600.0  # that a receiver is granted
IDLE_SECONDS: Final = 1.0  # between two looks at an empty outbox
MUTED_SECONDS: Final = 30.0  # between two looks at what is silenced
GIVEN_UP: Final = timedelta(days=1)  # of answers that are errors; who does not answer is waited for
RESEND_SECONDS: Final = 60.0  # well before any alert ends by itself

_log = logging.getLogger("aitia.notify")


class Sent:
    """Counters of what was sent, by channel and outcome."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._sent = Counter(
            "aitia_alert_sent", "Messages that a channel took.", ["channel"], registry=registry
        )
        self._failed = Counter(
            "aitia_alert_failed",
            "Attempts that failed.",
            ["channel", "outcome"],
            registry=registry,
        )

    def count(self, channel: str, outcome: Outcome) -> None:
        """Count an attempt."""
        if outcome.answer == "sent":
            self._sent.labels(channel).inc()
        else:
            self._failed.labels(channel, outcome.answer).inc()


class Courier(threading.Thread):
    """A thread that sends what waits for one channel, until it is stopped.

    Args:
        channel: Where to.
        outbox: What waits.
        muted: Whether people have silenced a notice.
        sent: Where attempts are counted.
        clock: Returns the time, with its zone.
        resend_seconds: After which an Alertmanager is told again what stands.
    """

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        muted: Callable[[Notice, Route], bool],
        sent: Sent,
        clock: Callable[[], datetime],
        resend_seconds: float = RESEND_SECONDS,
    ) -> None:
        super().__init__(name=f"notify {channel.kind}", daemon=True)
        self.channel, self.outbox, self._muted, self._sent = channel, outbox, muted, sent
        self._clock, self._resend = clock, timedelta(seconds=resend_seconds)
        self._stopped = threading.Event()
        self._sent_again: datetime | None = None
        self._reason = ""

    def stop(self) -> None:
        """Let the thread end after the request that it is sending."""
        self._stopped.set()

    def run(self) -> None:
        """Send until stopped; what a database or a file refuses is logged and tried again."""
        while not self._stopped.is_set():
            try:
                with self.channel.connected() as client:
                    while not self._stopped.is_set():
                        self.send_due(client)
                        self._stopped.wait(IDLE_SECONDS)
            except (Failure, OSError) as error:
                self._tell(str(error))
                self._stopped.wait(LONGEST_PAUSE / 10)

    def send_due(self, client: httpx.Client) -> None:
        """Send what is due now.

        Raises:
            Failure: the database refuses.
        """
        for delivery in self.outbox.due(self.channel.name, self._clock()):
            if self._stopped.is_set():
                return
            self._send(client, delivery)
        if isinstance(self.channel, AlertmanagerChannel):
            self._send_again(client, self.channel)

    def _send(self, client: httpx.Client, delivery: Delivery) -> None:
        now = self._clock()
        if self._is_muted(delivery):
            pause = timedelta(seconds=MUTED_SECONDS)
            self.outbox.later(delivery, now + pause, "silenced in Alertmanager")
            return
        if not self.outbox.claim(delivery, now):
            return
        outcome = self.channel.send(client, delivery)
        self._sent.count(self.channel.kind, outcome)
        now = self._clock()
        if outcome.answer == "sent":
            self.outbox.ended(delivery, "sent", now)
        elif outcome.answer == "refused" or _is_given_up(delivery, outcome, now):
            self.outbox.ended(delivery, "refused", now, outcome.reason)
        else:
            self.outbox.later(delivery, now + _pause(delivery, outcome), outcome.reason)
        self._tell("" if outcome.answer == "sent" else outcome.reason)

    def _is_muted(self, delivery: Delivery) -> bool:
        """Return whether it must wait; Alertmanager mutes by itself, and an end disturbs nobody."""
        if delivery.event == "resolve" or self.channel.kind == "alertmanager":
            return False
        return self._muted(delivery.told.notice, delivery.told.route)

    def _send_again(self, client: httpx.Client, channel: AlertmanagerChannel) -> None:
        """Tell an Alertmanager what stands: it forgets alerts when it restarts."""
        now = self._clock()
        if self._sent_again and timedelta(0) <= now - self._sent_again < self._resend:
            return
        self._sent_again = now
        standing = self.outbox.standing(channel.name)
        if standing:
            outcome = channel.send_again(client, standing)
            self._tell("" if outcome.answer == "sent" else outcome.reason)

    def _tell(self, reason: str) -> None:
        """Log what goes wrong where it differs from the last time."""
        if reason != self._reason:
            if reason:
                _log.warning("%s: %s", self.channel.name, reason)
            else:
                _log.info("%s: sending again", self.channel.name)
        self._reason = reason


def _pause(delivery: Delivery, outcome: Outcome) -> timedelta:
    """Return how long to wait: as asked, else twice as long with each attempt."""
    if outcome.pause_seconds is not None:
        return timedelta(seconds=min(max(outcome.pause_seconds, FIRST_PAUSE), LONGEST_ASKED))
    return timedelta(seconds=min(FIRST_PAUSE * 2 ** min(delivery.attempts, 20), LONGEST_PAUSE))


def _is_given_up(delivery: Delivery, outcome: Outcome, now: datetime) -> bool:
    """Return whether a receiver has answered with 4xx for so long that nobody will repair it."""
    answered = outcome.status is not None and 300 <= outcome.status < 500
    return answered and now - delivery.created_at > GIVEN_UP
