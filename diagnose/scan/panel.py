"""What many hosts showed within one span, as one array: the fast way from the tables to numbers.

Names are looked at once a series and never once a reading. Every series has its own place within a
step, since each host is read at its own moment, so that a jitter of milliseconds tears nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.incident.reach import median_step
from diagnose.incident.readings import ABSURD, COUNTER, FALLS, MICROSECOND, Array, Span, rates
from diagnose.schema import Node, Signal, Window
from diagnose.telemetry.reader import Reader, host_of
from models.kinds import kind_of_metric

Places = NDArray[np.intp]

SAMPLE: Final = 200_000  # readings that tell the step


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Some hosts on one regular step.

    Attributes:
        hosts: Their names, sorted; of each, something was read.
        signals: The columns; those of a host stand together, those of an entity, too.
        first: Of each host, the place of its first column; then the number of all columns.
        span: The instants.
        values: Of shape (instants, columns), rates of counters; NaN where nothing was read.
        recent: Instants at the end that are judged by those before them.
        cut: Hosts that have more series than were read.
    """

    hosts: tuple[str, ...]
    signals: tuple[Signal, ...]
    first: Places
    span: Span
    values: Array
    recent: int
    cut: tuple[str, ...] = ()

    @property
    def step_seconds(self) -> float:
        """Return the distance between two instants."""
        return self.span.step / timedelta(seconds=1)

    @property
    def past(self) -> Array:
        """Return the values of the baseline."""
        return self.values[: len(self.values) - self.recent]

    @property
    def now(self) -> Array:
        """Return the values of the recent part."""
        return self.values[len(self.values) - self.recent :]

    def columns_of(self, place: int) -> range:
        """Return the columns of the host at ``place``."""
        return range(int(self.first[place]), int(self.first[place + 1]))

    def window(
        self, columns: Iterable[int], as_of: datetime, more: Iterable[tuple[Signal, Array]] = ()
    ) -> Window:
        """Return some columns as a window.

        Args:
            columns: Their places.
            as_of: The moment of the scan.
            more: Further signals with their values, one an instant.
        """
        chosen = list(columns)
        added = list(more)
        signals = (*(self.signals[i] for i in chosen), *(signal for signal, _ in added))
        values = np.column_stack([self.values[:, chosen], *(values for _, values in added)])
        names = [str(signal.node) for signal in signals]
        table = pl.from_numpy(values, pl.Schema(dict.fromkeys(names, pl.Float64())), orient="row")
        table = table.fill_nan(None).insert_column(0, self.span.times())
        cut = len(values) - self.recent
        alert = self.span.first + self.span.step * cut
        return Window(signals, table[:cut], table[cut:], self.step_seconds, alert, as_of)


def read_panel(
    reader: Reader,
    hosts: Iterable[str],
    within: tuple[int, int],
    span: tuple[datetime, datetime],
    recent: timedelta,
) -> Panel | None:
    """Return what hosts showed; None where nothing was read of any.

    Args:
        reader: Of what was kept.
        hosts: Their names.
        within: Least and greatest number of their series.
        span: From when to when is read.
        recent: How much at the end is judged by what comes before.
    """
    start, end = span
    known, rows = reader.numbered(start, end, list(hosts), within)
    number, moment, value, position = (
        rows[name].to_numpy() for name in ("series", "time", "value", "position")
    )
    micros = moment.astype("datetime64[us]").astype(np.int64)
    finite = np.isfinite(value) & (np.abs(value) <= ABSURD)
    if not finite.all():
        number, micros, value, position = (
            column[finite] for column in (number, micros, value, position)
        )
    known = known.sort(host_of(pl.col("entity")), "entity", "signal")
    column = np.full(within[1] - within[0] + 1, -1, dtype=np.int32)
    column[known["series"].to_numpy() - within[0]] = np.arange(known.height, dtype=np.int32)
    place = column[number - within[0]]
    step = timedelta(seconds=_step_seconds(place, micros))
    instants = max(int((end - start) / step), 1)
    grid = Span(end - step * (instants - 1), instants, step)
    values = _on_grid(place, micros, value, position, grid, known.height)
    return panel_of(known, values, grid, round(recent / step)) if len(value) else None


def _step_seconds(place: NDArray[np.int32], micros: NDArray[np.int64]) -> float:
    """Return how far apart the readings of a series are, in the median."""
    place, micros = place[:SAMPLE], micros[:SAMPLE]
    order = np.lexsort((micros, place))
    return median_step(np.diff(micros[order])[np.diff(place[order]) == 0])


def _on_grid(
    place: NDArray[np.int32],
    micros: NDArray[np.int64],
    value: Array,
    position: NDArray[np.int64],
    grid: Span,
    columns: int,
) -> Array:
    """Return the values of shape (instants, columns); in memory, each column lies in one piece."""
    step = grid.step // MICROSECOND
    end = (grid.first - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND + step * (
        grid.instants - 1
    )
    seen = np.full(columns, end, dtype=np.int64)
    seen[place] = micros  # any reading of a series tells when within a step it is read
    phase = (end - seen) % step
    cell = grid.instants - 1 - (end - phase[place] - micros + step // 2) // step
    inside = np.flatnonzero((cell >= 0) & (cell < grid.instants))
    if len(inside) < len(cell):
        place, cell, value = place[inside], cell[inside], value[inside]
        micros, position = micros[inside], position[inside]
    values = np.full((columns, grid.instants), np.nan)
    values[place, cell] = value
    if np.count_nonzero(~np.isnan(values)) < len(value):
        # Several in one step: the newest holds, and of one moment the one that came last.
        order = np.lexsort((position, micros))
        values[place[order], cell[order]] = value[order]
    return values.T


def panel_of(
    known: pl.DataFrame, values: Array, grid: Span, recent: int, cut: tuple[str, ...] = ()
) -> Panel:
    """Return the panel of the series of which something was read, counters as rates.

    Args:
        known: Entity and signal of each column, sorted by host, entity and signal.
        values: Of shape (instants, columns), NaN where nothing was read; counters are overwritten.
        grid: The instants.
        recent: Instants at the end that are judged by those before them.
        cut: Hosts of which there is more than that.
    """
    read = ~np.isnan(values).all(axis=0)
    known, values = known.filter(pl.Series(read)), values[:, read]
    named = np.array([bool(COUNTER.search(name)) for name in known["signal"].to_list()], dtype=bool)
    counting = np.flatnonzero(named)
    with np.errstate(invalid="ignore"):
        falls = (np.diff(values[:, counting], axis=0) < 0).sum(axis=0)
    counting = counting[falls <= max(1.0, FALLS * len(values))]
    if len(counting):
        first = np.full((1, len(counting)), np.nan)
        values[:, counting] = np.vstack(
            [first, rates(values[:, counting], grid.step / timedelta(seconds=1))]
        )
    counts = np.zeros(len(named), dtype=bool)
    counts[counting] = True
    signals = tuple(
        Signal(Node(entity, name), kind_of_metric(name), "counter" if counter else "metric")
        for entity, name, counter in zip(known["entity"], known["signal"], counts, strict=True)
    )
    host = known.select(host_of(pl.col("entity")))["entity"]
    begins = np.flatnonzero((host != host.shift(1)).fill_null(True).to_numpy())
    return Panel(
        tuple(host.gather(begins).to_list()),
        signals,
        np.append(begins, len(host)).astype(np.intp),
        grid,
        values,
        min(recent, len(values)),
        cut,
    )
