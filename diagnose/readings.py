"""Readings -> one aligned array a span: the gate through which numbers enter the analysis.

Past this gate there is one value a step and signal, counters are rates, and a gap stays a gap.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import TIME, Failure, Node

Array = NDArray[np.float64]

MICROSECOND: Final = timedelta(microseconds=1)
FALLS: Final = 0.02  # share of steps at which a counter may fall: restarts of its process
# Prometheus' naming convention, then exporters that hand on a kernel's or database's own counters.
COUNTER: Final = re.compile(
    r"(_total|_count|_sum|_bucket)(/|$)"
    r"|^node_(vmstat_(pg|oom|ps)|netstat_(?!Tcp_CurrEstab)|softnet_)"
    r"|^pg_stat_(database_(?!numbackends)|bgwriter_|user_tables_(?!n_(live|dead)))"
)


@dataclass(frozen=True, slots=True)
class Span:
    """A regular row of instants.

    Attributes:
        first: First instant.
        instants: How many.
        step: Distance between two.
    """

    first: datetime
    instants: int
    step: timedelta

    def times(self) -> pl.Series:
        """Return the instants."""
        end = self.first + self.step * self.instants
        made = pl.datetime_range(self.first, end, self.step, closed="left", eager=True)
        return made.cast(TIME).alias("time")

    def lead_in(self) -> "Span":
        """Return this span with one more instant before it, from which a rate can start."""
        return Span(self.first - self.step, self.instants + 1, self.step)


def span_between(start: datetime, end: datetime, step: timedelta, phase: timedelta) -> Span:
    """Return the instants of the clock ``phase + k * step`` in [start, end]."""
    epoch = datetime(1970, 1, 1, tzinfo=start.tzinfo) + phase
    first = -((epoch - start) // step)  # ceiling of (start - epoch) / step
    last = (end - epoch) // step
    return Span(epoch + first * step, max(0, last - first + 1), step)


def phase_of(readings: pl.LazyFrame, step: timedelta) -> timedelta:
    """Return the moment within a step at which most readings were taken.

    Instants are put there, so that jitter around a step's border does not tear readings of one
    round into two steps.
    """
    micros = step // MICROSECOND
    offset = pl.col("time").dt.timestamp("us") % micros
    counted = readings.select(offset.alias("offset")).group_by("offset").len()
    top = collected(counted.sort("len", "offset", descending=[True, False]).head(1))
    return (top["offset"][0] if top.height else 0) * MICROSECOND


def align(readings: pl.LazyFrame, span: Span) -> tuple[list[Node], Array]:
    """Return the signals in ``readings``, sorted, and their values on ``span``.

    A step shows the lower median of what was read nearest to its instant: a value that was really
    seen, the same for every order and repetition of the rows. For a counter it shows the greatest.
    NaN and infinity are no numbers; where nothing was read the value is NaN.

    Returns:
        Nodes, and an array of shape (instants, nodes).
    """
    micros = span.step // MICROSECOND
    begin = span.first - span.step / 2
    end = begin + span.step * span.instants
    elapsed = (pl.col("time") - pl.lit(begin, dtype=TIME)).dt.total_microseconds()
    seen = collected(
        readings.filter(
            pl.col("time").is_between(begin, end, closed="left"), pl.col("value").is_finite()
        ).select("entity", "signal", "value", step=elapsed // micros)
    )
    series = seen.select("entity", "signal").unique().sort("entity", "signal").with_row_index("id")
    nodes = [Node(entity, signal) for _, entity, signal in series.iter_rows()]
    placed = seen.join(series, on=["entity", "signal"], how="left", maintain_order="left")
    counts = np.array([bool(COUNTER.search(node.signal)) for node in nodes], dtype=bool)
    values = np.full((span.instants, len(nodes)), np.nan)
    cell = placed["step"].to_numpy() * len(nodes) + placed["id"].to_numpy()
    filled, chosen = _one_a_cell(cell, placed["value"].to_numpy(), counts)
    values.reshape(-1)[filled] = chosen
    return nodes, values


def _one_a_cell(
    cell: NDArray[np.int64], value: Array, counts: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Array]:
    """Return the cells that were read, and the lower median or the greatest value of each.

    Args:
        cell: Of each reading, step * number of signals + signal.
        value: Of each reading.
        counts: Of each signal, whether it is a counter.
    """
    order = np.lexsort((value, cell))
    cell, value = cell[order], value[order]
    distinct = (np.diff(cell, prepend=-1) != 0) | (np.diff(value, prepend=np.nan) != 0)
    cell, value = cell[distinct], value[distinct]  # what was sent twice counts once
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    last = np.append(first[1:], len(cell)) - 1
    middle = first + (last - first) // 2
    filled = cell[first]
    return filled, value[np.where(counts[filled % max(len(counts), 1)], last, middle)]


def counters(nodes: list[Node], values: Array) -> NDArray[np.bool_]:
    """Return which columns count up: their name says so, and they hardly ever fall."""
    named = np.array([bool(COUNTER.search(node.signal)) for node in nodes], dtype=bool)
    filled = _carried_forward(values)
    with np.errstate(invalid="ignore"):
        falls = (np.diff(filled, axis=0) < 0).sum(axis=0)
    rarely: NDArray[np.bool_] = falls <= max(1.0, FALLS * len(values))
    return named & rarely


def rates(values: Array, step_seconds: float) -> Array:
    """Return increases per second of cumulative counters, of shape (instants - 1, columns).

    A counter that fell was restarted at zero. After a gap the rate is the mean over the gap, at
    the instant that ends it; the gap itself stays a gap.
    """
    seen = ~np.isnan(values)
    order = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(seen, order, -1), axis=0)[:-1]  # last seen before
    before = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.nan)
    increase = values[1:] - before
    with np.errstate(invalid="ignore"):
        increase = np.where(increase < 0, values[1:], increase)
    return increase / ((order[1:] - last) * step_seconds)


def collected(table: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows of ``table``.

    Raises:
        Failure: the file behind it is damaged.
    """
    try:
        return table.collect()
    except (pl.exceptions.ComputeError, OSError) as error:
        what = f"a table cannot be read: {str(error).splitlines()[0][:200]}"
        raise Failure(what, "it may be truncated: copy or record it again") from error


def _carried_forward(values: Array) -> Array:
    """Return ``values`` with each gap filled by what was seen last."""
    order = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, order), axis=0)
    return np.take_along_axis(values, last, axis=0)
