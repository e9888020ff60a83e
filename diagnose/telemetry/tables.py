"""The tables: four Delta Lake tables, in a folder or on object storage, written by one process.

Readings name their series by a number that the table ``series`` explains, and lie sorted by series
and time, so that a reading takes a few bytes. All but ``series`` are partitioned by the hour of
their time. Each commit says up to which position of which journal the table holds what was
acknowledged.

``position`` of a reading tells which of two values for one (series, time) came later.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import polars as pl
from arro3.core import Table as ArrowTable
from deltalake import (
    ColumnProperties,
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Transaction,
    WriterProperties,
    write_deltalake,
)
from deltalake.exceptions import DeltaError

from diagnose.schema import EDGES, LOGS, TIME, Failure
from diagnose.telemetry.batch import Stream
from diagnose.telemetry.disk import sync_file, sync_folders

HOUR: Final = "%Y-%m-%dT%H"
SCHEMAS: Final[Mapping[str, pl.Schema]] = {
    "series": pl.Schema([("series", pl.Int32), ("entity", pl.String), ("signal", pl.String)]),
    "readings": pl.Schema(
        [
            ("hour", pl.String),
            ("series", pl.Int32),
            ("time", TIME),
            ("value", pl.Float64),
            ("position", pl.Int64),
        ]
    ),
    "logs": pl.Schema([("hour", pl.String), *LOGS.items()]),
    "edges": pl.Schema([("hour", pl.String), *EDGES.items()]),
}
LATEST: Final = "aitia-position"  # the last position of any journal
# Checkpoints and clean-ups are made by upkeep.py, which syncs them.
QUIETLY: Final = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
_TIMES: Final = ColumnProperties(dictionary_enabled=False, encoding="DELTA_BINARY_PACKED")
WRITER: Final = WriterProperties(
    compression="ZSTD",
    compression_level=3,
    max_row_group_size=128 * 1024,
    column_properties={"time": _TIMES},
)


def with_hour(rows: pl.DataFrame) -> pl.DataFrame:
    """Return ``rows`` with the partition in which each lies: the hour of its time."""
    began = pl.col("time").dt.truncate("1h")
    hours = rows.select(began=began).unique().with_columns(hour=pl.col("began").dt.strftime(HOUR))
    return rows.with_columns(hour=began.replace_strict(hours["began"], hours["hour"]))


@dataclass(slots=True)
class Tables:
    """The tables under one root, as their writer sees them.

    Attributes:
        root: A folder, or the address of one on object storage (``s3://bucket/prefix``), whose
            keys, endpoint and region are in the environment.
        synced: Version of each table up to which the disk has it.
    """

    root: str
    synced: dict[str, int] = field(default_factory=dict)
    _open: dict[str, DeltaTable] = field(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """Return the folder of a local root; None on object storage, where a PUT is durable."""
        return None if "://" in self.root else Path(self.root)

    def place(self, name: str) -> str:
        """Return where the table ``name`` lies."""
        return f"{self.root.rstrip('/')}/{name}"

    def table(self, name: str) -> DeltaTable:
        """Return the table ``name``, made empty where it does not exist.

        Raises:
            Failure: it cannot be opened.
        """
        if name not in self._open:
            partitions = ["hour"] if "hour" in SCHEMAS[name] else None
            try:
                self._open[name] = DeltaTable.create(
                    self.place(name),
                    ArrowTable(pl.DataFrame(schema=SCHEMAS[name])).schema,
                    mode="ignore",
                    partition_by=partitions,
                    configuration={"delta.logRetentionDuration": "interval 1 days"},
                )
            except (DeltaError, OSError) as error:
                raise unreadable(self.place(name), error) from error
        return self._open[name]

    def reopen(self) -> None:
        """Look at every table anew: a commit may have failed after it was made."""
        self._open.clear()

    def position(self, stream: Stream, journal: str) -> int:
        """Return up to which position of ``journal`` the tables hold ``stream``."""
        return self.table(stream).transaction_version(journal) or 0

    def latest_position(self) -> int:
        """Return the greatest position of any journal that the tables know."""
        known = (self.table(name).transaction_version(LATEST) for name in SCHEMAS)
        return max(position or 0 for position in known)

    def append(self, name: str, rows: pl.DataFrame, journal: str = "", position: int = 0) -> None:
        """Commit ``rows`` to a table; ``sync`` makes the commit durable.

        Args:
            name: Of the table.
            rows: In its schema.
            journal: Identity of the journal from which they come; "" for none.
            position: Up to where the table now holds that journal.
        """
        write_deltalake(
            self.table(name),
            rows,
            mode="append",
            writer_properties=WRITER,
            commit_properties=_said(journal, position),
            post_commithook_properties=QUIETLY,
        )

    def replace(
        self,
        name: str,
        rows: pl.DataFrame,
        hour: str | None,
        positions: tuple[int, int] | None = None,
    ) -> None:
        """Commit ``rows`` in place of what a table holds.

        Args:
            name: Of the table.
            rows: In its schema.
            hour: Of what; None for all.
            positions: Least and greatest position of the readings of that hour; None for all.
        """
        which = [] if hour is None else [f"hour = '{hour}'"]
        which += [f"position BETWEEN {positions[0]} AND {positions[1]}"] if positions else []
        write_deltalake(
            self.table(name),
            rows,
            mode="overwrite",
            predicate=" AND ".join(which) or None,
            writer_properties=WRITER,
            post_commithook_properties=QUIETLY,
        )

    def sync(self, name: str) -> None:
        """Return after the disk has every commit of a table: its files, its log, their folders."""
        version = self.table(name).version()
        if self.folder is not None:
            root = self.folder / name
            for fresh in range(self.synced.get(name, -1) + 1, version + 1):
                entry = entry_file(root, fresh)
                for added in added_files(root, entry):
                    if added.exists():  # else compacted and vacuumed since
                        sync_file(added)
                        sync_folders(added.parent, root)
                sync_file(entry)
            sync_folders(root / "_delta_log", self.folder.parent)
        self.synced[name] = version


def entry_file(root: Path, version: int) -> Path:
    """Return the file of a table's log that makes ``version``."""
    return root / "_delta_log" / f"{version:020}.json"


def added_files(root: Path, entry: Path) -> Iterator[Path]:
    """Yield the files that an entry of a table's log adds to the table at ``root``.

    Raises:
        ValueError: the entry is torn.
    """
    for action in actions(entry):
        if "add" in action:
            yield root / unquote(action["add"]["path"])


def actions(entry: Path) -> list[dict[str, Any]]:
    """Return what an entry of a table's log says.

    Raises:
        ValueError: the entry is torn.
    """
    lines = entry.read_bytes().splitlines()
    if not lines:
        raise ValueError("is empty")
    return [json.loads(line) for line in lines]


def unreadable(place: str, error: Exception) -> Failure:
    """Return what to tell of a table that cannot be read."""
    reason = str(error).partition("\n")[0][:200]
    return Failure(f"{place}: the table cannot be read ({reason})", "run 'aitia ingest check'")


def _said(journal: str, position: int) -> CommitProperties | None:
    """Return what a commit says of the journal; nothing where it does not come from one."""
    if not journal:
        return None
    return CommitProperties(
        app_transactions=[Transaction(journal, position), Transaction(LATEST, position)]
    )
