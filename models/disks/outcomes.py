"""What became of each disk: only training and scoring may know.

A disk that left without failing, or still runs, is censored: how long it would have lived is not
known, so it counts as healthy for exactly as long as it was watched and not an hour longer. So is a
disk that was repaired: whether it would have failed without that is not known either.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.disks.history import History, Hours, began

COLUMNS: Final = pl.Schema([("tstop", pl.Int64), ("fails", pl.Float64)])
EDGES: Final = (0, 24, 7 * 24, 30 * 24)  # hours from now; the hazard is constant in between


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """One entry a disk, in the order of ``History.serials``.

    Attributes:
        begin: When it was first seen, in hours since 1970.
        end: When it was last seen.
        failed: Whether it failed at ``end``.
        model: The model that it is of.
    """

    begin: Hours
    end: Hours
    failed: NDArray[np.bool_]
    model: NDArray[np.str_]

    @classmethod
    def of(cls, rows: pl.DataFrame, history: History) -> Self:
        """Return the outcomes of the disks of ``history``, which was made of the same rows."""
        stop = began() + pl.col("tstop") - pl.col("tstart")
        ends = rows.group_by("serial_number").agg(
            end=stop.max(), failed=(pl.col("fails") > 0).any()
        )
        order = history.numbers(ends["serial_number"].to_numpy().astype(str))
        end = np.empty(len(order), np.int64)
        failed = np.empty(len(order), bool)
        end[order], failed[order] = ends["end"].to_numpy(), ends["failed"].to_numpy()
        return cls(history.start[history.first], end, failed, history.model[history.first])

    def until(self, moment: int | Hours) -> Self:
        """Return what was known of them at ``moment``: who had not failed by then is censored.

        Args:
            moment: In hours since 1970; one for all disks, or one a disk.
        """
        return type(self)(
            self.begin, np.minimum(self.end, moment), self.failed & (self.end <= moment), self.model
        )


def held(history: History, outcomes: Outcomes) -> tuple[Hours, Hours]:
    """Return when each row of a history began, and when it ended: with the next, or its disk."""
    end = outcomes.end[history.disk]
    following = np.append(history.start[1:], 0)
    last = np.append(history.disk[1:] != history.disk[:-1], True)
    stop = np.where(last, end, np.minimum(following, end))
    return history.start, np.maximum(stop, history.start)
