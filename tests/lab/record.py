"""The campaign: records one incident a fault, and healthy windows from the calm in between.

``python -m tests.lab.record OUT`` goes on where an earlier run stopped: what OUT already has is
not recorded again.
"""

import argparse
import itertools
import logging
import random
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from tests.lab import prometheus, settings
from tests.lab.changes import HARMLESS, disturb
from tests.lab.faults import CATALOGUE, Fault
from tests.lab.recording import Span, write, write_continuous
from tests.lab.system import Lab

WARM_UP_SECONDS: Final = 80
SETTLE_SECONDS: Final = 35
CLEAR_SECONDS: Final = (
    100  # from a disturbance to a fault: it lies before the two minutes that count
)
BEFORE_SECONDS: Final = (302, 312)  # from a bundle's start to its alert
AFTER_SECONDS: Final = (60, 66)  # from its alert to its as_of
ALERT_WITHIN_SECONDS: Final = 150
UNNOTICED_SECONDS: Final = (12, 36)  # from a disturbance to what passes for its alert
CHANGE_PROBABILITY: Final = 0.7
SCRAPED_SECONDS: Final = 2  # after this, a second's readings are in Prometheus

log = logging.getLogger("lab")


class Campaign:
    """One run of the lab over several faults."""

    def __init__(self, lab: Lab, out: Path, healthy: int) -> None:
        self.lab = lab
        self.out = out
        self.healthy = healthy
        self.start = datetime.now(UTC)
        self.faults: list[dict[str, Any]] = []
        self.disturbances: list[dict[str, Any]] = []

    def cycle(self, fault: Fault | None) -> None:
        """Record a healthy window if one is missing, then the incident of ``fault``."""
        start = datetime.now(UTC)
        before = random.uniform(*BEFORE_SECONDS)
        after = random.uniform(*AFTER_SECONDS)
        self.live(start, before, after)
        if folder := next(self.missing_healthy(), None):
            alert_time = start + timedelta(seconds=before)
            as_of = alert_time + timedelta(seconds=after)
            self.record_healthy(folder, start, alert_time, as_of)
        sleep_until(start, before + after + CLEAR_SECONDS)
        self.wait_for_quiet()
        if fault:
            began = datetime.now(UTC)
            try:
                self.record_incident(fault, timedelta(seconds=before))
            finally:
                fault.heal(self.lab)
                log.info("%s healed", fault.name)
                told = {"fault": fault.name, "root_causes": fault.root_causes, **_lasting(began)}
                self.faults.append(told)
            time.sleep(SETTLE_SECONDS)
            self.wait_for_quiet()

    def missing_healthy(self) -> Iterator[Path]:
        """Yield the folders of healthy windows that are still to be recorded."""
        folders = (self.out / f"h{n:02d}_quiet" for n in range(1, self.healthy + 1))
        return (folder for folder in folders if not folder.exists())

    def live(self, start: datetime, before: float, after: float) -> None:
        """Let the system run: disturbed, most often changed without harm, and disturbed again.

        The second disturbance begins as long before the moment that passes for an alert as a fault
        would. The first one lasts as long, early in the healthy window, and is over before the
        incident's begins, which has the second: both have one, long before their alerts.

        Args:
            start: Instant that the offsets count from.
            before: Seconds from there to what passes for an alert.
            after: Seconds from there to the end.
        """
        unnoticed, over = random.uniform(*UNNOTICED_SECONDS), 0.9 * after
        first = random.uniform(2, 20)
        self.disturb(start, first, first + unnoticed + over)
        sleep_until(start, random.uniform(130, before - 60))
        if random.random() < CHANGE_PROBABILITY:
            random.choice(HARMLESS)(self.lab)
        self.disturb(start, before - unnoticed, before + over)
        sleep_until(start, before + after)

    def disturb(self, start: datetime, first: float, last: float) -> None:
        """Disturb the system from ``first`` to ``last``, in seconds since ``start``."""
        sleep_until(start, first)
        began = datetime.now(UTC)
        names = disturb(self.lab, last - first)
        self.disturbances.append({"disturbances": names, **_lasting(began)})
        log.info("disturbed by %s", ", ".join(names))

    def record_healthy(
        self, folder: Path, start: datetime, alert_time: datetime, as_of: datetime
    ) -> None:
        """Write a healthy window, unless an alert fired in it."""
        time.sleep(SCRAPED_SECONDS)
        if prometheus.alerts_between(start, as_of):
            log.warning("%s not written: an alert fired", folder.name)
            return
        number = int(folder.name[1:3])
        symptoms = tuple(settings.SYMPTOMS.values())  # having none would tell a healthy window
        truth: dict[str, Any] = {"root_causes": [], "fault": None, "fault_time": None}
        symptom = symptoms[number % len(symptoms)]
        write(self.lab, Span(start, alert_time, as_of, symptom, truth), folder)
        log.info("%s written", folder.name)

    def record_incident(self, fault: Fault, before: timedelta) -> None:
        """Inject ``fault``, wait for the alert, and write what led to it."""
        fault_time = datetime.now(UTC)
        log.info("%s begins", fault.name)
        fault.inject(self.lab)
        found = None
        while not found:
            if datetime.now(UTC) - fault_time > timedelta(seconds=ALERT_WITHIN_SECONDS):
                log.warning("%s not written: no alert fired", fault.name)
                return
            time.sleep(0.5)
            found = prometheus.firing()
        alert, active = found
        alert_time = active + timedelta(seconds=settings.ALERT_FOR_SECONDS)
        as_of = alert_time + timedelta(seconds=random.uniform(*AFTER_SECONDS))
        log.info("%s: %s after %s", fault.name, alert, alert_time - fault_time)
        time.sleep((as_of - datetime.now(UTC)).total_seconds() + SCRAPED_SECONDS)
        truth = {
            "root_causes": list(fault.root_causes),
            "fault": fault.name,
            "fault_time": fault_time.isoformat(),
        }
        symptom = settings.SYMPTOMS[alert]
        span = Span(alert_time - before, alert_time, as_of, symptom, truth)
        write(self.lab, span, self.out / numbered(fault))
        log.info("%s written", fault.name)

    def write_whole(self) -> None:
        """Write all that was recorded since the start as one stretch of time."""
        now = datetime.now(UTC)
        folder = self.out / f"whole_{self.start:%Y%m%dT%H%M%SZ}"
        events = {"faults": self.faults, "disturbances": self.disturbances}
        write_continuous(self.lab, self.start, now, events, folder)
        log.info("%s written", folder.name)

    def wait_for_quiet(self) -> None:
        """Wait until no alert fires any more; it is an error of the repair if one stays."""
        for _ in range(180):
            if not prometheus.firing():
                return
            time.sleep(1)
        raise TimeoutError("an alert still fires after the repair")


def sleep_until(start: datetime, seconds: float) -> None:
    """Return ``seconds`` after ``start``, at once where that is over."""
    passed = (datetime.now(UTC) - start).total_seconds()
    time.sleep(max(seconds - passed, 0.0))


def _lasting(began: datetime) -> dict[str, str]:
    return {"from": began.isoformat(), "to": datetime.now(UTC).isoformat()}


def numbered(fault: Fault) -> str:
    """Return the folder of the fault's bundle: its number in the catalogue, its name."""
    return f"{list(CATALOGUE).index(fault.name) + 1:02d}_{fault.name}"


def main() -> None:
    """Run the campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of the bundles")
    parser.add_argument("--only", nargs="+", choices=CATALOGUE, help="faults to record")
    parser.add_argument("--healthy", type=int, default=10, help="healthy windows in all")
    parser.add_argument("--cpu", type=int, help="the one CPU that the lab runs on")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = [CATALOGUE[name] for name in options.only or CATALOGUE]
    pending = [fault for fault in wanted if not (options.out / numbered(fault)).exists()]
    with Lab(options.cpu) as lab:
        campaign = Campaign(lab, options.out, options.healthy)
        time.sleep(WARM_UP_SECONDS)
        try:
            for fault in itertools.chain(pending, itertools.repeat(None)):
                if fault is None and next(campaign.missing_healthy(), None) is None:
                    break
                campaign.cycle(fault)
        finally:
            campaign.write_whole()


if __name__ == "__main__":
    main()
