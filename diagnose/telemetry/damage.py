"""What a failing disk did to the telemetry: where it is, and how to go on without it.

Nothing that is damaged is deleted: it is moved to the folder ``damaged`` beside the tables.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.transaction import RemoveAction

from diagnose.schema import Failure
from diagnose.telemetry.disk import give_to_owner
from diagnose.telemetry.journal import TABLES, Journal
from diagnose.telemetry.lock import single_mover, single_writer
from diagnose.telemetry.settle import settle, unreadable_by
from diagnose.telemetry.tables import QUIETLY, SCHEMAS, Tables, actions

REPAIR: Final = "stop the writer, then run 'aitia ingest repair'"


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not as it was written.

    Attributes:
        file: Which file.
        place: Where in it, or what it belongs to; "" for the whole.
        what: What is wrong.
        way_out: What to do about it.
    """

    file: str
    place: str
    what: str
    way_out: str = REPAIR


def check(folder: Path) -> tuple[Damage, ...]:
    """Return all damage to the telemetry in ``folder``; every byte of it is read.

    Args:
        folder: Of the journal and of the tables; tables on object storage look after themselves.
    """
    found = [*_check_journal(folder / "journal.db")]
    for name in SCHEMAS:
        root = folder / "tables" / name
        if (root / "_delta_log").is_dir():
            found += _check_log(root) or _check_files(root)
    return tuple(found)


def repair(folder: Path) -> tuple[str, ...]:
    """Put the telemetry in ``folder`` into a state in which it can be used.

    Returns:
        What was done and what is lost by it, a sentence each.

    Raises:
        Failure: a writer is running, or a table has lost what makes it one.
    """
    with single_writer(folder), single_mover(folder):
        said = [*_repair_journal(folder)]
        with Journal(folder / "journal.db", writing=True) as journal:
            bad = [*journal.damaged_positions()]
            if bad:
                lost = journal.set_aside(bad)
                said.append(f"{journal.path}: {len(bad)} entries ({lost} records) were set aside.")
            said += settle(folder / "tables", journal.synced())
        for name in SCHEMAS:
            root = folder / "tables" / name
            if (root / "_delta_log").is_dir():
                said += [*_repair_log(root, folder), *_repair_files(root, folder)]
        for path in folder.rglob("*"):
            give_to_owner(path, folder)
    return tuple(said)


def _check_journal(path: Path) -> Iterator[Damage]:
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            for (reason,) in db.execute("PRAGMA quick_check"):
                if reason != "ok":
                    yield Damage(str(path), "", reason)
        with Journal(path) as journal:
            for position in journal.damaged_positions():
                yield Damage(str(path), f"position {position}", "does not match its checksum")
    except (sqlite3.Error, Failure) as error:
        yield Damage(str(path), "", str(error))


def _check_log(root: Path) -> list[Damage]:
    """Return which entries of a table's log cannot be read."""
    found = []
    for entry in _entries(root):
        try:
            actions(entry)
        except ValueError as error:
            found.append(Damage(str(entry), f"table {root.name}", f"is no log entry: {error}"))
    return found


def _check_files(root: Path) -> list[Damage]:
    """Return which files of a table are missing or cannot be read."""
    try:
        table = DeltaTable(root)
    except (DeltaError, OSError) as error:
        backup = f"restore {root} from a backup, or move it away to start anew"
        return [Damage(str(root), "", f"is no table: {error}", backup)]
    return [
        Damage(str(root / path), f"table {root.name}", reason)
        for path, _, _, reason in _bad_files(table, root)
    ]


def _bad_files(table: DeltaTable, root: Path) -> Iterator[tuple[str, int, int, str]]:
    """Yield path, size, number of records and what is wrong, of each file that is damaged."""
    listed = pl.DataFrame(table.get_add_actions(flatten=True))
    for path, size, records in listed.select("path", "size_bytes", "num_records").iter_rows():
        if reason := unreadable_by(root / path, size):
            yield path, size, records, reason


def _repair_journal(folder: Path) -> Iterator[str]:
    """Copy what can be read of a journal that SQLite calls damaged."""
    path = folder / "journal.db"
    if not any(not damage.place for damage in _check_journal(path)):
        return
    aside = _aside(folder, path)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    kept = 0
    with closing(sqlite3.connect(path, isolation_level=None)) as new:
        new.executescript(TABLES)
        with closing(sqlite3.connect(aside)) as old:
            for table in ("identity", "entries", "requests", "tails"):
                kept += _salvage(old, new, table)
    yield f"{path}: was damaged and is now {aside}; {kept} rows of it are kept."


def _salvage(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    """Copy rows of a table until the damage, forwards and then backwards."""
    kept = 0
    column = {"identity": "rowid", "entries": "position"}.get(table, "1")
    for order in ("", " DESC"):
        try:
            for row in old.execute(f"SELECT * FROM {table} ORDER BY {column}{order}"):
                marks = ", ".join("?" * len(row))
                kept += new.execute(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", row).rowcount
        except sqlite3.DatabaseError:
            continue
        break
    return kept


def _repair_log(root: Path, folder: Path) -> Iterator[str]:
    """Put an empty entry in the place of each that cannot be read."""
    for damage in _check_log(root):
        entry = Path(damage.file)
        aside = _aside(folder, entry)
        empty = {"commitInfo": {"timestamp": int(time.time() * 1000), "operation": "REPAIR"}}
        entry.write_text(json.dumps(empty) + "\n")
        yield f"{entry}: was damaged and is now {aside}; what it had added is no longer read."


def _repair_files(root: Path, folder: Path) -> Iterator[str]:
    """Take damaged files out of a table."""
    try:
        table = DeltaTable(root)
    except (DeltaError, OSError) as error:
        backup = "restore it from a backup, or move it away to start anew"
        raise Failure(f"{root}: is no table any more ({error})", backup) from error
    bad = [*_bad_files(table, root)]
    if not bad:
        return
    hours = "hour" in SCHEMAS[root.name]
    before = table.version()
    table.create_write_transaction(
        [
            RemoveAction(
                path,
                True,
                int(time.time() * 1000),
                size,
                {"hour": path.partition("/")[0].removeprefix("hour=")} if hours else {},
            )
            for path, size, _, _ in bad
        ],
        "append",
        table.schema(),
        partition_by=["hour"] if hours else [],
        commit_properties=CommitProperties(custom_metadata={"repaired": "true"}),
        post_commithook_properties=QUIETLY,
    )
    Tables(str(root.parent), synced={root.name: before}).sync(root.name)
    for path, _, records, reason in bad:
        where = f" and is now {_aside(folder, root / path)}" if (root / path).exists() else ""
        yield f"{root / path}: {reason}{where}; its {records} records are lost."


def _entries(root: Path) -> list[Path]:
    return sorted((root / "_delta_log").glob("[0-9]*.json"))


def _aside(folder: Path, file: Path) -> Path:
    """Move a damaged file out of the way; return where it is now."""
    place = folder / "damaged"
    place.mkdir(exist_ok=True)
    target = place / f"{int(time.time())}-{file.name}"
    shutil.move(file, target)
    return target
