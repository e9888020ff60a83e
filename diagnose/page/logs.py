"""What the logs said around the alert: templates that changed their rate, changes, a few lines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import sqrt
from typing import Final

import numpy as np
import polars as pl

from diagnose.incident.columns import columns
from diagnose.page.axis import Axis
from diagnose.page.text import visible
from diagnose.page.timeline import Curve, curve
from diagnose.schema import Signal, Window
from diagnose.wording import moment
from models.templates import EMPTY, NAME, UNPARSED, WILDCARD, masked

GRAVE: Final = ("FATAL", "ERROR")  # told first
ROWS: Final = 8  # templates that are shown, and as many changes
LEAST: Final = 4.0  # standard deviations of a count from which its change may be news ...
TIMES: Final = 2.0  # ... if it became so many times as much, or as little
TIMES_TOLD: Final = 2  # changes of one sort whose times are told
EXAMPLES: Final = 3  # lines that show what a template stands for
RECORDS: Final = 20_000  # that are searched for them
LINE: Final = 280  # characters of a line
ANYTHING: Final = r"\S*"  # what a template leaves open


@dataclass(frozen=True, slots=True)
class Line:
    """A record as it was written, made harmless."""

    time: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class LogRow:
    """A template or a sort of change, and how often it was seen.

    Attributes:
        severity: Of a template; "" for a change.
        template: What the records have in common.
        told: How many were to be expected around the alert, and how many came; of a change, when
            it was.
        curve: Counts over time.
        lines: Examples.
    """

    entity: str
    severity: str
    template: str
    told: str
    curve: Curve
    spoken: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Logs:
    """What is shown of the logs.

    Attributes:
        changes: Deployments, restarts and the like, within the time that is shown.
        templates: Those whose rate changed most.
        quiet: How many other templates there were.
        read: Whether there were any logs.
    """

    changes: tuple[LogRow, ...]
    templates: tuple[LogRow, ...]
    quiet: int
    read: bool


@dataclass(frozen=True, slots=True)
class _Count:
    """How many records of a template were to be expected around the alert, and how many came."""

    signal: Signal
    expected: float
    came: float

    @property
    def severity(self) -> str:
        return _parts(self.signal)[0]

    @property
    def oddity(self) -> float:
        """Return how many standard deviations the count lies off; 0 for too little to tell."""
        if self.expected / TIMES < self.came < self.expected * TIMES:
            return 0.0
        return abs(self.came - self.expected) / sqrt(self.expected + 1)

    @property
    def told(self) -> str:
        few = 0 < self.expected < 0.5
        return f"{'<1' if few else format(self.expected, '.0f')} → {self.came:.0f}"


def logs_of(
    window: Window, axis: Axis, records: pl.LazyFrame | None, accused: str | None = None
) -> Logs:
    """Return what the logs said.

    Args:
        window: Its templates and changes are shown.
        axis: The time that is shown.
        records: Schema LOGS, from which example lines are taken; None where there are none.
        accused: The entity whose changes are told first.
    """
    changes = [s for s in window.signals if s.source == "change" and _count(s, axis)]
    changes.sort(key=lambda signal: signal.node.entity != accused)
    templates = [s for s in window.signals if s.source == "template" and _parts(s)[1]]
    told = [count for count in _counts(templates, window) if count.oddity >= LEAST]
    told.sort(key=lambda count: (count.severity not in GRAVE, -count.oddity))
    told = told[:ROWS]
    rows = tuple(_row(count.signal, count.told, axis) for count in told)
    if records is not None and told:
        texts = _examples(records, [count.signal for count in told], window)
        rows = tuple(replace(row, lines=lines) for row, lines in zip(rows, texts, strict=True))
    shown = tuple(_row(signal, _when(signal, axis), axis) for signal in changes[:ROWS])
    read = any(signal.source in ("change", "template") for signal in window.signals)
    return Logs(shown, rows, len(templates) - len(told), read)


def _parts(signal: Signal) -> tuple[str, str]:
    """Return severity and template, "" for all records of one severity; or the kind of change."""
    _, _, rest = signal.node.signal.partition("/")
    if signal.source == "change":
        return "", rest
    severity, _, template = rest.partition("/")
    return severity, template


def _count(signal: Signal, axis: Axis) -> int:
    return int(axis.frame[str(signal.node)].sum() or 0)


def _counts(signals: list[Signal], window: Window) -> list[_Count]:
    """Return how often each template was seen; without a baseline, nothing is expected."""
    nodes = [signal.node for signal in signals]
    past, now = columns(window.baseline, nodes), columns(window.recent, nodes)
    rate = np.nansum(past, axis=0) / np.maximum(np.isfinite(past).sum(axis=0), 1)
    expected = rate * np.isfinite(now).sum(axis=0)
    came = np.nansum(now, axis=0)
    return [_Count(*of) for of in zip(signals, expected.tolist(), came.tolist(), strict=True)]


def _when(signal: Signal, axis: Axis) -> str:
    """Return the last times of a change."""
    times = axis.frame.filter(pl.col(str(signal.node)) > 0)["time"].to_list()
    told = ", ".join(moment(time) for time in times[-TIMES_TOLD:])
    return f"{len(times)} times, {told}" if len(times) > TIMES_TOLD else told


def _row(signal: Signal, told: str, axis: Axis) -> LogRow:
    severity, template = _parts(signal)
    entity, text = visible(signal.node.entity), visible(template.removeprefix("<time> "))
    values = axis.frame[str(signal.node)].fill_null(float("nan")).to_numpy()
    drawn = curve(values, np.array([]), axis, counts=True)
    return LogRow(entity, severity, text, told, drawn, f"{entity}, {text}: {told}")


def _examples(
    records: pl.LazyFrame, signals: list[Signal], window: Window
) -> Iterator[tuple[Line, ...]]:
    """Yield for each of ``signals`` the first records around the alert that it counts."""
    entities = sorted({signal.node.entity for signal in signals})
    found = (
        records.filter(
            pl.col("time").is_between(window.recent["time"].min(), window.as_of),
            pl.col("entity").is_in(entities),
        )
        .head(RECORDS)
        .select(
            "time",
            "entity",
            severity=pl.col("severity").fill_null("").str.slice(0, 16),
            length=pl.col("body").fill_null("").str.len_chars(),
            text=pl.col("body").fill_null("").str.slice(0, LINE),
            masked=masked(pl.col("body")),
        )
        .collect()
    )
    for signal in signals:
        like = pl.col("masked").str.contains(_pattern(_parts(signal)[1]))
        lines = found.filter(pl.col("entity") == signal.node.entity, like).head(EXAMPLES)
        yield tuple(
            Line(moment(time), visible(severity), _line(text, length))
            for time, severity, length, text in lines.select(
                "time", "severity", "length", "text"
            ).iter_rows()
        )


def _pattern(template: str) -> str:
    """Return the expression that the masked lines of ``template`` fit."""
    if template == UNPARSED:
        return r"[^\s\S]"  # nothing: these lines have nothing in common
    if template == EMPTY:
        return f"^{EMPTY}$"
    end = "" if len(template) == NAME else "$"
    parts = [pl.escape_regex(part) for part in template.split(WILDCARD)]
    return f"^{ANYTHING.join(parts)}{end}"


def _line(text: str, length: int) -> str:
    rest = length - len(text)
    return visible(text, LINE) + (f"… ({rest} more characters)" if rest > 0 else "")
