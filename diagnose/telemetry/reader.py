"""What was kept, read while it is being written: committed rows and the journal's tail, each once.

A read first takes a snapshot of the journal, then the tables: whatever the writer trimmed before is
in the tables by then, and whatever it moves meanwhile is told by the position that the tables name.
So a record that was acknowledged before the read began is in the answer, and no record is twice.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from diagnose.schema import EDGES, LOGS, READINGS, TIME, Failure
from diagnose.telemetry.batch import STREAMS, Stream
from diagnose.telemetry.journal import Journal
from diagnose.telemetry.tables import HOUR, SCHEMAS, unreadable

SERIES: Final = ["entity", "signal"]


class Reader:
    """Reads telemetry that ``aitia ingest`` keeps; any number of processes may.

    Args:
        root: Of the tables: a folder, or an address on object storage, whose keys, endpoint and
            region are in the environment.
        journal: File of the writer's journal, for what is not yet in the tables; None where that
            is on another machine.

    Raises:
        Failure: nothing was ever kept there.

    Example:
        kept = Path("/var/lib/aitia/telemetry")
        reader = Reader(f"{kept}/tables", kept / "journal.db")
        reader.readings(alert - timedelta(hours=1), alert, {"web-1", "web-2"})
    """

    def __init__(self, root: str, journal: Path | None = None) -> None:
        self._root = root.rstrip("/")
        self._series: tuple[int, pl.DataFrame] = (-1, pl.DataFrame(schema=SCHEMAS["series"]))
        self._journal = Journal(journal) if journal is not None and journal.exists() else None
        self._tables: dict[str, DeltaTable] = {}
        if self._table("readings") is None and self._journal is None:
            way_out = "start 'aitia ingest', or set telemetry.dir to where it writes"
            raise Failure(f"{root}: holds no telemetry", way_out)

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def __enter__(self) -> Self:
        """Return the reader itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the journal."""
        self.close()

    def readings(
        self, start: datetime, end: datetime, entities: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return what was read from ``start`` to ``end``, both included.

        Args:
            start: With a zone.
            end: With a zone.
            entities: Whose; None for all.

        Returns:
            Schema READINGS, sorted by entity, signal and time; each of these once, with the value
            that was acknowledged last.

        Raises:
            Failure: a file is missing or damaged.
        """
        with self._seen("readings") as (table, tail):
            known = self._known(entities)
            scan = self._scan(table, "readings", start, end)
            numbers = known["series"]
            if entities is not None:
                low, high = numbers.min(), numbers.max()  # lets whole groups of rows be skipped
                scan = scan.filter(pl.col("series").is_between(low, high))
                scan = scan.filter(pl.col("series").is_in(numbers.implode()))
            committed = self._collected(scan).sort("position", maintain_order=True)
            named = committed.join(known, on="series", maintain_order="left").select(list(READINGS))
            both = pl.concat([named, _within(tail, start, end, "entity", entities)])
        return both.unique([*SERIES, "time"], keep="last", maintain_order=True).sort(
            *SERIES, "time"
        )

    def logs(
        self, start: datetime, end: datetime, entities: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Return the log records from ``start`` to ``end``, both included.

        Args:
            start: With a zone.
            end: With a zone.
            entities: Whose; None for all.

        Returns:
            Schema LOGS, oldest first.

        Raises:
            Failure: a file is missing or damaged.
        """
        with self._seen("logs") as (table, tail):
            scan = self._scan(table, "logs", start, end)
            if entities is not None:
                scan = scan.filter(pl.col("entity").is_in(list(entities)))
            committed = self._collected(scan).select(list(LOGS))
            both = pl.concat([committed, _within(tail, start, end, "entity", entities)])
        return both.sort("time", maintain_order=True)

    def speakers(self, start: datetime, end: datetime) -> list[str]:
        """Return the entities that wrote a log record from ``start`` to ``end``, sorted.

        Raises:
            Failure: a file is missing or damaged.
        """
        with self._seen("logs") as (table, tail):
            told = self._collected(self._scan(table, "logs", start, end).select("entity").unique())
            fresh = _within(tail, start, end).select("entity")
        return pl.concat([told, fresh])["entity"].unique().sort().to_list()

    def edges(self, start: datetime, end: datetime) -> pl.DataFrame:
        """Return which entity was seen to call or belong to which.

        Args:
            start: With a zone.
            end: With a zone.

        Returns:
            Schema EDGES, each (caller, callee, origin) once, as it was seen last.

        Raises:
            Failure: a file is missing or damaged.
        """
        with self._seen("edges") as (table, tail):
            # An hour keeps only the last time at which it saw an edge.
            committed = self._collected(self._scan(table, "edges", start, end))
            both = pl.concat([committed.select(list(EDGES)), _within(tail, start, end)])
        keys = ["caller", "callee", "origin"]
        return both.sort("time").unique(keys, keep="last", maintain_order=True).sort(keys)

    def series(self, entities: Collection[str] | None = None) -> pl.DataFrame:
        """Return entity and signal of every series that was ever kept, sorted.

        Args:
            entities: Whose; None for all.
        """
        with self._seen("readings") as (_, tail):
            known = self._known(entities).select(SERIES)
            fresh = tail if entities is None else tail.filter(_among("entity", entities))
            return pl.concat([known, fresh.select(SERIES)]).unique().sort(SERIES)

    def hosts(self) -> pl.DataFrame:
        """Return the hosts of which the tables hold anything, with the numbers of their series.

        Returns:
            host, first, last (least and greatest number) and series (how many), sorted by host.

        Raises:
            Failure: a file is missing or damaged.
        """
        table = self._table("series")
        scan = self._files(table.file_uris() if table else [], "series")
        number = pl.col("series")
        told = scan.group_by(host=host_of(pl.col("entity"))).agg(
            first=number.min(), last=number.max(), series=number.count()
        )
        return self._collected(told).sort("host")

    def newest(self) -> datetime | None:
        """Return when the newest committed reading was taken; None where there is none."""
        table = self._table("readings")
        if table is None:
            return None
        files = pl.DataFrame(table.get_add_actions(flatten=True))
        newest = files["max.time"].max() if "max.time" in files.columns else None
        return newest.replace(tzinfo=UTC) if isinstance(newest, datetime) else None

    def numbered(
        self, start: datetime, end: datetime, hosts: Collection[str], within: tuple[int, int]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return the committed readings of many hosts, with numbers in the place of names.

        What only the journal holds is not in it: it is for those who look every few minutes, at
        so much that names would cost more than the numbers that they stand for.

        Args:
            start: With a zone.
            end: With a zone.
            hosts: Whose, with all that runs on them.
            within: Least and greatest number of their series, as ``hosts()`` tells them.

        Returns:
            The series, as their table has them, by number; and series, time, value and position of
            the readings from ``start`` to ``end``, both included, in no order; a repeated reading
            is in it twice, the later value with the greater position.

        Raises:
            Failure: a file is missing or damaged.
        """
        inside = pl.col("series").is_between(*within)  # lets whole groups of rows be skipped
        table = self._table("series")
        names = self._files(table.file_uris() if table else [], "series").filter(inside)
        of_hosts = host_of(pl.col("entity")).is_in(list(hosts))
        known = self._collected(names.filter(of_hosts)).sort("series")
        scan = self._scan(self._table("readings"), "readings", start, end).filter(inside)
        if known.height <= within[1] - within[0]:  # else all between are theirs
            scan = scan.filter(pl.col("series").is_in(known["series"].implode()))
        return known, self._collected(scan.select("series", "time", "value", "position"))

    @contextmanager
    def _seen(self, stream: Stream) -> Iterator[tuple[DeltaTable | None, pl.DataFrame]]:
        """Yield a table as it is now, and what the journal holds beyond it."""
        if self._journal is None:
            yield self._table(stream), pl.DataFrame(schema=STREAMS[stream])
            return
        with self._journal.snapshot():
            table = self._table(stream)
            after = table.transaction_version(self._journal.identity) if table else None
            frames = [entry.frame for entry in self._journal.entries(stream, after or 0)]
            yield table, pl.concat([pl.DataFrame(schema=STREAMS[stream]), *frames])

    def _table(self, name: str) -> DeltaTable | None:
        """Return the newest state of a table; None where it was not made yet."""
        place = f"{self._root}/{name}"
        try:
            if name in self._tables:
                self._tables[name].update_incremental()
            else:
                self._tables[name] = DeltaTable(place)
        except TableNotFoundError:
            return None
        except (DeltaError, OSError) as error:
            raise unreadable(place, error) from error
        return self._tables[name]

    def _known(self, entities: Collection[str] | None) -> pl.DataFrame:
        """Return number, entity and signal of the series that the tables hold."""
        table = self._table("series")
        if table is not None and table.version() != self._series[0]:
            scan = self._files(table.file_uris(), "series")
            self._series = (table.version(), self._collected(scan))
        known = self._series[1]
        return known if entities is None else known.filter(_among("entity", entities))

    def _scan(
        self, table: DeltaTable | None, name: Stream, start: datetime, end: datetime
    ) -> pl.LazyFrame:
        """Return the committed rows of a span of time."""
        if table is None:
            return pl.LazyFrame(schema=SCHEMAS[name])
        first, last = (moment.astimezone(UTC).strftime(HOUR) for moment in (start, end))
        hours = [("hour", ">=", first), ("hour", "<=", last)]
        scan = self._files(table.file_uris(file_pruning_predicate=hours), name)
        return scan.filter(_between(start, end))

    def _files(self, files: list[str], name: str) -> pl.LazyFrame:
        if not files:
            return pl.LazyFrame(schema=SCHEMAS[name])
        return pl.scan_parquet(files, hive_partitioning=False)

    def _collected(self, scan: pl.LazyFrame) -> pl.DataFrame:
        try:
            return scan.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise unreadable(self._root, error) from error


def host_of(entity: pl.Expr) -> pl.Expr:
    """Return the host of each entity: "db1" for "db1/postgres"."""
    return entity.str.extract("^([^/]*)", 1)


def _between(start: datetime, end: datetime) -> pl.Expr:
    return pl.col("time").is_between(pl.lit(start, dtype=TIME), pl.lit(end, dtype=TIME))


def _among(column: str, names: Collection[str]) -> pl.Expr:
    return pl.col(column).is_in(list(names))


def _within(
    tail: pl.DataFrame,
    start: datetime,
    end: datetime,
    column: str = "entity",
    names: Collection[str] | None = None,
) -> pl.DataFrame:
    inside = tail.filter(_between(start, end))
    return inside if names is None else inside.filter(_among(column, names))
