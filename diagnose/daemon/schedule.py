"""When each group of the fleet is scanned next; what was missed is made up for once.

A group whose scan was begun and not finished is due at once: its scan goes on where it stopped.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from platform import node
from typing import Final

from cronsim import CronSim, CronSimError

from diagnose.extras import installing
from diagnose.fleet import Fleet, Group, read_fleet
from diagnose.schema import Failure
from diagnose.settings.sections import SourcesSection

JITTER_SHARE: Final = 0.1  # of the time between two scans, over which those of many daemons spread
MOST_JITTER: Final = timedelta(seconds=60)
FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a group's scans.

    Attributes:
        since: When the group was first seen, ISO 8601.
        begun: When its last scan was begun; None where none was.
        finished: When that ended; None where it did not yet.
    """

    since: str
    begun: str | None = None
    finished: str | None = None


class Timetable:
    """Says which group is due, and remembers it in a file.

    Args:
        groups: Of the fleet.
        file: Where it is kept what was begun and finished.
        clock: Returns the time, with its zone.

    Raises:
        Failure: a schedule cannot be meant, or the file cannot be read.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        file: Path,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._groups = {group.name: group for group in groups}
        self._file = file
        self._clock = clock
        now = clock().isoformat()
        known = _read(file)
        self._kept = {name: known.get(name, Kept(now)) for name in self._groups}
        for group in groups:
            due_after(group, clock())

    @property
    def kept(self) -> dict[str, Kept]:
        """Return what is known of every group's scans."""
        return dict(self._kept)

    def due_at(self, name: str) -> datetime:
        """Return when a group is due next."""
        kept, now = self._kept[name], self._clock()
        if kept.begun and not kept.finished:
            return now
        last = datetime.fromisoformat(kept.begun or kept.since)
        return due_after(self._groups[name], min(last, now))  # a clock may have been put back

    def due(self) -> str | None:
        """Return the group that has been due longest; None where none is."""
        by_time = sorted((self.due_at(name), name) for name in self._groups)
        return by_time[0][1] if by_time and by_time[0][0] <= self._clock() else None

    def begun(self, name: str) -> None:
        """Note that a group's scan begins.

        Raises:
            Failure: that cannot be kept.
        """
        now = self._clock().isoformat()
        self._note(name, replace(self._kept[name], begun=now, finished=None))

    def finished(self, name: str) -> None:
        """Note that a group's scan has ended, well or not.

        Raises:
            Failure: that cannot be kept.
        """
        self._note(name, replace(self._kept[name], finished=self._clock().isoformat()))

    def _note(self, name: str, kept: Kept) -> None:
        self._kept[name] = kept
        text = json.dumps({name: asdict(kept) for name, kept in self._kept.items()}, indent=1)
        draft = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._file)
        except OSError as error:
            what = f"{self._file}: cannot be written ({error.strerror})"
            raise Failure(what, "choose another daemon.dir") from error


def read_plan(file: Path, sources: SourcesSection) -> Fleet:
    """Return the fleet of a file whose groups can all be scanned as it says.

    Args:
        file: The fleet file.
        sources: Where the site's Prometheus is.

    Raises:
        Failure: it cannot be read, a group is never due, or asks for what is not there.
    """
    fleet = read_fleet(file)
    for group in fleet.groups:
        due_after(group, datetime.now(UTC))
        if group.source == "prometheus" and sources.prometheus.url is None:
            what = f"{file}: the group {group.name} asks Prometheus, and none is known"
            raise Failure(what, "set sources.prometheus.url")
        if group.engine == "ray" and find_spec("ray") is None:
            what = f"{file}: the group {group.name} wants Ray, which is not installed"
            raise Failure(what, installing("ray"))
    return fleet


def due_after(group: Group, moment: datetime) -> datetime:
    """Return the first time after ``moment`` at which a group is due.

    Times are those of the schedule (UTC), each later by the same few seconds, which differ from
    host to host and from group to group.

    Raises:
        Failure: its schedule never is.
    """
    every = group.every_seconds
    if every is not None:
        step = timedelta(seconds=every)
        jitter = _jitter(group, step)
        return FIRST + jitter + ((moment - jitter - FIRST) // step + 1) * step
    jitter = _jitter(group, MOST_JITTER)
    try:
        return next(CronSim(str(group.cron), moment - jitter)) + jitter
    except (CronSimError, StopIteration) as error:
        what = f"the group {group.name} is never due: cron {group.cron!r}"
        raise Failure(what, "write five fields, as in '*/5 * * * *'") from error


def _jitter(group: Group, step: timedelta) -> timedelta:
    """Return by how much a group is later than its schedule."""
    most = min(step * JITTER_SHARE, MOST_JITTER)
    digest = sha256(f"{node()}\0{group.name}".encode()).digest()
    return most * (int.from_bytes(digest[:4]) / 2**32)


def _read(file: Path) -> dict[str, Kept]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {name: Kept(**kept) for name, kept in told.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise Failure(f"{file}: holds no times of scans", "remove it: they begin anew") from error
