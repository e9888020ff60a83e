"""The single writer: acknowledges, and lets what it acknowledged be moved into the tables.

A thread commits to the journal (``group_commit.py``), and whoever appends waits for that alone; a
process of its own moves what was committed (``mover_process.py``).
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Protocol

from diagnose.telemetry.batch import Batch
from diagnose.telemetry.group_commit import GroupCommit
from diagnose.telemetry.journal import DamagedEntry, Journal
from diagnose.telemetry.keeping import Keeping, Stage
from diagnose.telemetry.lock import single_writer
from diagnose.telemetry.mover_process import MoverProcess


class Moving(Protocol):
    """Whatever moves records from the journal into the tables.

    Attributes:
        failure: Why it cannot; None where it can.
        flushed_at: When it last did, in seconds since 1970.
    """

    failure: str | None
    flushed_at: float

    @property
    def queue_age_seconds(self) -> float:
        """Return how long what was acknowledged waits for the tables."""
        ...

    def expect(self, records: int) -> None:
        """Note that so many records come to the journal."""
        ...


class Writer:
    """Takes batches; ``open_writer`` makes one.

    Args:
        journal: Opened for writing, for this alone.
        group: Commits to it.
        mover: Moves what was committed.

    Attributes:
        mover: The same.
        tails: Of each source of lines, the keys of those that it sent before this process began.
    """

    def __init__(self, journal: Journal, group: GroupCommit, mover: Moving) -> None:
        self.mover = mover
        self.tails: Mapping[str, bytes] = journal.tails()
        self._journal = journal
        self._group = group

    def append(self, batch: Batch) -> "Future[bool]":
        """Return what becomes true once ``batch`` is durable, or false where it was so before.

        Raises:
            Overloaded: nothing can be acknowledged now; the future may raise it, too.
        """
        future = self._group.append(batch)
        self.mover.expect(sum(records for _, records, _ in batch.frames))
        return future

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits for the disk."""
        return self._group.waiting_bytes

    @property
    def journal_bytes(self) -> int:
        """Return how much the journal holds."""
        return self._journal.held_bytes


@contextmanager
def open_writer(keeping: Keeping, observe: Callable[[Stage, float], None]) -> Iterator[Writer]:
    """Open telemetry for writing; in the end, all that was acknowledged is in the tables.

    Args:
        keeping: Where and how.
        observe: Is told how many seconds each stage took.

    Raises:
        Failure: another process writes it, or it is damaged.
    """
    path = keeping.journal
    with (
        single_writer(keeping.folder),
        Journal(path, writing=True, max_bytes=keeping.journal_bytes) as journal,
    ):
        if (bad := next(journal.damaged_positions(), None)) is not None:
            raise DamagedEntry(path, bad)
        with (
            MoverProcess(keeping, observe) as mover,
            GroupCommit(journal, lambda took: observe("journal_commit", took)) as group,
        ):
            yield Writer(journal, group, mover)
