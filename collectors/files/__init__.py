"""Lines of log files, each once, through rotation and truncation.

Reads:     the files that match the patterns of collect.files
Emits:     logs: entity is the host; attributes.file is the path
Platforms: all
See:       https://manpages.debian.org/stable/logrotate/logrotate.8.en.html
"""

import json
import logging
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from collectors import NotApplicable
from collectors.files.lines import Lines
from collectors.files.tail import Tails, places_of
from collectors.rows import LogRecord, log_frame

if TYPE_CHECKING:
    from diagnose.config import Settings

_log = logging.getLogger("aitia.collect")


class Files:
    """Follow log files.

    Args:
        host: Entity under which records are filed; None for this machine's name.
        patterns: Absolute paths, with ``*`` and ``**``.

    Attributes:
        skipped: Of the last run, the patterns that no file matches.
    """

    def __init__(self, host: str | None = None, patterns: Iterable[str] = ()) -> None:
        self.host = host or platform.node()
        self.patterns = tuple(patterns)
        self._tails = Tails()
        self.skipped: tuple[str, ...] = ()
        self._said: set[str] = set()

    @classmethod
    def configured(cls, settings: "Settings") -> "Mapping[str, Files]":
        """Return the one instance that follows all of ``collect.files``; none where it is empty."""
        patterns = settings.collect.files
        return {"": cls(settings.collect.entity, patterns)} if patterns else {}

    @property
    def cursor(self) -> str:
        """Up to where each file was read, as JSON."""
        places = {path: asdict(place) for path, place in self._tails.places.items()}
        return json.dumps(places) if places else ""

    @cursor.setter
    def cursor(self, text: str) -> None:
        self._tails = Tails(places_of(json.loads(text or "{}")))

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the lines that files have gained, a file after the other.

        Without a cursor, the end of each file is read and what is not later than ``since`` left
        out. A file that cannot be read is said after the others had their say.

        Raises:
            NotApplicable: no file matches any pattern.
            OSError: a file cannot be read.
        """
        first = None if self.cursor else since
        failed: list[OSError] = []
        for path in self._tails.order(self._matching()):
            try:
                for chunk in self._tails.read(path, from_end=first is not None):
                    records = self._records(path, chunk.lines, chunk.written, chunk.lost)
                    yield log_frame(r for r in records if first is None or r[0] > first)
            except OSError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        if len(self.skipped) == len(self.patterns):
            raise NotApplicable(f"no file matches {', '.join(self.patterns)}")

    def _matching(self) -> set[str]:
        """Return the files that match; a pattern that none matches is said once in the log."""
        paths: set[str] = set()
        alone = []
        for pattern in self.patterns:
            found = {str(path) for path in Path("/").glob(pattern.lstrip("/")) if path.is_file()}
            paths |= found
            if not found:
                alone.append(pattern)
        for pattern in [one for one in alone if one not in self._said]:
            self._said.add(pattern)
            _log.warning("collect.files: no file matches %s", pattern)
        self.skipped = tuple(f"{pattern} (no file matches)" for pattern in alone)
        return paths

    def _records(
        self, path: str, lines: list[bytes], written: float, lost: bool
    ) -> Iterator[LogRecord]:
        """Yield the records in whole lines; a line without a time has that of the last write."""
        attributes = json.dumps({"file": path})
        time = datetime.fromtimestamp(written, UTC)
        if lost:
            body = f"{Path(path).name} was replaced; its former end, if any was left, was not read"
            yield time, self.host, "WARN", body, attributes
        for record in Lines(time).records(lines):
            yield record.time, self.host, record.severity, record.body, attributes
