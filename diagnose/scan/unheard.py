"""Hosts that are no longer heard of: one that somebody named, or all of them at once.

What has stopped to come says nothing of now. Where everything has, the scan looks at what came
last, says since when it is silent, and counts every lead time from the moment of asking.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from diagnose.scan.panel import Panel
from diagnose.scan.shards import Expected, Finding
from diagnose.schema import Node, Prediction
from models.silence import ABSENT, CARD, PROBABILITY

LATE: Final = timedelta(minutes=7)  # by which the newest may lag: it is read, sent and stored first
INSTANTS: Final = 4  # without a reading, from which on a host may be silent


def moment_of(at: datetime, newest: datetime) -> datetime:
    """Return as of when a scan looks: the newest reading's time, unless that has long passed.

    Args:
        at: As of when it is asked for.
        newest: When the newest reading was taken.
    """
    return newest if newest <= at <= newest + LATE else at


def stopped(panel: Panel, moment: datetime) -> bool:
    """Return whether everything in ``panel`` had stopped to come by ``moment``."""
    span = panel.span
    last = span.first + span.step * (span.instants - 1)
    return moment - last > max(LATE, INSTANTS * span.step)


def silenced(panel: Panel, moment: datetime) -> Iterator[Prediction]:
    """Yield the outage of each host of a panel that has stopped."""
    for place, host in enumerate(panel.hosts):
        shown = panel.values[:, panel.columns_of(place)]
        last = int(np.flatnonzero((~np.isnan(shown)).any(axis=1))[-1])
        yield outage(host, moment, panel.span.first + panel.span.step * last)


def outage(host: str, moment: datetime, since: datetime | None = None) -> Prediction:
    """Return that ``host`` is taken to be down, since nothing is heard of it."""
    return Prediction(
        host,
        "outage",
        PROBABILITY,
        0.0,
        moment,
        (Node(host, ABSENT),),
        calibration="uncalibrated",
        since=since,
        source="silence",
        card=CARD,
    )


def missed(host: str, moment: datetime) -> Finding:
    """Return what to tell of a host that somebody named and of which nothing was read."""
    said = "Nothing was read of it in the hour before the scan."
    return Finding(host, moment, (Expected(outage(host, moment)),), missing=(said,))


def from_now(prediction: Prediction, now: datetime) -> Prediction:
    """Return ``prediction``, made of what came last, with its lead time counted from ``now``."""
    gone = (now - prediction.made_at) / timedelta(seconds=1)
    if gone <= 0:
        return prediction
    lead = max(prediction.lead_time_seconds - gone, 0.0)
    interval = prediction.lead_time_interval
    if interval:
        interval = max(interval[0] - gone, 0.0), max(interval[1] - gone, 0.0)
    return replace(prediction, made_at=now, lead_time_seconds=lead, lead_time_interval=interval)
