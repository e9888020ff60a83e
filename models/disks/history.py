"""What was known of each disk, and when.

A row says which SMART values a disk had from one moment on; it holds until the disk's next row. So
a disk's history is a step function, and what was known at a moment is the newest row that had begun
by then. When a row ended, and whether the disk failed then, is the future: no reader of a history
can see it, since a history does not keep it.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]
Hours = NDArray[np.int64]  # since 1970, UTC; also the type of places in a table

SMART: Final = (
    "smart_5",  # reallocated sectors
    "smart_10",  # spin retries
    "smart_12",  # power cycles
    "smart_187",  # reported uncorrectable errors
    "smart_188",  # command timeouts
    "smart_189",  # high fly writes
    "smart_196",  # reallocation events
    "smart_197",  # pending sectors
    "smart_198",  # offline uncorrectable sectors
)
# Places in SMART of what counts damage, and of what the usual rule alarms on.
ERRORS: Final = [SMART.index(f"smart_{number}") for number in (5, 187, 196, 197, 198)]
RULE: Final = [SMART.index(f"smart_{number}") for number in (5, 187, 197, 198)]
# The columns that are read; whatever else a table has is not looked at.
COLUMNS: Final = pl.Schema(
    [
        ("serial_number", pl.String),
        ("model", pl.String),
        ("size_tb", pl.Float64),
        ("min_date", pl.Date),
        ("min_hours", pl.Int64),
        ("tstart", pl.Int64),
        *((name, pl.Float64) for name in SMART),
    ]
)
_DISK: Final = 1 << 32  # hours that no two disks share, in the key of a row
_NEVER: Final = -1
LATER: Final = _DISK >> 1  # an hour that nobody lives to see


def hours_of(moment: pl.Expr) -> pl.Expr:
    """Return a column of dates or moments in UTC as whole hours since 1970."""
    return moment.cast(pl.Datetime("us")).dt.epoch("us") // 3_600_000_000


def began() -> pl.Expr:
    """Return when each row of a history began, in hours since 1970.

    Power-on hours are taken for hours, from the day when the disk was first seen.
    """
    return (hours_of(pl.col("min_date")) + pl.col("tstart") - pl.col("min_hours")).cast(pl.Int64)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Rows of all disks, by disk and time; the arrays have one entry, or one line, a row.

    Attributes:
        serials: Names of the disks, sorted.
        first: Place of each disk's first row; one entry a disk.
        disk: Number of the disk.
        start: When the row began.
        power_on: Power-on hours then.
        model: The disk's model; "" where unknown.
        size_tb: Its size in terabytes; NaN where unknown.
        smart: SMART values, in the order of ``SMART``; NaN where the disk does not tell.
        risen: When each value last rose, up to this row; -1 where it never did.
        rises: How often each value has risen, up to this row.
        climbed: Sum of all rises, up to this row.
        broke: When each value was first above 0, up to this row; ``LATER`` where it never was.
    """

    serials: NDArray[np.str_]
    first: Hours
    disk: Hours
    start: Hours
    power_on: Array
    model: NDArray[np.str_]
    size_tb: Array
    smart: Array
    risen: Hours
    rises: Hours
    climbed: Array
    broke: Hours

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Self:
        """Return the history in ``rows``, which have ``COLUMNS`` and at least one row."""
        rows = rows.with_columns(start=began()).sort("serial_number", "start", maintain_order=True)
        serials, first, disk = np.unique(
            rows["serial_number"].to_numpy().astype(str), return_index=True, return_inverse=True
        )
        start = rows["start"].to_numpy().astype(np.int64)
        smart = rows.select(SMART).to_numpy().astype(np.float64)
        step = np.diff(smart, axis=0, prepend=smart[:1])
        step[first] = 0.0
        rise = np.maximum(np.nan_to_num(step), 0.0)
        offset = (disk * _DISK)[:, None]
        when = np.where(rise > 0, start[:, None], _NEVER)
        return cls(
            serials,
            first.astype(np.int64),
            disk.astype(np.int64),
            start,
            rows["tstart"].to_numpy().astype(np.float64),
            rows["model"].fill_null("").to_numpy().astype(str),
            rows["size_tb"].to_numpy().astype(np.float64),
            smart,
            np.maximum.accumulate(when + offset, axis=0) - offset,
            np.cumsum(rise > 0, axis=0),
            np.cumsum(rise, axis=0),
            _first(np.nan_to_num(smart) > 0, start, disk),
        )

    def numbers(self, serials: NDArray[np.str_]) -> Hours:
        """Return the number of each named disk; -1 where there is none of that name."""
        place = np.minimum(np.searchsorted(self.serials, serials), len(self.serials) - 1)
        return np.where(self.serials[place] == serials, place, _NEVER).astype(np.int64)

    def known(self, disk: Hours, at: Hours) -> Hours:
        """Return the place of the newest row that had begun; -1 where there was none.

        Args:
            disk: Numbers of disks; -1 for an unknown one.
            at: The moment of asking, for each.
        """
        keys = self.disk * _DISK + self.start
        place = np.searchsorted(keys, disk * _DISK + at, side="right") - 1
        there = (disk >= 0) & (place >= 0) & (self.disk[np.maximum(place, 0)] == disk)
        return np.where(there, place, _NEVER).astype(np.int64)


def _first(positive: NDArray[np.bool_], start: Hours, disk: NDArray[np.intp]) -> Hours:
    """Return when each value was first positive in the rows of its disk up to each."""
    offset = (disk[-1] - disk)[:, None] * _DISK
    when = np.where(positive, start[:, None], LATER)
    return np.asarray(np.minimum.accumulate(when + offset, axis=0) - offset)
