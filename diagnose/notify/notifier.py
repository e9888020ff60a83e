"""What a scan or an explanation found -> who is told of it, and by which channel."""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Self

import sqlalchemy as sa
from prometheus_client import CollectorRegistry

from diagnose import database
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.notify.budget import Policy
from diagnose.notify.channels import AlertmanagerChannel, channels
from diagnose.notify.courier import RESEND_SECONDS, Courier, Sent
from diagnose.notify.ledger import Ledger, Round, Settled
from diagnose.notify.notice import of_diagnosis, of_prediction
from diagnose.notify.outbox import Outbox
from diagnose.notify.silences import Silences
from diagnose.schema import Diagnosis, Guidance, Prediction
from diagnose.settings.notify import NotifySection

UPKEEP_SECONDS: Final = 30.0
DIAGNOSIS_LASTS: Final = timedelta(hours=4)  # after it was last found
STOP_SECONDS: Final = 12.0  # a little longer than a request may take

_log = logging.getLogger("aitia.notify")


class Notifier:
    """Tells people, within the noise budget; safe to use from several threads.

    Args:
        engine: The state database, with the newest tables; closed with the notifier.
        section: Who is told, and how often.
        registry: Where messages are counted.
        clock: Returns the time, with its zone.
        resend_seconds: After which an Alertmanager is told again what stands.
    """

    def __init__(
        self,
        engine: sa.Engine,
        section: NotifySection,
        registry: CollectorRegistry,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        resend_seconds: float = RESEND_SECONDS,
    ) -> None:
        self._engine, self._digest_hour = engine, section.digest_hour
        found = channels(section)
        self.outbox = Outbox(engine)
        self.ledger = Ledger(engine, Policy.of(section), found, clock)
        peers = [one.endpoint for one in found if isinstance(one, AlertmanagerChannel)]
        self.silences = Silences(peers, self.outbox, clock)
        sent = Sent(registry)
        self.couriers = tuple(
            Courier(one, self.outbox, self.silences.mutes, sent, clock, resend_seconds)
            for one in found
        )
        self._stopped = threading.Event()
        self._upkeep = threading.Thread(target=self._keep_up, name="notify upkeep", daemon=True)

    @classmethod
    def of(cls, settings: Settings, registry: CollectorRegistry | None = None) -> Self:
        """Return the notifier that the settings ask for; nothing is sent before ``start``.

        Args:
            settings: Of this site.
            registry: Where messages are counted; None for nowhere.

        Raises:
            Failure: the state database cannot be opened, or a channel's settings are wrong.
        """
        password = settings.store.password
        secret = password.get_secret_value() if password else None
        return cls(
            database.connect(settings.store.url, secret),
            settings.notify,
            registry or CollectorRegistry(),
        )

    def start(self) -> None:
        """Send what waits from now on, and what is to come."""
        self.silences.read()  # first: what waits may have been silenced meanwhile
        for courier in self.couriers:
            courier.start()
        self._upkeep.start()

    def stop(self) -> None:
        """End after the requests under way; what waits is sent after the next start."""
        self._stopped.set()
        for courier in self.couriers:
            courier.stop()
        for thread in (*self.couriers, self._upkeep):
            if thread.ident is not None:
                thread.join(STOP_SECONDS)
        self._engine.dispose()

    @property
    def alive(self) -> bool:
        """Whether every thread that ``start`` began still runs."""
        return all(thread.is_alive() for thread in (*self.couriers, self._upkeep))

    def scanned(
        self,
        group: str,
        expected: Iterable[tuple[Prediction, Sequence[Guidance]]],
        read: Collection[str],
        addressee: str = "",
    ) -> Settled:
        """Tell of what one scan of a group predicts, and of what it no longer does.

        A scan that failed is not told of here at all: it closes nothing.

        Args:
            group: Of the fleet, whose noise budget is spent; "" where there are no groups.
            expected: Each prediction with what to do about it, best first.
            read: Hosts whose telemetry could be read. Only of these is what is no longer
                predicted over.
            addressee: Who is told, as the site's own routes know it (label ``route``).

        Returns:
            What was decided; it is committed.
        """
        self.silences.read()
        notices = tuple(
            of_prediction(one, tuple(guidance), group, addressee) for one, guidance in expected
        )
        return self.ledger.settle(Round(group, notices, read), self.silences.mutes)

    def diagnosed(
        self, diagnosis: Diagnosis, group: str = "", alerted: bool = True, addressee: str = ""
    ) -> Settled:
        """Tell why an incident happened, unless no cause is named or its alert is silenced.

        Args:
            diagnosis: The answer, under the id by which the store knows its incident.
            group: Whose noise budget is spent.
            alerted: Whether an alert of the site's own told people of the incident: then its cause
                pages nobody a second time.
            addressee: Who is told, as the site's own routes know it.
        """
        if not diagnosis.root_causes or diagnosis.silenced:
            return Settled({}, frozenset(), 0)
        notices = (of_diagnosis(diagnosis, group, alerted, addressee),)
        asked = Round(group, notices, lasts=DIAGNOSIS_LASTS)
        return self.ledger.settle(asked, self.silences.mutes)

    def _keep_up(self) -> None:
        """Read the silences, send the digest, close what has lasted; again and again."""
        while True:
            try:
                self.silences.read()
                self.ledger.upkeep()
                self.ledger.digest(self._digest_hour, self.silences.mutes)
            except Failure as failure:
                _log.warning("%s", failure)
            if self._stopped.wait(UPKEEP_SECONDS):
                return
