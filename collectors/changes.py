"""What people and package managers changed on this host: what incidents most often begin with.

Reads:     dpkg's and dnf's logs, the boot's identifier, the times of files in collect.config_dirs
Emits:     logs: change events of the host: attributes.change is "package install", "package
           upgrade", "package remove", "reboot" or "config write"; starts and stops of units come
           with the journal
Platforms: Linux; files that only root may list as root
See:       https://manpages.debian.org/stable/dpkg/dpkg.1.en.html#FILES
"""

import json
import os
import platform
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from collectors import NotApplicable
from collectors.files.lines import Lines
from collectors.files.tail import Tails, places_of
from collectors.kmsg import boot
from collectors.rows import LogRecord, log_frame

if TYPE_CHECKING:
    from diagnose.config import Settings

EVERY_SECONDS: Final = 30.0
MOST_WRITES: Final = 100  # of files that a round tells one by one
SETTLED: Final = timedelta(seconds=1)  # a later change could have the same time as one told already
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LOGS_OF_PACKAGES: Final = ("var/log/dpkg.log", "var/log/dnf.rpm.log", "var/log/yum.log")
# "2026-11-22 09:16:40 upgrade nginx:amd64 1.22 1.24"
DPKG: Final = re.compile(r" (install|upgrade|remove|purge) (\S+) (\S+) (\S+)$")
# "2026-11-22T09:16:40+0000 SUBDEBUG Upgraded: nginx-1:1.24-1.x86_64"
RPM: Final = re.compile(r" (Installed|Upgraded?|Downgraded?|Reinstalled|Erased?|Removed): (\S+)$")
WORDS: Final = {"purge": "remove", "era": "remove", "rem": "remove", "ins": "install"}
# Files that programs write by themselves, and the traces of editors and package managers.
NO_CONFIG: Final = re.compile(
    r"(?:^(?:mtab|adjtime|ld\.so\.cache|\.updated|resolv\.conf)|~|\.swp|\.swx|\.dpkg-\w+|\.lock)$"
)


class Changes:
    """Read what was changed.

    Args:
        host: Entity whose changes they are; None for this machine's name.
        root: Under which the logs of package managers lie.
        config_dirs: Folders whose files are configuration.
        boot: Gives the boot's identifier and moment.
    """

    def __init__(
        self,
        host: str | None = None,
        root: Path = Path("/"),
        config_dirs: tuple[Path, ...] = (),
        boot: Callable[[], tuple[str, datetime]] = boot,
    ) -> None:
        self.host = host or platform.node()
        self.root, self.config_dirs, self.boot = root, config_dirs, boot
        self.every_seconds = EVERY_SECONDS
        self._tails = Tails()
        self._boot = ""
        self._looked: datetime | None = None  # until when writes were looked for

    @classmethod
    def configured(cls, settings: "Settings") -> "Mapping[str, Changes]":
        """Return the one instance that watches ``collect.config_dirs``."""
        chosen = settings.collect
        return {"": cls(chosen.entity, config_dirs=chosen.config_dirs)}

    @property
    def cursor(self) -> str:
        """The last boot, the place in each log, and until when writes were looked for, as JSON."""
        if self._looked is None:
            return ""
        places = {path: asdict(place) for path, place in self._tails.places.items()}
        looked = self._looked.isoformat()
        return json.dumps({"boot": self._boot, "places": places, "looked": looked})

    @cursor.setter
    def cursor(self, text: str) -> None:
        kept = json.loads(text)
        self._tails, self._boot = Tails(places_of(kept["places"])), kept["boot"]
        self._looked = datetime.fromisoformat(kept["looked"])

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the changes after the cursor; without one, those after ``since``."""
        if not (self.root / "proc").exists():
            raise NotApplicable("no /proc: this is no Linux")
        first = since if self._looked is None else EPOCH
        until = datetime.now(UTC) - SETTLED
        records = [*self._reboot(), *self._packages(first)]
        records += self._writes(self._looked or since, until)
        self._looked = until
        yield log_frame(sorted(record for record in records if record[0] > first))

    def _reboot(self) -> Iterator[LogRecord]:
        identifier, started = self.boot()
        if identifier != self._boot:
            self._boot = identifier
            yield self._event(started, "the host was booted", "reboot")

    def _packages(self, first: datetime) -> Iterator[LogRecord]:
        paths = [str(self.root / log) for log in LOGS_OF_PACKAGES if (self.root / log).exists()]
        for path in self._tails.order(paths):
            for chunk in self._tails.read(path, from_end=first != EPOCH):
                for line in Lines(datetime.fromtimestamp(chunk.written, UTC)).records(chunk.lines):
                    found = DPKG.search(line.body) or RPM.search(line.body)
                    if found:
                        yield self._package(line.time, *found.groups())

    def _package(self, time: datetime, word: str, name: str, *versions: str) -> LogRecord:
        """Return the event that a package manager wrote down."""
        word = word.lower()
        action = WORDS.get(word) or WORDS.get(word[:3]) or "upgrade"
        package = name.partition(":")[0] if versions else name
        detail = f" {' -> '.join(versions)}" if versions else ""
        return self._event(
            time, f"{action} of {package}{detail}", f"package {action}", package=package
        )

    def _writes(self, after: datetime, until: datetime) -> Iterator[LogRecord]:
        """Yield which configuration files were written, or put in place, in (after, until]."""
        written = sorted(
            (time, path)
            for folder in self.config_dirs
            for time, path in _files(folder)
            if after < time <= until
        )
        for time, path in written[:MOST_WRITES]:
            yield self._event(time, f"{path} was written", "config write", file=path)
        if len(written) > MOST_WRITES:
            body = f"{len(written) - MOST_WRITES} more files were written"
            yield self._event(written[-1][0], body, "config write")

    def _event(self, time: datetime, body: str, change: str, **more: str) -> LogRecord:
        return time, self.host, "INFO", body, json.dumps({"change": change, **more})


def _files(folder: Path | str) -> Iterator[tuple[datetime, str]]:
    """Yield when each file below ``folder`` was last changed, and its path.

    The time is that of the inode, which also tells of an older file moved to this place.
    """
    try:
        with os.scandir(folder) as entries:
            below = list(entries)
    except (FileNotFoundError, PermissionError):  # removed meanwhile, or for root alone
        return
    for entry in below:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path)
        elif entry.is_file(follow_symlinks=False) and not NO_CONFIG.search(entry.name):
            changed = entry.stat(follow_symlinks=False).st_ctime_ns
            yield EPOCH + timedelta(microseconds=changed // 1000), entry.path
