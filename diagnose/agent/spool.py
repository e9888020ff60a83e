"""What is still to be sent, on disk: it survives a crash, a power cut and a receiver that is down.

Requests and the collectors' cursors are committed together (SQLite, WAL, synchronous=FULL, which
syncs at every commit): a cursor never stands beyond what is kept here, so nothing is lost, and
never before it, so nothing is read again. A request leaves when its receiver has acknowledged it;
one whose acknowledgement was lost is sent again (at least once).
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnose.agent.otlp import Request
from diagnose.failure import Failure

FILE: Final = "spool.db"
PATIENCE_SECONDS: Final = 30.0  # for the other thread's commit
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS request (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL, records INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS cursor (collector TEXT PRIMARY KEY, place TEXT NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A request that waits.

    Attributes:
        id: By which it is removed; grows with age.
        request: What is to be sent.
    """

    id: int
    request: Request


class Spool:
    """The spool in a folder. Each thread opens its own.

    Args:
        folder: Made where it is missing.
        most_bytes: Size of all bodies beyond which the oldest are dropped.

    Raises:
        Failure: it cannot be opened, or is damaged.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.file = folder / FILE
        self.most_bytes = most_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._base = sqlite3.connect(self.file, timeout=PATIENCE_SECONDS)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            way_out = f"make it writable; a damaged spool can be moved away: {self.file}*"
            raise Failure(f"{self.file}: {error}", way_out) from error

    def close(self) -> None:
        """Close the spool."""
        self._base.close()

    def put(self, requests: Iterable[Request], cursors: Mapping[str, str]) -> int:
        """Keep ``requests`` and ``cursors``: both, or neither.

        Returns:
            How many records were dropped because the spool is full.

        Raises:
            OSError: the disk is full or broken; nothing was kept.
        """
        rows = [(request.path, request.records, request.body) for request in requests]
        with self._committed():
            self._base.executemany(
                "INSERT INTO request (path, records, body) VALUES (?, ?, ?)", rows
            )
            self._base.executemany(
                "INSERT INTO cursor VALUES (?, ?) ON CONFLICT (collector) "
                "DO UPDATE SET place = excluded.place WHERE place <> excluded.place",
                cursors.items(),
            )
            return self._trim()

    def cursors(self) -> dict[str, str]:
        """Return the last kept cursor of each collector."""
        with self._committed():
            return dict(self._base.execute("SELECT collector, place FROM cursor"))

    def oldest(self) -> Stored | None:
        """Return the request that waits longest; None where none waits."""
        query = "SELECT id, path, body, records FROM request ORDER BY id LIMIT 1"
        with self._committed():
            row = self._base.execute(query).fetchone()
        return Stored(row[0], Request(*row[1:])) if row else None

    def remove(self, stored: Stored) -> None:
        """Forget a request that was acknowledged, or refused for good."""
        with self._committed():
            self._base.execute("DELETE FROM request WHERE id = ?", (stored.id,))

    def waiting(self) -> tuple[int, int]:
        """Return how many requests wait, and the bytes of their bodies."""
        with self._committed():
            (count,) = self._base.execute("SELECT count(*) FROM request").fetchone()
            return count, self._sum()

    @contextmanager
    def _committed(self) -> Iterator[None]:
        """Commit what is done inside, all of it or nothing.

        Raises:
            OSError: the disk is full or broken, or the file is damaged.
        """
        try:
            with self._base:
                yield
        except sqlite3.Error as error:
            raise OSError(f"{self.file}: {error}") from error

    def _sum(self) -> int:
        (total,) = self._base.execute(
            "SELECT coalesce(sum(length(body)), 0) FROM request"
        ).fetchone()
        return int(total)

    def _trim(self) -> int:
        """Drop the oldest requests until the rest fits; return how many records they held."""
        dropped, total = 0, self._sum()
        while total > self.most_bytes:
            number, records, size = self._base.execute(
                "SELECT id, records, length(body) FROM request ORDER BY id LIMIT 1"
            ).fetchone()
            self._base.execute("DELETE FROM request WHERE id = ?", (number,))
            dropped += records
            total -= size
        return dropped
