"""One time axis that all timelines of a page share.

It shows the time around the alert, with enough normal life before to compare. Where the baseline
lies elsewhere in time (the day before, say), the axis is broken and shows the end of both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import polars as pl

from diagnose.schema import Window

BEFORE: Final = 2  # times as many instants of normal life are shown as of the incident ...
FEWEST: Final = 24  # ... and at least so many
BREAK: Final = 3.0  # percent of the width that a break takes
APART: Final = 3  # steps between two parts from which on the axis is broken
TICKS: Final = 5
ROUND: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600,
                43_200, 86_400, 172_800, 604_800)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the axis: from one time to another, between two percentages of its width."""

    start: datetime
    end: datetime
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A round time, and where it stands in percent."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Which instants are shown, and where.

    Attributes:
        stretches: One, or two with a break between them.
        frame: The instants of both, with a window's columns.
        places: Of each instant, in percent.
        alert: Where the alert stands, in percent.
        ticks: Round times.
    """

    stretches: tuple[Stretch, ...]
    frame: pl.DataFrame
    places: tuple[float, ...]
    alert: float | None
    ticks: tuple[Tick, ...]

    def place(self, time: datetime) -> float | None:
        """Return where ``time`` stands, in percent; None where it is not shown."""
        return _place(self.stretches, time)


def axis_of(window: Window) -> Axis:
    """Return the axis for ``window``."""
    recent = window.recent
    before = window.baseline.tail(max(BEFORE * recent.height, FEWEST))
    step = timedelta(seconds=window.step_seconds)
    parts = [part for part in (before, recent) if part.height]
    spans = [(part["time"][0], part["time"][-1]) for part in parts]
    if len(spans) == 2 and spans[1][0] - spans[0][1] <= APART * step:
        spans = [(spans[0][0], spans[1][1])]
    if spans:
        spans[-1] = (spans[-1][0], max(spans[-1][1], min(window.as_of, spans[-1][1] + step)))
    stretches = tuple(_stretches(spans, step))
    frame = pl.concat([before, recent])
    times = frame["time"].to_list()
    places = tuple(_place(stretches, time) or 0.0 for time in times)
    return Axis(
        stretches,
        frame,
        places,
        _place(stretches, window.alert_time),
        tuple(_ticks(stretches)),
    )


def _stretches(spans: Sequence[tuple[datetime, datetime]], step: timedelta) -> Iterator[Stretch]:
    lengths = [max(end - start, step) for start, end in spans]
    free = 100.0 - BREAK * (len(spans) - 1)
    left = 0.0
    for (start, _), length in zip(spans, lengths, strict=True):
        right = left + free * (length / sum(lengths, timedelta()))
        yield Stretch(start, start + length, left, right)
        left = right + BREAK


def _place(stretches: Sequence[Stretch], time: datetime) -> float | None:
    for part in stretches:
        if part.start <= time <= part.end:
            share = (time - part.start) / (part.end - part.start)
            return round(part.left + (part.right - part.left) * share, 2)
    return None


def _ticks(stretches: Sequence[Stretch]) -> Iterator[Tick]:
    for part in stretches:
        seconds = (part.end - part.start).total_seconds()
        most = max(1.0, TICKS * (part.right - part.left) / 100)
        step = next((s for s in ROUND if seconds / s <= most), ROUND[-1])
        dated = part.start.date() != stretches[-1].start.date()
        epoch = part.start.timestamp()
        at = -(-epoch // step) * step
        while at <= part.end.timestamp():
            time = datetime.fromtimestamp(at, UTC)
            yield Tick(_place(stretches, time) or 0.0, _label(time, step, dated))
            dated = False
            at += step * max(1, round(seconds / step / most))


def _label(time: datetime, step: int, dated: bool) -> str:
    """Return a time as precisely as a step needs; a day begins with its date."""
    if dated and step < 86_400:
        return f"{time:%b} {time.day}, {time:%H:%M}"
    if step >= 86_400 or (step >= 3600 and time.hour == time.minute == 0):
        return f"{time:%b} {time.day}"
    return f"{time:%H:%M:%S}" if step % 60 else f"{time:%H:%M}"
