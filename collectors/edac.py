"""Memory errors that the memory controllers corrected or could not correct, per module.

Reads:     /sys/devices/system/edac/mc/mc*; rasdaemon's /var/lib/rasdaemon/ras-mc_event.db
Emits:     readings: hw.memory.corrected_errors, hw.memory.uncorrected_errors, counting up; logs:
           rasdaemon's events on memory, processors, PCIe and disks
Platforms: Linux with a driver of its memory controller; rasdaemon's database as root
See:       https://docs.kernel.org/driver-api/edac.html
"""

import json
import platform
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.rows import LogRecord, Reading, log_frame, readings_at

BATCH: Final = 1000  # events a frame
COUNTS: Final = (("ce", "corrected"), ("ue", "uncorrected"))
# rasdaemon's table -> column that says what happened, and the severity of its events.
EVENTS: Final = {
    "mc_event": ("err_msg", "WARN"),
    "mce_record": ("error_msg", "ERROR"),
    "aer_event": ("err_msg", "WARN"),
    "extlog_event": ("fru_text", "ERROR"),
    "non_standard_event": ("error", "ERROR"),
    "arm_event": ("psci_state", "ERROR"),
    "disk_errors": ("error", "ERROR"),
    "memory_failure_event": ("action_result", "ERROR"),
}
TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S %z"  # "2026-11-22 09:16:40 +0000"


class Edac:
    """Read the counters of memory errors, and what rasdaemon wrote about them.

    Args:
        host: Entity under which all is filed; None for this machine's name.
        root: Where sysfs shows the memory controllers.
        database: rasdaemon's; without it only the counters are read.
    """

    def __init__(
        self,
        host: str | None = None,
        root: Path = Path("/sys/devices/system/edac/mc"),
        database: Path = Path("/var/lib/rasdaemon/ras-mc_event.db"),
    ) -> None:
        self.host = host or platform.node()
        self.root, self.database = root, database
        self.cursor = ""  # the last event of each of rasdaemon's tables, as JSON

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the counters as they are, then the events after the cursor, else ``since``."""
        controllers = sorted(self.root.glob("mc[0-9]*"))
        if not controllers and not self.database.exists():
            raise NotApplicable("no memory controller reports errors: no ECC, or no driver")
        rows = (row for mc in controllers for row in _counters(mc, self.host))
        yield readings_at(datetime.now(UTC), rows)
        if self.database.exists():
            yield from self._events(since)

    def _events(self, since: datetime) -> Iterator[pl.DataFrame]:
        address = f"{self.database.resolve().as_uri()}?mode=ro"
        last: dict[str, int] = json.loads(self.cursor or "{}")
        records: list[LogRecord] = []
        broken: list[ValueError] = []
        try:
            with closing(sqlite3.connect(address, uri=True)) as base:
                base.row_factory = sqlite3.Row
                known = {name for (name,) in base.execute("SELECT name FROM sqlite_master")}
                for table in sorted(EVENTS.keys() & known):
                    events = base.execute(
                        f"SELECT * FROM {table} WHERE id > ? ORDER BY id LIMIT {BATCH}",
                        (last.get(table, 0),),
                    )
                    for event in events:
                        last[table] = event["id"]
                        try:
                            records.append(_record(table, event, self.host))
                        except ValueError as error:  # of its time
                            broken.append(error)
        except sqlite3.Error as error:
            raise OSError(f"{self.database}: {error}") from error
        recent = [record for record in records if self.cursor or record[0] > since]
        self.cursor = json.dumps(last)
        yield log_frame(sorted(recent))
        if broken:  # after the others had their say, and once
            raise broken[0]


def _counters(controller: Path, host: str) -> Iterator[Reading]:
    """Yield the counters of a controller and of its modules, by the names printed on the board."""
    for short, word in COUNTS:
        signal = f"hw.memory.{word}_errors/{controller.name}"
        yield host, signal, int((controller / f"{short}_count").read_text())
        for module in sorted(controller.glob("dimm[0-9]*")):
            label = (module / "dimm_label").read_text().strip() or module.name
            count = int((module / f"dimm_{short}_count").read_text())
            yield host, f"{signal}/{label}", count


def _record(table: str, event: sqlite3.Row, host: str) -> LogRecord:
    """Return an event as a log record; all its columns are kept as attributes."""
    column, severity = EVENTS[table]
    facts = {name: event[name] for name in event.keys() if name != "id"}  # noqa: SIM118
    kind = facts.get("err_type")
    if kind in ("Uncorrected", "Fatal"):
        severity = "ERROR" if kind == "Uncorrected" else "FATAL"
    try:
        time = datetime.strptime(str(facts.get("timestamp")), TIME_FORMAT).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"no time of an event: {facts['timestamp']}") from error
    label = f" on {facts['label']}" if facts.get("label") else ""
    body = f"{table.replace('_', ' ')}: {facts.get(column) or 'see attributes'}{label}"
    attributes = {name: value for name, value in facts.items() if value not in (None, "")}
    return time, host, severity, body, json.dumps(attributes, default=str)
