"""The log lines around an alert, read from the site's Loki: of each stream as much as is fair.

Lines are many, and one service that says a thousand a minute would leave no room for the others.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from collectors.loki import Loki
from collectors.prometheus import Labels, selector
from collectors.prometheus_labels import entity_of, host_of
from diagnose.incident.extent import some
from diagnose.schema import LOGS

MOST_LINES: Final = 50_000
AROUND: Final = timedelta(minutes=10)  # before the alert, of which the log is read first

Moments = tuple[datetime, datetime]


def lines_near(
    loki: Loki,
    targets: Iterable[Labels],
    alert_time: datetime,
    span: Moments,
    most: int = MOST_LINES,
) -> tuple[pl.LazyFrame, list[str]]:
    """Return the log lines of all that shares a host with targets, and what was left out.

    Those around the alert have half of the room to themselves, so that a log that is too long loses
    its history.

    Args:
        loki: Who is asked.
        targets: Those whose logs are wanted, the nearest to the symptom first.
        alert_time: When it was noticed.
        span: From when to when is read.
        most: Lines.

    Raises:
        OSError: it cannot be asked.
        ValueError: its answer is none.
    """
    start, end = span
    streams = _nearest(loki.streams(start, end), targets)
    frames, said = [LOGS.to_frame()], []
    parts = {"around": (alert_time - AROUND, end), "before": (start, alert_time - AROUND)}
    for part, moments in parts.items():
        read, cut = _shared(loki, streams, moments, most // len(parts))
        frames += read
        if cut:
            names = some(list(dict.fromkeys(map(entity_of, cut))))
            said.append(f"Of the logs {part} the alert not all lines were read of {names}.")
    return pl.concat(frames).sort("time").lazy(), said


def _nearest(streams: Iterable[Labels], targets: Iterable[Labels]) -> list[Labels]:
    """Return the streams that share a host with targets, in the targets' order.

    What is no target itself comes after those of its host that are.
    """
    entities: dict[str, int] = {}
    hosts: dict[str, int] = {}
    for place, entity in enumerate(map(entity_of, targets)):
        entities.setdefault(entity, place)
        hosts.setdefault(host_of(entity), place)
    near = [labels for labels in streams if host_of(entity_of(labels)) in hosts]

    def rank(labels: Labels) -> tuple[int, bool]:
        entity = entity_of(labels)
        return entities.get(entity, hosts[host_of(entity)]), entity not in entities

    return sorted(near, key=rank)


def _shared(
    loki: Loki, streams: Sequence[Labels], moments: Moments, most: int
) -> tuple[list[pl.DataFrame], list[Labels]]:
    """Return lines of streams, ``most`` at most, and the streams of which there are more.

    Each has the same share; what some leave over goes to the others, the first of them before the
    rest. One line more than fits is asked for: that tells whether there are more.
    """

    def read(stream: Labels, lines: int) -> pl.DataFrame:
        records = loki.records(selector(stream), *moments, lines + 1)
        return pl.concat([LOGS.to_frame(), *records])

    share = most // max(len(streams), 1)
    found = [read(stream, share) for stream in streams]
    room = most - sum(min(share, frame.height) for frame in found)
    cut = []
    for place, stream in enumerate(streams):
        given = share
        if found[place].height > share and room > 0:
            found[place] = read(stream, share + room)
            given = min(share + room, found[place].height)
            room -= given - share
        if found[place].height > given:
            cut.append(stream)
        found[place] = found[place].head(given)
    return found, cut
