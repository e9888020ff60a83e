"""The log lines around an alert, read from the site's Loki: of each stream as much as is fair.

Lines are many, and one service that says a thousand a minute would leave no room for the others. Of
what does not fit a sample is read, as dense at every time: where lines end early, their service
looks as if it had fallen silent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from collectors.loki import Loki
from collectors.prometheus import Labels, selector
from collectors.prometheus_labels import entity_of, host_of
from diagnose.schema import LOGS
from diagnose.wording import some

MOST_LINES: Final = 50_000
SLICE: Final = timedelta(minutes=1)  # of a sample; one step at least

Moments = tuple[datetime, datetime]


def lines_near(
    loki: Loki,
    targets: Iterable[Labels],
    span: Moments,
    step_seconds: float,
    most: int = MOST_LINES,
) -> tuple[pl.LazyFrame, list[str]]:
    """Return the log lines of all that shares a host with targets, and of what not all was read.

    Every stream has the same share. What is not more is read whole; what that leaves over is for
    the others, the nearest first.

    Args:
        loki: Who is asked.
        targets: Those whose logs are wanted, the nearest to the symptom first.
        span: From when to when is read.
        step_seconds: In which lines are counted.
        most: Lines.

    Raises:
        OSError: it cannot be asked.
        ValueError: its answer is none.
    """
    streams = _nearest(loki.streams(*span), targets)
    share = most // max(len(streams), 1)
    frames, long = [LOGS.to_frame()], []
    for stream in streams:
        frame = _read(loki, stream, span, share + 1)  # one more tells that there are more
        if frame.height > share:
            long.append(stream)
        else:
            frames.append(frame)
    room = most - sum(frame.height for frame in frames)
    slices = _slices(span, max(SLICE, timedelta(seconds=step_seconds)))
    cut = []
    for place, stream in enumerate(long):
        frame, whole = _sample(loki, stream, slices, room // (len(long) - place))
        frames.append(frame)
        room -= frame.height
        cut += [] if whole else [entity_of(stream)]
    names = some(list(dict.fromkeys(cut)))
    said = f"Of the logs of {names} a sample was read, since there are more than {most} lines."
    return pl.concat(frames).sort("time").lazy(), [said] if cut else []


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


def _read(loki: Loki, stream: Labels, span: Moments, most: int) -> pl.DataFrame:
    """Return the first lines of a stream within a span."""
    return pl.concat([LOGS.to_frame(), *loki.records(selector(stream), *span, most)])


def _sample(
    loki: Loki, stream: Labels, slices: Sequence[Moments], most: int
) -> tuple[pl.DataFrame, bool]:
    """Return the first lines of each slice, ``most`` in all, and whether those are all lines."""
    each = most // len(slices)
    frames, whole = [LOGS.to_frame()], True
    for span in slices if each else ():
        frame = _read(loki, stream, span, each + 1)
        whole = whole and frame.height <= each
        frames.append(frame.head(each))
    return pl.concat(frames), whole and each > 0


def _slices(span: Moments, length: timedelta) -> list[Moments]:
    """Return the parts of a span, each of that length but the last."""
    start, end = span
    number = max(-((start - end) // length), 1)
    return [(start + i * length, min(start + (i + 1) * length, end)) for i in range(number)]
