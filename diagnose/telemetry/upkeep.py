"""What keeps the tables small and fast: compaction, retention, vacuum, checkpoints.

All of it is commits like any other, by the one writer between two flushes: a reader that holds an
older version finds its files for another hour, and nobody waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from diagnose.telemetry.batch import STREAMS, Stream
from diagnose.telemetry.disk import sync_file, sync_folders
from diagnose.telemetry.flush import arranged
from diagnose.telemetry.tables import HOUR, QUIETLY, SCHEMAS, WRITER, Tables

FILES: Final = 12  # of an hour that still grows before they are made one
SETTLED: Final = timedelta(minutes=10)  # after which an hour hardly grows any more
SORTED: Final = 6_000_000  # records that are sorted at once: what a file holds at most ...
JOINED_BYTES: Final = 64 << 20  # ... and bytes; logs of more are only joined, into about as many
AT_ONCE: Final = 4  # hours of a table that one round compacts, so that flushing is not held up
READ_ON: Final = timedelta(hours=1)  # for which a reader may go on with an older version
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
VERSIONS: Final = 50  # between two checkpoints of a table's log


class _File(NamedTuple):
    """A file of readings: how many, and the least and the greatest of their positions."""

    path: str
    records: int
    low: int
    high: int


@dataclass(slots=True)
class Upkeep:
    """Looks after the tables; the writer calls it between two flushes.

    Attributes:
        tables: The writer's.
        retention: Age at which records are deleted.
        vacuumed: When files that nobody reads any more were last removed.
        checkpoints: Version of each table's last checkpoint.
    """

    tables: Tables
    retention: timedelta
    vacuumed: datetime = LONG_AGO
    checkpoints: dict[str, int] = field(default_factory=dict)

    def run(self, now: datetime) -> None:
        """Do what is due at ``now``."""
        for stream in STREAMS:
            self._forget(stream, now)
            for hour, fits in self._due(stream, now).items():
                self._compact(stream, hour, fits)
        if len(self.tables.table("series").file_uris()) > FILES:
            rows = _read(self.tables.table("series").file_uris())
            self.tables.replace("series", rows.sort("series"), None)
        for name in SCHEMAS:
            self.tables.sync(name)
            self._checkpoint(name)
        if now - self.vacuumed > READ_ON:
            self._vacuum()
            self.vacuumed = now

    def _forget(self, stream: Stream, now: datetime) -> None:
        """Delete the hours that are older than the retention."""
        table = self.tables.table(stream)
        oldest = (now - self.retention).strftime(HOUR)
        if table.file_uris(file_pruning_predicate=[("hour", "<", oldest)]):
            table.delete(f"hour < '{oldest}'", post_commithook_properties=QUIETLY)

    def _due(self, stream: Stream, now: datetime) -> Mapping[str, bool]:
        """Return the hours to compact, oldest first, and whether each fits into memory."""
        files = pl.DataFrame(self.tables.table(stream).get_add_actions(flatten=True))
        if files.is_empty():
            return {}
        size = pl.col("size_bytes")
        hours = files.group_by(hour=pl.col("partition.hour")).agg(
            files=pl.len(),
            small=(pl.col("num_records") < SORTED // 2).sum()
            if stream == "readings"
            else (size < JOINED_BYTES).sum(),
            fits=(pl.col("num_records").sum() <= SORTED) & (size.sum() <= JOINED_BYTES),
        )
        settled = pl.col("hour") < (now - SETTLED).strftime(HOUR)
        due = (
            pl.when("fits")
            .then(pl.col("files") > pl.when(settled).then(1).otherwise(FILES))
            .otherwise(pl.col("small") > FILES)
        )
        chosen = hours.filter(due).sort("hour").head(AT_ONCE)
        return dict(chosen.select("hour", "fits").iter_rows())

    def _compact(self, stream: Stream, hour: str, fits: bool) -> None:
        """Make one sorted file of all those of an hour, or a few of them where it is too large."""
        table = self.tables.table(stream)
        if fits:
            rows = _read(table.file_uris(file_pruning_predicate=[("hour", "=", hour)]))
            self.tables.replace(stream, _compacted(stream, rows), hour)
        elif stream == "readings":
            while run := self._run(hour):
                files, positions = run
                rows = _compacted(stream, _read(files))
                self.tables.replace(stream, rows, hour, positions)
        else:
            table.optimize.compact(
                partition_filters=[("hour", "=", hour)],
                writer_properties=WRITER,
                post_commithook_properties=QUIETLY,
            )

    def _run(self, hour: str) -> tuple[list[str], tuple[int, int]] | None:
        """Return neighbouring files of an hour that are to be one, and their positions.

        Sorted together they are as good to read as a sorted hour: who asks for a few series skips
        all but a few groups of rows of each file. None where there is nothing to join.
        """
        files = pl.DataFrame(self.tables.table("readings").get_add_actions(flatten=True))
        files = files.filter(pl.col("partition.hour") == hour).sort("min.position")
        run: list[_File] = []
        told = files.select("path", "num_records", "min.position", "max.position")
        for file in map(_File._make, told.iter_rows()):
            held = sum(one.records for one in run) + file.records
            if file.records < SORTED // 2 and held <= SORTED:
                run.append(file)
                continue
            if len(run) > 1:  # nothing more comes between it and this file
                break
            run = [file] if file.records < SORTED // 2 else []
        else:
            if len(run) <= FILES:
                return None
        root = self.tables.place("readings")
        return [f"{root}/{unquote(file.path)}" for file in run], (run[0].low, run[-1].high)

    def _checkpoint(self, name: str) -> None:
        """Sum up a table's log where it has grown, durably, then forget what it sums up."""
        table = self.tables.table(name)
        if table.version() - self.checkpoints.get(name, 0) < VERSIONS:
            return
        table.create_checkpoint()
        self.checkpoints[name] = table.version()
        if self.tables.folder is not None:
            log = self.tables.folder / name / "_delta_log"
            sync_file(log / f"{table.version():020}.checkpoint.parquet")
            sync_file(log / "_last_checkpoint")
            sync_folders(log, log)
        table.cleanup_metadata()

    def _vacuum(self) -> None:
        """Remove the files that no version of the last hour names."""
        for name in SCHEMAS:
            self._vacuumed(self.tables.table(name))
            self.tables.sync(name)

    @staticmethod
    def _vacuumed(table: DeltaTable) -> None:
        table.vacuum(
            retention_hours=int(READ_ON / timedelta(hours=1)),
            dry_run=False,
            enforce_retention_duration=False,
            post_commithook_properties=QUIETLY,
        )


def _compacted(stream: Stream, rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows of several files as one holds them."""
    rows = arranged(stream, rows)
    if stream != "readings":
        return rows
    return rows.with_columns(pl.col("position").max())  # all that comes later has a greater one


def _read(files: list[str]) -> pl.DataFrame:
    return pl.read_parquet(files, hive_partitioning=False)
