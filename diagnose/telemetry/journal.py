"""The journal: what was acknowledged and is not yet in the tables, on one disk and synced to it.

SQLite in write-ahead mode with ``synchronous=FULL``: a commit returns after the disk has it, and a
log that was torn by a power cut ends at the last whole commit. One process appends (see
``lock.py``); any number read.

A position counts the entries since the journal was made, and is never used twice. The tables
remember under the journal's identity up to which position they hold it, so that an entry is in one
of both places for every reader, and after a crash nobody has to guess.
"""

import sqlite3
import time
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import polars as pl

from diagnose.schema import Failure
from diagnose.telemetry.batch import Batch, Stream, decoded_frame

TAIL_SECONDS: Final = 3600.0  # for which the last lines of a source are remembered
REPAIR: Final = "stop the writer and run 'aitia ingest repair'"
TABLES: Final = """
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS entries (
    position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, records INTEGER NOT NULL,
    checksum INTEGER NOT NULL, frame BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (key BLOB PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_by_time ON requests (until);
CREATE TABLE IF NOT EXISTS tails (source TEXT PRIMARY KEY, lines BLOB NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS synced (name TEXT PRIMARY KEY, version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS damaged (
    position INTEGER PRIMARY KEY, stream TEXT NOT NULL, records INTEGER NOT NULL, frame BLOB);
"""


class Overloaded(Exception):  # noqa: N818 - it reads "raise Overloaded(why)"
    """Nothing can be acknowledged now; a sender should try again later."""


class DamagedEntry(Failure):
    """An entry of the journal is not what was written.

    Attributes:
        position: Of the entry.
    """

    def __init__(self, path: Path, position: int) -> None:
        super().__init__(f"{path}: the entry at position {position} is damaged", REPAIR)
        self.position = position


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame of the journal.

    Attributes:
        position: Where it stands.
        stream: What it holds.
        records: How many.
        frame: The records.
    """

    position: int
    stream: Stream
    records: int
    frame: pl.DataFrame


class Journal:
    """An open journal; a thread at a time may use it.

    Args:
        path: The file.
        writing: Whether to make the file where it is missing; else it is opened for reading alone.
        max_bytes: Size beyond which it refuses more.

    Raises:
        Failure: the file cannot be opened, or is no journal.
    """

    def __init__(self, path: Path, writing: bool = False, max_bytes: int = 1 << 30) -> None:
        self.path = path
        self.max_bytes = max_bytes
        mode = "rwc" if writing else "ro"
        try:
            self._db = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode={mode}",
                uri=True,
                isolation_level=None,
                check_same_thread=False,
                timeout=30,
            )
            if writing:
                self._set_up()
            (self.identity,) = self._db.execute("SELECT id FROM identity").fetchone()
        except (sqlite3.Error, TypeError) as error:
            raise Failure(f"{path}: the journal cannot be opened ({error})", REPAIR) from error

    def _set_up(self) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(f"PRAGMA journal_size_limit={64 << 20}")
        self._db.executescript(TABLES)
        if self._db.execute("SELECT id FROM identity").fetchone() is None:
            self._db.execute("INSERT INTO identity VALUES (?)", (str(uuid.uuid4()),))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        """Return the journal itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self.close()

    def commit(self, batches: Sequence[Batch]) -> list[bool]:
        """Make ``batches`` durable, all or none, with one sync of the disk.

        Returns:
            For each, whether it was new; what repeats an earlier request is not kept again.

        Raises:
            Overloaded: the journal or the disk is full; nothing was kept.
        """
        now = time.time()
        try:
            if self.held_bytes + sum(batch.size for batch in batches) > self.max_bytes:
                raise Overloaded("the journal is full: the tables do not keep up")
            with self._transaction():
                fresh = [self._insert(batch, now) for batch in batches]
        except sqlite3.Error as error:  # full, failing or read-only disk: keep nothing, say so
            raise Overloaded(f"the journal cannot be written: {error}") from error
        return fresh

    def _insert(self, batch: Batch, now: float) -> bool:
        """Insert one batch; return False where its request was kept before."""
        if batch.key is not None:
            known = self._db.execute(
                "INSERT INTO requests VALUES (?, ?) ON CONFLICT DO NOTHING",
                (batch.key, now + batch.known_seconds),
            )
            if not known.rowcount:
                return False
        self._db.executemany(
            "INSERT INTO entries (stream, records, checksum, frame) VALUES (?, ?, ?, ?)",
            [(stream, records, zlib.crc32(f), f) for stream, records, f in batch.frames],
        )
        if batch.source is not None:
            self._db.execute(
                "INSERT OR REPLACE INTO tails VALUES (?, ?, ?)", (batch.source, batch.tail, now)
            )
        return True

    def entries(
        self, stream: Stream, after: int, most: tuple[int, int] | None = None
    ) -> Iterator[Entry]:
        """Yield the entries of ``stream`` behind position ``after``, in order.

        Args:
            stream: Which.
            after: A position.
            most: Records, and bytes of them as they are kept here, after which to stop; None for
                all.

        Raises:
            DamagedEntry: an entry does not match its checksum.
        """
        given = size = 0
        for position, records, checksum, frame in self._db.execute(
            "SELECT position, records, checksum, frame FROM entries"
            " WHERE stream = ? AND position > ? ORDER BY position",
            (stream, after),
        ):
            if zlib.crc32(frame) != checksum:
                raise DamagedEntry(self.path, position)
            yield Entry(position, stream, records, decoded_frame(frame))
            given, size = given + records, size + len(frame)
            if most is not None and (given >= most[0] or size >= most[1]):
                return

    def trim(self, positions: Mapping[Stream, int], synced: Mapping[str, int]) -> None:
        """Forget what the tables hold durably.

        Args:
            positions: Of each stream, up to where.
            synced: Version of each table up to which the disk has it.
        """
        with self._transaction():
            self._db.executemany(
                "DELETE FROM entries WHERE stream = ? AND position <= ?", positions.items()
            )
            self._db.executemany("INSERT OR REPLACE INTO synced VALUES (?, ?)", synced.items())
            now = time.time()
            self._db.execute("DELETE FROM requests WHERE until < ?", (now,))
            self._db.execute("DELETE FROM tails WHERE at < ?", (now - TAIL_SECONDS,))

    def skip_to(self, position: int) -> None:
        """Let the next entry stand behind ``position``, which a table has seen already."""
        with self._transaction():
            self._db.execute(
                "INSERT INTO sqlite_sequence SELECT 'entries', 0 WHERE NOT EXISTS"
                " (SELECT 1 FROM sqlite_sequence WHERE name = 'entries')"
            )
            self._db.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'entries'", (position,)
            )

    @property
    def held_bytes(self) -> int:
        """Return how much of the file is in use; what was trimmed is used again."""
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * self._pragma("page_size")

    def pending(self) -> dict[Stream, int]:
        """Return how many records of each stream are kept here."""
        rows = self._db.execute("SELECT stream, sum(records) FROM entries GROUP BY stream")
        return dict(rows.fetchall())

    def synced(self) -> dict[str, int]:
        """Return up to which version the disk is known to have each table."""
        return dict(self._db.execute("SELECT name, version FROM synced").fetchall())

    def tails(self) -> dict[str, bytes]:
        """Return the keys of the last lines of each source."""
        return dict(self._db.execute("SELECT source, lines FROM tails").fetchall())

    def damaged_positions(self) -> Iterator[int]:
        """Yield the positions of entries that do not match their checksum."""
        for position, checksum, frame in self._db.execute(
            "SELECT position, checksum, frame FROM entries ORDER BY position"
        ):
            if zlib.crc32(frame) != checksum:
                yield position

    def set_aside(self, positions: Iterable[int]) -> int:
        """Move entries out of the way, where no reader and no table sees them.

        Returns:
            How many records they hold.
        """
        records = 0
        with self._transaction():
            for position in positions:
                self._db.execute(
                    "INSERT OR REPLACE INTO damaged"
                    " SELECT position, stream, records, frame FROM entries WHERE position = ?",
                    (position,),
                )
                found = self._db.execute(
                    "DELETE FROM entries WHERE position = ? RETURNING records", (position,)
                )
                records += sum(number for (number,) in found)
        return records

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads inside see the journal as it is at the first of them."""
        self._db.execute("BEGIN")
        try:
            self._db.execute("SELECT id FROM identity").fetchone()  # the snapshot begins here
            yield
        finally:
            self._db.execute("ROLLBACK")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def _pragma(self, name: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {name}").fetchone()
        return int(value)
