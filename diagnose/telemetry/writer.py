"""The single writer: acknowledges, and moves what it acknowledged into the tables.

Two threads: one commits to the journal (``group_commit.py``), one flushes and looks after the
tables. Whoever appends waits for the first alone.
"""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, Self

import polars as pl
from deltalake.exceptions import DeltaError

from diagnose.schema import Failure
from diagnose.telemetry.batch import Batch
from diagnose.telemetry.flush import MOST, Flusher
from diagnose.telemetry.group_commit import GroupCommit
from diagnose.telemetry.journal import DamagedEntry, Journal
from diagnose.telemetry.lock import single_writer
from diagnose.telemetry.settle import settle
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.upkeep import Upkeep

Stage = Literal["journal_commit", "flush", "upkeep"]
UPKEEP_SECONDS: Final = 60.0
LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where and how telemetry is kept.

    Attributes:
        folder: Of the journal.
        root: Of the tables: a folder, or an address on object storage.
        flush_seconds: Time between two commits to the tables.
        retention: Age at which records are deleted.
        journal_bytes: Size of the journal beyond which nothing is acknowledged.
    """

    folder: Path
    root: str
    flush_seconds: float = 15.0
    retention: timedelta = timedelta(days=30)
    journal_bytes: int = 1 << 30


class Writer:
    """Takes batches; ``open_writer`` makes one.

    Args:
        journal: Opened for writing, for appending alone.
        flusher: With a journal of its own on the same file.
        upkeep: Of the same tables.
        flush_seconds: Time between two flushes.
        observe: Is told how many seconds each stage took.

    Attributes:
        failure: Why the last flush failed; None where it did not.
        flushed_at: When the last flush ended, in seconds since 1970.
        tails: Of each source of lines, the keys of those that it sent before this process began.
    """

    def __init__(
        self,
        journal: Journal,
        flusher: Flusher,
        upkeep: Upkeep,
        flush_seconds: float,
        observe: Callable[[Stage, float], None],
    ) -> None:
        self.failure: str | None = None
        self.flushed_at = time.time()
        self.tails = journal.tails()
        self._journal = journal
        self._flusher = flusher
        self._upkeep = upkeep
        self._every = flush_seconds
        self._observe = observe
        self._group = GroupCommit(journal, lambda took: observe("journal_commit", took))
        self._appended = 0
        self._queued_since: float | None = None
        self._upkept = time.monotonic()
        self._due = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="tables", daemon=True)

    def append(self, batch: Batch) -> "Future[bool]":
        """Return what becomes true once ``batch`` is durable, or false where it was so before.

        Raises:
            Overloaded: nothing can be acknowledged now; the future may raise it, too.
        """
        future = self._group.append(batch)
        if self._queued_since is None:
            self._queued_since = time.time()
        self._appended += sum(records for _, records, _ in batch.frames)
        if self._appended > MOST:
            self._due.set()
        return future

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits for the disk."""
        return self._group.waiting_bytes

    @property
    def journal_bytes(self) -> int:
        """Return how much the journal holds."""
        return self._journal.held_bytes

    @property
    def queue_age_seconds(self) -> float:
        """Return how long what was acknowledged waits for the tables."""
        return 0.0 if self._queued_since is None else time.time() - self._queued_since

    def __enter__(self) -> Self:
        """Start committing and flushing."""
        self._group.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Commit what waits, move all of it into the tables, stop."""
        self._group.__exit__()
        self._stopping = True
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._due.wait(self._every)
            self._due.clear()
            self._try_to_move()
        self._try_to_move()

    def _try_to_move(self) -> None:
        self._appended = 0
        since, self._queued_since = self._queued_since, None
        try:
            self._move()
        except (DeltaError, OSError, sqlite3.Error, pl.exceptions.PolarsError, Failure) as error:
            # The journal keeps what the tables cannot take; when it is full, senders are told.
            self._queued_since = since
            self.failure = str(error)
            self._flusher.tables.reopen()
            LOG.error("the tables cannot be written: %s", error)
        else:
            self.failure = None
            self.flushed_at = time.time()

    def _move(self) -> None:
        """Flush, and look after the tables where that is due."""
        with self._timed("flush"):
            self._flusher.flush()
        if time.monotonic() - self._upkept > UPKEEP_SECONDS and not self._stopping:
            with self._timed("upkeep"):
                self._upkeep.run(datetime.now(UTC))
            self._upkept = time.monotonic()

    @contextmanager
    def _timed(self, stage: Stage) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self._observe(stage, time.perf_counter() - begin)


@contextmanager
def open_writer(keeping: Keeping, observe: Callable[[Stage, float], None]) -> Iterator[Writer]:
    """Open telemetry for writing, after putting right what a crash has left.

    Args:
        keeping: Where and how.
        observe: Is told how many seconds each stage took.

    Raises:
        Failure: another process writes it, or it is damaged.
    """
    with single_writer(keeping.folder):
        path = keeping.folder / "journal.db"
        tables = Tables(keeping.root)
        with (
            Journal(path, writing=True, max_bytes=keeping.journal_bytes) as journal,
            Journal(path, writing=True) as moving,
        ):
            if (bad := next(journal.damaged_positions(), None)) is not None:
                raise DamagedEntry(path, bad)
            if tables.folder is not None:
                for sentence in settle(tables.folder, journal.synced()):
                    LOG.warning("%s", sentence)
            flusher = Flusher(moving, tables)
            upkeep = Upkeep(tables, keeping.retention)
            with Writer(journal, flusher, upkeep, keeping.flush_seconds, observe) as writer:
                yield writer
