"""Predictions, diagnoses and channels that tests of the notifier are made of."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from diagnose import database
from diagnose.notify.budget import Policy
from diagnose.notify.ledger import Ledger, Round
from diagnose.notify.notice import of_prediction
from diagnose.schema import Diagnosis, Guidance, Node, Prediction, RootCause, Step
from diagnose.settings.notify import NotifySection

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600.0
GUIDANCE = Guidance(
    "db1/sda",
    "Replace the disk.",
    "disk-failing",
    "ticket",
    "db1/sda",
    steps=(Step("copy", "Copy what it holds"), Step("swap", "Swap it")),
    references=("see the vendor", "https://example.test/disk"),
)


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now

    def go(self, **span):
        self.now += timedelta(**span)


def prediction(entity="db1/sda", probability=0.9, hours=12.0, failure="disk-failure", **more):
    more = {"calibration": "calibrated", "evidence": (Node(entity, "smart.reallocated"),), **more}
    return Prediction(entity, failure, probability, hours * HOUR, NOW, **more)


def notice(*args, group="", **more):
    return of_prediction(prediction(*args, **more), (GUIDANCE,), group)


def diagnosis(incident="inc-1", probability=0.8, **more):
    cause = RootCause("db1", "disk.free", probability)
    return Diagnosis(
        incident,
        symptom=Node("shop", "latency"),
        root_causes=(cause,),
        other_probability=1 - probability,
        calibration="calibrated",
        guidance=(GUIDANCE,),
        **more,
    )


@dataclass(frozen=True)
class Receiver:
    """Whom a ledger knows of, and nothing is sent to."""

    name: str = "webhook"
    kind: str = "webhook"

    def takes(self, kind, route):
        return route == "page" if self.kind == "pagerduty" else route in ("page", "ticket")

    def hears_end(self, kind, louder):
        return self.kind == "alertmanager" or (kind != "digest" and not louder)


def policy(**chosen):
    return Policy.of(NotifySection(**chosen))


@contextmanager
def ledger(url, clock, receivers=(), **more):
    engine = database.connect(url)
    try:
        yield Ledger(engine, policy(**more), receivers, clock)
    finally:
        engine.dispose()


def nothing_muted(notice, route):
    return False


def scan(ledger, *notices, read=(), group="", muted=nothing_muted):
    hosts = {one.host for one in notices} | set(read)
    return ledger.settle(Round(group, tuple(notices), hosts), muted)
