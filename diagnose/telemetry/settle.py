"""After a power cut: commits that the disk does not have whole are taken back.

Nothing is lost by that. The journal is trimmed only after a commit was synced, so it still holds
whatever a commit that was not synced held, and the flush repeats it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from diagnose.telemetry.disk import sync_folders
from diagnose.telemetry.tables import SCHEMAS, actions

LOOKED_AT: Final = 10  # last commits that are checked where nobody knows which were synced


def settle(folder: Path, synced: Mapping[str, int]) -> tuple[str, ...]:
    """Take back the commits of the tables in ``folder`` that are torn.

    Args:
        folder: Of all tables.
        synced: Version of each table up to which the disk is known to have it.

    Returns:
        What was taken back, a sentence each.
    """
    said = []
    for name in SCHEMAS:
        log = folder / name / "_delta_log"
        if not log.is_dir():
            continue
        said += _without_torn_checkpoint(log)
        entries = {int(file.stem): file for file in sorted(log.glob("[0-9]*.json"))}
        after = synced.get(name, max(entries, default=0) - LOOKED_AT)
        fresh = [entries[version] for version in sorted(entries) if version > after]
        torn = next((i for i, entry in enumerate(fresh) if torn_by(folder / name, entry)), None)
        if torn is not None:
            for entry in fresh[torn:]:
                entry.unlink()
            sync_folders(log, folder)
            said.append(
                f"{fresh[torn]}: the commit was torn ({len(fresh) - torn} taken back); the journal"
                " has its records."
            )
    return tuple(said)


def torn_by(root: Path, entry: Path) -> str | None:
    """Return what of a commit the disk does not have; None where it has all.

    Args:
        root: Folder of the table.
        entry: The commit's file in the table's log.
    """
    try:
        added = [action["add"] for action in actions(entry) if "add" in action]
    except (ValueError, KeyError) as error:
        return f"{entry.name}: {error}"
    for add in added:
        file = root / add["path"]
        if reason := unreadable_by(file, add["size"]):
            return f"{add['path']}: {reason}"
    return None


def unreadable_by(file: Path, size: int) -> str | None:
    """Return why a Parquet file cannot be read; None where every value can.

    Args:
        file: The file.
        size: That it should have, in bytes.
    """
    if not file.is_file():
        return "is missing"
    if file.stat().st_size != size:
        return f"has {file.stat().st_size} bytes instead of {size}"
    try:
        pl.scan_parquet(file, hive_partitioning=False).select(pl.all().hash().max()).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        return str(error).partition("\n")[0][:200]
    return None


def _without_torn_checkpoint(log: Path) -> list[str]:
    """Remove a checkpoint that is torn: the log before it says the same."""
    pointer = log / "_last_checkpoint"
    if not pointer.exists():
        return []
    try:
        version = int(json.loads(pointer.read_bytes())["version"])
        checkpoint = log / f"{version:020}.checkpoint.parquet"
        reason = unreadable_by(checkpoint, checkpoint.stat().st_size)
    except (ValueError, KeyError, TypeError, OSError) as error:
        reason, checkpoint = str(error), None
    if reason is None:
        return []
    for file in (pointer, checkpoint):
        if file is not None:
            file.unlink(missing_ok=True)
    return [f"{pointer}: the checkpoint was torn ({reason}) and is made anew."]
