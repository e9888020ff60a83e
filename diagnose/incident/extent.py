"""Which spans of time an incident is compared on, and who was read when.

A clock that is wrong, a history that is missing or too long: what cannot be compared is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from diagnose.incident.bundle import Bundle
from diagnose.incident.readings import Span, collected, is_number, phase_of, span_between
from diagnose.schema import Failure
from diagnose.wording import counted, duration, some

VALUES: Final = 20_000_000  # of the baseline that are held at once
SIGNALS: Final = 100_000  # that can be compared at all
LEAST_INSTANTS: Final = 100  # of the baseline, however many signals there are
REACHING: Final = 4  # one in so many signals must reach back to where the baseline begins
AHEAD: Final = timedelta(minutes=30)  # by which a clock is told to be ahead of the others ...
AHEAD_STEPS: Final = 10  # ... and by so many steps at least


@dataclass(frozen=True, slots=True)
class Extent:
    """Where an incident lies in time.

    Attributes:
        baseline: Instants taken for normal.
        recent: Instants from a little before the alert to the moment of asking.
        missing: What was left out, a sentence each.
    """

    baseline: Span
    recent: Span
    missing: tuple[str, ...] = ()


def extent_of(bundle: Bundle, lead: timedelta, most: int) -> Extent:
    """Return the spans on which ``bundle`` is compared.

    Args:
        bundle: The incident.
        lead: Time before the alert that belongs to the recent part.
        most: Instants that either span may have; the oldest and the latest are left out.

    Raises:
        Failure: nothing was read, or too many signals were.
    """
    step = timedelta(seconds=bundle.step_seconds)
    series = _series(bundle)
    recent = span_between(
        bundle.alert_time - lead, bundle.as_of, step, phase_of(bundle.readings, step)
    )
    missing = []
    if recent.instants > most:
        recent = Span(recent.first, most, step)
        missing.append(f"What came more than {most} steps after {recent.first} was left out.")
    most = min(most, max(VALUES // series.height, LEAST_INSTANTS))
    earliest = _beginning(series, recent.first)
    start, end = bundle.baseline_window or (earliest, recent.first)
    if start >= recent.first and bundle.baseline_window:
        missing.append("The baseline_window lies after the alert: all before the alert was taken.")
        start = earliest
    end = min(end, recent.first - step)
    longest = end - (most - 1) * step
    baseline = span_between(max(min(start, end), longest), end, step, recent.phase)
    if start < longest:
        missing.append(f"The baseline was cut to its last {most} steps.")
    elif start == earliest:
        missing += _cut(series, baseline)
    if start >= end:
        baseline = Span(recent.first, 0, step)
        missing.append("There is no history before the alert: nothing can be called abnormal.")
    missing += _clocks(series, recent)
    return Extent(baseline, recent, tuple(missing))


def _series(bundle: Bundle) -> pl.DataFrame:
    """Return when each signal of each entity was first and last read."""
    read = bundle.readings.filter(is_number(pl.col("value")))
    series = collected(
        read.group_by("entity", "signal").agg(first=pl.col("time").min(), last=pl.col("time").max())
    )
    if series.is_empty():
        way_out = "give a later as_of, or record the time before the alert"
        raise Failure(f"{bundle.id}: no reading has a finite value before as_of", way_out)
    if series.height > SIGNALS:
        what = f"{bundle.id}: holds {series.height} signals, and {SIGNALS} can be compared"
        raise Failure(what, "record fewer: leave out what has a name for each request or user")
    return series


def _beginning(series: pl.DataFrame, recent: datetime) -> datetime:
    """Return from when on a quarter of the signals that have a past were read, two at least.

    One reading with a wrong clock, or one server whose past is longer than that of all others,
    would make a baseline of which nearly all is a hole.

    Args:
        series: When each was first read.
        recent: Where the past ends; whoever came later has none.
    """
    past = series.filter(pl.col("first") < recent)
    first: list[datetime] = (past if past.height else series)["first"].sort().to_list()
    return first[min(max(1, len(first) // REACHING), len(first) - 1)]


def _cut(series: pl.DataFrame, baseline: Span) -> Iterator[str]:
    """Yield whose past is longer than the baseline."""
    longer = series.filter(pl.col("first") < baseline.first - baseline.step)
    if longer.height:
        names = longer["entity"].unique().sort().to_list()
        yield (
            f"{counted(longer.height, 'signal')} of {some(names)} reached further back than most, "
            "and what lies before the others' past was left out."
        )


def _clocks(series: pl.DataFrame, recent: Span) -> Iterator[str]:
    """Yield which entities were read at other times than the rest."""
    entities = series.group_by("entity").agg(pl.col("first").min(), pl.col("last").max())
    entities = entities.sort("entity")
    silent = entities.filter(pl.col("last") < recent.first - recent.step / 2)["entity"]
    if len(silent):
        yield (
            f"Nothing was read around the alert from {some(silent.to_list())}: "
            "silent, or a clock that is behind."
        )
    usual: datetime = sorted(entities["first"].to_list())[(entities.height - 1) // 2]
    later = max(AHEAD, AHEAD_STEPS * recent.step)
    ahead = entities.filter(pl.col("first") > usual + later)["entity"]
    if len(ahead):
        yield (
            f"{some(ahead.to_list())} {'was' if len(ahead) == 1 else 'were'} first read "
            f"{duration(later.total_seconds())} or more after the others: new, or a clock that is "
            "ahead."
        )
