"""What the logs said around the alert: templates that changed their rate, changes, a few lines."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

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
    odd = {signal.node: _oddity(signal, window) for signal in templates}
    told = [signal for signal in templates if odd[signal.node] >= LEAST]
    told.sort(key=lambda signal: (_parts(signal)[0] not in GRAVE, -odd[signal.node]))
    told = told[:ROWS]
    rows = tuple(_row(signal, window, axis) for signal in told)
    if records is not None and told:
        texts = _examples(records, told, window)
        rows = tuple(replace(row, lines=lines) for row, lines in zip(rows, texts, strict=True))
    shown = tuple(_row(signal, window, axis) for signal in changes[:ROWS])
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


def _expected(signal: Signal, window: Window) -> tuple[float, float]:
    """Return how many records the baseline leads to expect in the recent part, and how many came.

    Without a baseline nothing is expected.
    """
    name = str(signal.node)
    rate = window.baseline[name].mean()
    seen = window.recent[name].drop_nulls()
    return float(rate if isinstance(rate, float) else 0.0) * len(seen), float(seen.sum())


def _oddity(signal: Signal, window: Window) -> float:
    """Return how many standard deviations its count lies off; 0 for what is too little to tell."""
    expected, came = _expected(signal, window)
    if expected / TIMES < came < expected * TIMES:
        return 0.0
    return abs(came - expected) / float(np.sqrt(expected + 1))


def _row(signal: Signal, window: Window, axis: Axis) -> LogRow:
    severity, template = _parts(signal)
    name = str(signal.node)
    entity, text = visible(signal.node.entity), visible(template.removeprefix("<time> "))
    if signal.source == "change":
        times = axis.frame.filter(pl.col(name) > 0)["time"].to_list()
        told = ", ".join(moment(time) for time in times[-TIMES_TOLD:])
        told = f"{len(times)} times, {told}" if len(times) > TIMES_TOLD else told
    else:
        expected, came = _expected(signal, window)
        told = f"{_rounded(expected)} → {came:.0f}"
    values = axis.frame[name].fill_null(float("nan")).to_numpy()
    drawn = curve(values, np.array([]), axis, counts=True)
    return LogRow(entity, severity, text, told, drawn, f"{entity}, {text}: {told}")


def _rounded(expected: float) -> str:
    return f"{expected:.0f}" if expected >= 0.5 or not expected else "<1"


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
