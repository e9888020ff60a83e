"""Readings -> one aligned array a span: the gate through which numbers enter the analysis.

Past this gate there is one value a step and signal, counters are rates, and a gap stays a gap.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import TIME, Failure, Node

Array = NDArray[np.float64]

BATCH: Final = 50_000  # rows that are held at a time where a table is read in batches
MICROSECOND: Final = timedelta(microseconds=1)
ABSURD: Final = 1e100  # numbers beyond are an exporter's mistake, and their squares overflow
PARTS: Final = 20  # of a step, in one of which readings are taken most often
FALLS: Final = 0.02  # share of steps at which a counter may fall: restarts of its process
# Prometheus' naming convention, then exporters that hand on a kernel's or database's own counters,
# then OpenTelemetry's names of what counts up.
COUNTER: Final = re.compile(
    r"(_total|_count|_sum|_bucket)(/|$)"
    r"|^node_(vmstat_(pg|oom|ps)|netstat_(?!Tcp_CurrEstab)|softnet_)"
    r"|^pg_stat_(database_(?!numbackends)|bgwriter_|user_tables_(?!n_(live|dead)))"
    r"|^system\.(cpu\.time|context_switches|interrupts|pressure\.|processes\.created|udp\.|tcp\.)"
    r"|^system\.(disk\.(?!latency|pending)|network\.(io|packets|errors|dropped|carrier_changes))"
    r"|^system\.(paging\.(faults|operations)|out_of_memory_kills)"
    r"|^process\.(cpu\.time|disk\.io|pressure\.|throttled_time|out_of_memory_kills)"
    r"|^hw\.(energy|memory\.(un)?corrected_errors)"
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

    @property
    def phase(self) -> timedelta:
        """Return the moment within a step at which the instants lie."""
        return (self.first - datetime(1970, 1, 1, tzinfo=UTC)) % self.step

    def lead_in(self) -> "Span":
        """Return this span with one more instant before it, from which a rate can start."""
        return Span(self.first - self.step, self.instants + 1, self.step)


def span_between(start: datetime, end: datetime, step: timedelta, phase: timedelta) -> Span:
    """Return the instants of the clock ``phase + k * step`` in [start, end]."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC) + phase
    first = -((epoch - start) // step)  # ceiling of (start - epoch) / step
    last = (end - epoch) // step
    return Span(epoch + first * step, max(0, last - first + 1), step)


def phase_of(readings: pl.LazyFrame, step: timedelta) -> timedelta:
    """Return the moment within a step around which readings were taken most often.

    Instants are put there, so that jitter around a step's border does not tear readings of one
    round into two steps.
    """
    micros = step // MICROSECOND
    moments = readings.select(offset=pl.col("time").unique().dt.timestamp("us") % micros)
    offset = pl.col("offset")
    counted = moments.group_by(part=offset * PARTS // micros).agg(
        pl.len(), offset=offset.quantile(0.5, "lower")
    )
    top = collected(counted.sort("len", "part", descending=[True, False]).head(1))
    return (int(top["offset"][0]) if top.height else 0) * MICROSECOND


def align(readings: pl.LazyFrame, span: Span) -> tuple[list[Node], Array]:
    """Return the signals in ``readings``, sorted, and their values on ``span``.

    A step shows the lower median of what was read nearest to its instant: a value that was really
    seen, the same for every order and repetition of the rows. For a counter it shows the greatest.
    NaN, infinity and what is absurdly large are no numbers; where nothing was read the value is
    NaN.

    Returns:
        Nodes, and an array of shape (instants, nodes).
    """
    micros = span.step // MICROSECOND
    begin = span.first - span.step / 2
    end = begin + span.step * span.instants
    elapsed = (pl.col("time") - pl.lit(begin, dtype=TIME)).dt.total_microseconds()
    inside = pl.col("time").is_between(begin, end, closed="left")
    read = readings.filter(inside, is_number(pl.col("value")))
    series = collected(read.select("entity", "signal").unique().sort("entity", "signal"))
    nodes = [Node(entity, signal) for entity, signal in series.iter_rows()]
    # Numbers take the names' place before the rows are gathered: of names there may be millions.
    known = series.lazy().with_row_index("id")
    placed = collected(
        read.join(known, on=["entity", "signal"]).select("id", "value", elapsed=elapsed)
    )
    counts = np.array([bool(COUNTER.search(node.signal)) for node in nodes], dtype=bool)
    values = np.full((span.instants, len(nodes)), np.nan)
    moment = placed["elapsed"].to_numpy()
    cell = moment // micros * len(nodes) + placed["id"].to_numpy()
    filled, chosen = _one_a_cell(cell, moment, placed["value"].to_numpy(), counts)
    values.reshape(-1)[filled] = chosen
    return nodes, values


def is_number(value: pl.Expr) -> pl.Expr:
    """Return whether ``value`` is a number that can be reckoned with."""
    return value.is_finite() & (value.abs() <= ABSURD)


def _one_a_cell(
    cell: NDArray[np.int64], moment: NDArray[np.int64], value: Array, counts: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], Array]:
    """Return the cells that were read, and the lower median or the greatest value of each.

    Args:
        cell: Of each reading, step * number of signals + signal.
        moment: Of each reading, when it was taken.
        value: Of each reading.
        counts: Of each signal, whether it is a counter.
    """
    order = np.lexsort((moment, value, cell))
    cell, moment, value = cell[order], moment[order], value[order]
    changed = [np.diff(column) != 0 for column in (cell, moment, value)]
    distinct = np.append(True, np.logical_or.reduce(changed))[: len(cell)]
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

    A counter that fell by half was restarted at zero; one that fell by less has only been corrected
    (Linux does so with the time spent waiting for disks) and did not count. After a gap the rate is
    the mean over the gap, at the instant that ends it; the gap itself stays a gap.
    """
    seen = ~np.isnan(values)
    order = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(seen, order, -1), axis=0)[:-1]  # last seen before
    before = np.where(last >= 0, np.take_along_axis(values, np.maximum(last, 0), axis=0), np.nan)
    increase = values[1:] - before
    with np.errstate(invalid="ignore"):
        restarted = values[1:] < before / 2
        increase = np.maximum(np.where(restarted, values[1:], increase), 0.0)
    return increase / ((order[1:] - last) * step_seconds)


def batches(table: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of ``table``, a bounded number at a time and in their order; at least none.

    Raises:
        Failure: the file behind it is damaged.
    """
    with _damage_told():
        yield table.clear().collect()
        yield from table.collect_batches(chunk_size=BATCH, maintain_order=True)


def collected(table: pl.LazyFrame) -> pl.DataFrame:
    """Return the rows of ``table``.

    Raises:
        Failure: the file behind it is damaged.
    """
    with _damage_told():
        return table.collect()


@contextmanager
def _damage_told() -> Iterator[None]:
    """Turn what a damaged file does to Polars into a Failure."""
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).partition("\n")[0][:200]
        what = f"a table cannot be read: {reason}"
        raise Failure(what, "it may be truncated: copy or record it again") from error


def _carried_forward(values: Array) -> Array:
    """Return ``values`` with each gap filled by what was seen last."""
    order = np.arange(len(values))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, order), axis=0)
    return np.take_along_axis(values, last, axis=0)
