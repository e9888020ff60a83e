"""The process that moves records from the journal into the tables, and looks after these.

    python -m diagnose.telemetry.mover '{"folder": ...}'

It is not the process that receives: that holds none of Delta Lake's memory, shares its interpreter
with no flush, and outlives whatever goes wrong here. ``mover_process.py`` starts it. Orders come as
bytes on standard input, reports go as lines to standard output.
"""

import os
import select
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import polars as pl
from deltalake.exceptions import DeltaError

from diagnose.schema import Failure
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.journal import Journal
from diagnose.telemetry.keeping import END, MOVE, Keeping, Report, Stage
from diagnose.telemetry.lock import single_mover
from diagnose.telemetry.settle import settle
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.upkeep import Upkeep

ORDERS, REPORTS = 0, 1  # descriptors

Tell = Callable[[Report], None]


class Mover:
    """Moves what a journal holds; ``open_mover`` makes one.

    Args:
        flusher: Moves records.
        upkeep: Of the same tables.
        upkeep_seconds: Time between two runs of it.
        tell: Takes reports.
    """

    def __init__(self, flusher: Flusher, upkeep: Upkeep, upkeep_seconds: float, tell: Tell) -> None:
        self._flusher = flusher
        self._upkeep = upkeep
        self._every = upkeep_seconds
        self._tell = tell
        self._upkept = time.monotonic()

    def move(self, ending: bool = False) -> None:
        """Move all that the journal holds now, and look after the tables where that is due.

        Args:
            ending: Whether it is the last time; the tables look after themselves later, then.
        """
        self._tell(Report("began", seconds=time.time()))
        try:
            with self._timed("flush"):
                self._flusher.flush()
            if time.monotonic() - self._upkept > self._every and not ending:
                with self._timed("upkeep"):
                    self._upkeep.run(datetime.now(UTC))
                self._upkept = time.monotonic()
        except BrokenPipeError:
            raise  # nobody is left to be told
        except (DeltaError, OSError, sqlite3.Error, pl.exceptions.PolarsError, Failure) as error:
            # The journal keeps what the tables cannot take; when it is full, senders are told.
            self._flusher.tables.reopen()
            self._tell(Report("failed", str(error)))
        else:
            self._tell(Report("moved"))

    @contextmanager
    def _timed(self, stage: Stage) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self._tell(Report("timed", stage=stage, seconds=time.perf_counter() - begin))


@contextmanager
def open_mover(keeping: Keeping, tell: Tell) -> Iterator[Mover]:
    """Open the tables for writing, after putting right what a crash has left.

    Args:
        keeping: Where and how.
        tell: Takes reports.

    Raises:
        Failure: another process writes them, or they are damaged.
    """
    with single_mover(keeping.folder), Journal(keeping.journal, writing=True) as journal:
        tables = Tables(keeping.root)
        if tables.folder is not None:
            for sentence in settle(tables.folder, journal.synced()):
                tell(Report("settled", sentence))
        flusher, upkeep = Flusher(journal, tables), Upkeep(tables, keeping.retention)
        yield Mover(flusher, upkeep, keeping.upkeep_seconds, tell)


def main() -> None:
    """Move records until the writer says that it is enough, or is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the writer, which gets them as well, says when
    keeping = Keeping.of_json(sys.argv[1])
    try:
        with open_mover(keeping, _tell) as mover:
            _tell(Report("ready"))
            ending = False
            while not ending and (order := _order(keeping.flush_seconds)):
                ending = END in order
                mover.move(ending)
    except Failure as failure:
        _tell(Report("refused", failure.what, failure.way_out))
    except BrokenPipeError:
        pass  # the writer is gone: whoever comes next goes on


def _order(seconds: float) -> bytes:
    """Return what is to be done, after ``seconds`` at the latest; b where the writer is gone."""
    ready, _, _ = select.select([ORDERS], [], [], seconds)
    return os.read(ORDERS, 4096) if ready else MOVE


def _tell(report: Report) -> None:
    os.write(REPORTS, report.as_line())


if __name__ == "__main__":
    main()
