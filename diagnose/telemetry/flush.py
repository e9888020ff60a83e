"""Journal -> tables: what was acknowledged moves on, and is counted once wherever a crash falls.

The order makes it so: commit the rows with the journal's position, sync files, log and folders,
only then trim the journal. A commit that a crash has cut short is not in the table, and neither is
its position; a commit that was not yet trimmed is skipped by its position.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from diagnose.telemetry.batch import STREAMS, Stream
from diagnose.telemetry.journal import Entry, Journal
from diagnose.telemetry.keeping import COMMIT_RECORDS
from diagnose.telemetry.tables import SCHEMAS, Tables, with_hour

COMMIT_BYTES: Final = 24 << 20  # of which the records of a commit are unpacked
SERIES: Final = ["entity", "signal"]


class Flusher:
    """Moves records from a journal into tables; one thread of one process does.

    Args:
        journal: Opened for writing.
        tables: Where to.

    Attributes:
        known: Number, entity and signal of every series.
    """

    def __init__(self, journal: Journal, tables: Tables) -> None:
        self.journal = journal
        self.tables = tables
        tables.synced.update(journal.synced())
        self.known = read_series(tables)
        for name in SCHEMAS:
            tables.sync(name)
        journal.trim(self._positions(), tables.synced)
        journal.skip_to(tables.latest_position())

    def flush(self) -> int:
        """Move what the journal holds now.

        Returns:
            How many records were moved.
        """
        return sum(self._flush_stream(stream) for stream in STREAMS)

    def _flush_stream(self, stream: Stream) -> int:
        moved = 0
        while True:
            after = self.tables.position(stream, self.journal.identity)
            entries = list(self.journal.entries(stream, after, (COMMIT_RECORDS, COMMIT_BYTES)))
            if not entries:
                return moved
            position = entries[-1].position
            if stream == "readings":
                rows = arranged(stream, self._numbered(entries))
            else:
                rows = arranged(stream, pl.concat(entry.frame for entry in entries))
            self.tables.append(stream, rows, self.journal.identity, position)
            self.tables.sync(stream)
            self.journal.trim({stream: position}, self.tables.synced)
            moved += sum(entry.records for entry in entries)

    def _numbered(self, entries: Sequence[Entry]) -> pl.DataFrame:
        """Return readings with the numbers of their series, which are durable by then."""
        frame = pl.concat(
            entry.frame.with_columns(position=pl.lit(entry.position, pl.Int64)) for entry in entries
        )
        numbered = frame.join(self.known, on=SERIES, how="left")
        if numbered["series"].null_count():
            self._learn(numbered.filter(pl.col("series").is_null()))
            numbered = frame.join(self.known, on=SERIES, how="left")
        return numbered.select("series", "time", "value", "position")

    def _learn(self, unknown: pl.DataFrame) -> None:
        """Give numbers to series that were never seen, and make them durable."""
        # In order, so that the series of a host have numbers near each other, and lie together.
        fresh = unknown.select(SERIES).unique().sort(SERIES)
        number = pl.int_range(1, 1 + pl.len(), dtype=pl.Int32) + self._last_number
        fresh = fresh.select(number.alias("series"), *SERIES)
        self.tables.append("series", fresh)
        self.tables.sync("series")
        self.known = pl.concat([self.known, fresh])

    @property
    def _last_number(self) -> int:
        """Return the greatest number of a series; numbers are given in order."""
        return int(self.known["series"][-1]) if self.known.height else 0

    def _positions(self) -> dict[Stream, int]:
        return {s: self.tables.position(s, self.journal.identity) for s in STREAMS}


def arranged(stream: Stream, rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` as a table holds them: sorted, and each (series, time) once, the last.

    Args:
        stream: Which table.
        rows: Its columns, with or without ``hour``, oldest position first.
    """
    rows = with_hour(rows)
    order = {
        "readings": ["series", "time"],
        "logs": ["entity", "time"],
        "edges": ["caller", "callee", "origin", "time"],
    }[stream]
    if stream == "readings":
        rows = rows.sort(*order, "position")
        again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(-1) for name in order)
        rows = rows.filter(~again.fill_null(False))
    elif stream == "edges":  # an edge that is seen all the time is kept once an hour, as seen last
        rows = rows.sort(order).unique(["hour", *order[:3]], keep="last", maintain_order=True)
    else:
        rows = rows.sort(order, maintain_order=True)
    return rows.select(list(SCHEMAS[stream]))


def read_series(tables: Tables) -> pl.DataFrame:
    """Return number, entity and signal of every series."""
    files = tables.table("series").file_uris()
    if not files:
        return pl.DataFrame(schema=SCHEMAS["series"])
    return pl.read_parquet(files).sort("series")
