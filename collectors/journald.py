"""Log records of systemd's journal, the kernel's messages among them.

Reads:     journalctl --output=json after a cursor
Emits:     logs: entity is the host, or the unit that wrote the record or is spoken of
           (host/nginx.service), or the kernel's disk or GPU; starts, stops and reloads of units are
           change events
Platforms: Linux with systemd; as root or in the group systemd-journal
See:       https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.entities import unit
from collectors.kmsg import SEVERITY, kernel_record
from collectors.rows import LogRecord, log_frame

BATCH: Final = 2000  # records a frame
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FOLDERS: Final = (Path("/var/log/journal"), Path("/run/log/journal"))
FIELDS: Final = (
    "MESSAGE",
    "MESSAGE_ID",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "UNIT",
    "_HOSTNAME",
    "_PID",
    "_SYSTEMD_UNIT",
    "_TRANSPORT",
)
JOURNALCTL: Final = (
    "journalctl",
    "--output=json",
    "--all",  # else a message beyond 4096 bytes becomes null
    "--no-pager",
    "--quiet",
    f"--output-fields={','.join(FIELDS)}",
)
KEPT: Final = {"SYSLOG_IDENTIFIER": "identifier", "_PID": "pid"}
# Id under which systemd announces something of a unit -> the change event that it is.
CHANGES: Final = {
    "39f53479d3a045ac8e11786248231fbf": "unit start",
    "9d1aaa27d60140bd96365438aad20286": "unit stop",
    "7b05ebc668384222baa8881179cfda54": "unit reload",
}
# Id under which systemd reports a failure -> what it is.
ERRORS: Final = {
    "be02cf6855d2428ba40df7e9d022f03d": "unit failed",
    "d9b373ed55a64feb8242e02dbe79a49c": "unit failed",
    "98e322203f7a4ed290d09fe03c09fe15": "unit exited",
    "fc2e22bc6ee647b6b90729ab34a250b1": "core dump",
    "fe6faa94e7774663a0da52717891d8ef": "out of memory",
}


def journalctl(arguments: Sequence[str]) -> Iterator[bytes]:
    """Yield the journal's entries that ``arguments`` select, one JSON object a line.

    Raises:
        NotApplicable: this host keeps no journal.
        OSError: journalctl failed.
    """
    if not shutil.which("journalctl"):
        raise NotApplicable("journalctl is not installed: no systemd")
    if not any(folder.glob("*/*.journal") for folder in FOLDERS if folder.is_dir()):
        raise NotApplicable("no journal in /var/log/journal or /run/log/journal")
    command = [*JOURNALCTL, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield from process.stdout or ()
        except GeneratorExit:  # whoever reads has enough for now
            process.terminate()
            raise
        told = process.stderr.read() if process.stderr else b""
    if process.returncode:
        raise OSError(f"journalctl: {told.decode(errors='replace').strip()}")


class Journald:
    """Read what the journal has gained.

    Args:
        host: Entity under which this machine's records are filed; None for its name.
        read: Gives the journal's lines for arguments of journalctl; tests pass a recording.
    """

    def __init__(
        self,
        host: str | None = None,
        read: Callable[[Sequence[str]], Iterable[bytes]] = journalctl,
    ) -> None:
        self.host = host or platform.node()
        self.read = read
        self.cursor = ""  # the journal's own, of the last record

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the records after the cursor, oldest first; without one, those after ``since``.

        A line that is no entry is said after the others had their say.
        """
        if self.cursor:
            since, start = EPOCH, f"--after-cursor={self.cursor}"
        else:
            start = f"--since=@{int(since.timestamp())}"
        broken: list[ValueError] = []
        lines = iter(self.read([start]))
        while batch := list(islice(lines, BATCH)):
            records: list[LogRecord] = []
            cursor = self.cursor
            for line in batch:
                try:
                    entry = _texts(line)
                    records.append(_record(entry, self.host))
                    cursor = entry["__CURSOR"]
                except ValueError as error:
                    broken.append(error)
            self.cursor = cursor
            yield log_frame(record for record in records if record[0] > since)
        if broken:
            raise broken[0]


def _texts(line: bytes) -> Mapping[str, str]:
    """Return the fields of an entry; the journal writes binary ones as arrays of byte values.

    Raises:
        ValueError: the line is no entry, or lacks its time or its place in the journal.
    """
    entry = json.loads(line)
    if not isinstance(entry, dict) or not {"__REALTIME_TIMESTAMP", "__CURSOR"} <= entry.keys():
        raise ValueError(f"no journal entry: {line[:80]!r}")
    return {key: _text(value) for key, value in entry.items()}


def _text(value: str | list[int] | list[str] | None) -> str:
    if isinstance(value, list):  # of bytes, or the values of a field that occurs twice
        numbers = [item for item in value if isinstance(item, int)]
        return bytes(numbers).decode(errors="replace") if numbers else str(*value[-1:])
    return value or ""


def _record(entry: Mapping[str, str], local: str) -> LogRecord:
    """Return one row of LOGS; a record without a priority counts as INFO, as in syslog."""
    here = entry.get("_HOSTNAME", "") in ("", platform.node())
    host = local if here else entry["_HOSTNAME"]
    body = entry.get("MESSAGE", "")
    facts = {name: entry[field] for field, name in KEPT.items() if field in entry}
    if entry.get("_TRANSPORT") == "kernel":
        entity, more = kernel_record(host, body)
        facts |= more
    else:
        # systemd speaks of a unit in UNIT; what a unit itself writes has _SYSTEMD_UNIT.
        name = entry.get("UNIT") or entry.get("_SYSTEMD_UNIT", "")
        entity = unit(host, name if name.endswith(".service") else None)
        announced = entry.get("MESSAGE_ID", "")
        facts |= {"change": CHANGES[announced]} if announced in CHANGES else {}
        facts |= {"error": ERRORS[announced]} if announced in ERRORS else {}
    try:
        time = EPOCH + timedelta(microseconds=int(entry["__REALTIME_TIMESTAMP"]))
    except OverflowError as error:
        raise ValueError(f"no time of a journal entry: {error}") from error
    return time, entity, _severity(entry.get("PRIORITY", "")), body, json.dumps(facts)


def _severity(priority: str) -> str:
    """Return the severity of a priority, which its writer may have set to anything."""
    return SEVERITY[int(priority)] if priority in ("0", "1", "2", "3", "4", "5", "7") else "INFO"
