"""Lines of a log file -> records with a time and a severity, where a line says them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST: Final = 16_384  # characters of a record
BEGIN: Final = 120  # characters of a line in which its time and severity are looked for
AHEAD: Final = timedelta(days=1)  # by which a time without a year may lie ahead of the last write

# "2026-11-22T09:16:40.123Z", "2026-11-22 09:16:40,123", "2026/11/22 09:16:40"
ISO: Final = re.compile(
    r"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(Z|[+-]\d\d:?\d\d)?"
)
# "Nov 22 09:16:40", as syslog writes it
SYSLOG: Final = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)\b")
# "22/Nov/2026:09:16:40 +0000", as web servers write it
ACCESS: Final = re.compile(r"(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})")
MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
SEVERITY: Final = re.compile(
    r"\b(?:(FATAL|EMERG\w*|PANIC|CRIT\w*|ALERT)|(ERROR|ERR|SEVERE)|(WARN\w*)"
    r"|(INFO|NOTICE)|(DEBUG)|(TRACE|FINE\w*))\b",
    re.I,
)
SEVERITIES: Final = ("FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE")


@dataclass(frozen=True, slots=True)
class Record:
    """What one or more lines say."""

    time: datetime
    severity: str
    body: str


class Lines:
    """Makes records of lines; a line that begins with a blank continues the one before it.

    Args:
        written: When the file was last written: the year of a time that says none, and the time of
            a line that says none where none before it did.
    """

    def __init__(self, written: datetime) -> None:
        self.written = written
        self._last = written

    def records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        """Yield the records in ``lines``, in their order."""
        body = ""
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            if body and text[:1] in (" ", "\t"):
                body = f"{body}\n{text}"[:LONGEST]
                continue
            if body:
                yield self._record(body)
            body = text[:LONGEST]
        if body:
            yield self._record(body)

    def _record(self, body: str) -> Record:
        begin = body[:BEGIN]
        found = SEVERITY.search(begin)
        severity = SEVERITIES[(found.lastindex or 1) - 1] if found else "INFO"
        self._last = self._time(begin) or self._last
        return Record(self._last, severity, body)

    def _time(self, begin: str) -> datetime | None:
        """Return the time at the beginning of a line; without a zone it is this host's own."""
        try:
            if found := ISO.search(begin):
                *numbers, fraction, zone = found.groups()
                micros = int((fraction or "").ljust(6, "0")[:6])
                year, month, day, hour, minute, second = map(int, numbers)
                time = datetime(year, month, day, hour, minute, second, micros)  # noqa: DTZ001
                if zone:
                    offset = datetime.strptime(zone, "%z").tzinfo
                    return time.replace(tzinfo=offset).astimezone(UTC)
                return time.astimezone(UTC)
            if found := ACCESS.search(begin):
                return datetime.strptime(found[1], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
            if found := SYSLOG.search(begin):
                return self._syslog_time(found)
        except ValueError:  # digits that are no date
            return None
        return None

    def _syslog_time(self, found: re.Match[str]) -> datetime:
        """Return a time without its year: the last one that is not ahead of the last write."""
        month, *rest = found.groups()
        day, hour, minute, second = map(int, rest)
        number = MONTHS.index(month) // 3 + 1  # ValueError where it is none
        year = self.written.year
        time = datetime(year, number, day, hour, minute, second).astimezone(UTC)
        if time > self.written + AHEAD:
            time = time.replace(year=year - 1)
        return time
