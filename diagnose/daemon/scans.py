"""Scans when they are due or asked for, one at a time, each in a process of its own.

A scan takes every core for a while: in its own process, behind ours in the system's queue, it keeps
nobody who asks waiting, and what it takes in memory is given back. It keeps its progress in the
state database, so one that is killed goes on where it stopped.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pydantic import TypeAdapter, ValidationError

from diagnose.daemon.schedule import Timetable
from diagnose.scan.flow import Report
from diagnose.scan.tether import tethered
from diagnose.schema import Failure
from diagnose.wording import printable

LOOK_SECONDS: Final = 1.0  # between two looks at the timetable, at most
LONGEST_SECONDS: Final = 3600.0  # of a scan, after which it is taken to hang
END_SECONDS: Final = 5.0  # for which a scan may end politely
NICE: Final = 10
LONGEST: Final = 500  # characters of why a scan failed
LINES: Final = 60  # of what a scan that failed has said, the last ones
LOG: Final = logging.getLogger(__name__)
_REPORTS: Final = TypeAdapter(list[Report])

Outcome = Literal["done", "failed"]


class Counts(Protocol):
    """What is told of scans."""

    def scanned(self, group: str, outcome: str, seconds: float) -> None:
        """Note that a scan has ended."""

    def explanation_died(self, group: str) -> None:
        """Count an explanation that died of a defect."""


@dataclass(frozen=True, slots=True)
class GroupState:
    """How it stands with the scans of a group.

    Attributes:
        group: Its name.
        due: When it is due next.
        begun: When its last scan was begun; None where none was.
        finished: When that ended; None where it did not yet.
        running: Whether it is being scanned.
        outcome: How its last scan ended, "done" or "failed"; None where none has since this process
            began.
        error: Why that failed, one line; "" where it did not.
    """

    group: str
    due: datetime
    begun: datetime | None
    finished: datetime | None
    running: bool
    outcome: Outcome | None = None
    error: str = ""


class Scans:
    """Scans groups of the fleet.

    Args:
        timetable: Says which group is due.
        command: Returns the command line that scans a group and prints its report as JSON.
        announce: Tells people what was found.
        counts: Is told how it goes.
    """

    def __init__(
        self,
        timetable: Timetable,
        command: Callable[[str], Sequence[str]],
        announce: Callable[[Report], None],
        counts: Counts,
    ) -> None:
        self._timetable = timetable
        self._command = command
        self._announce = announce
        self._counts = counts
        self._wanted: dict[str, None] = {}
        self._running: str | None = None
        self._ended: dict[str, tuple[Outcome, str]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="scans", daemon=True)

    def start(self) -> None:
        """Scan from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Scan no more; a scan that runs is ended, and goes on after the next start."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            process = self._process
        if process:
            _end(process, signal.SIGTERM)
            self._thread.join(END_SECONDS)
            _end(process, signal.SIGKILL)
        self._thread.join(END_SECONDS)

    def ask(self, group: str) -> bool:
        """Have a group scanned as soon as may be; return whether it was not being scanned already.

        Raises:
            KeyError: there is no such group.
        """
        with self._changed:
            if group not in self._timetable.kept:
                raise KeyError(group)
            fresh = group != self._running
            if fresh:
                self._wanted[group] = None
                self._changed.notify_all()
            return fresh

    def states(self) -> tuple[GroupState, ...]:
        """Return how it stands with every group."""
        with self._changed:
            return tuple(
                GroupState(
                    name,
                    self._timetable.due_at(name).astimezone(UTC),
                    datetime.fromisoformat(kept.begun) if kept.begun else None,
                    datetime.fromisoformat(kept.finished) if kept.finished else None,
                    name == self._running,
                    *self._ended.get(name, (None, "")),
                )
                for name, kept in self._timetable.kept.items()
            )

    def _run(self) -> None:
        while (group := self._next()) is not None:
            begun = time.perf_counter()
            outcome, error = self._outcome(group)
            if outcome:
                self._counts.scanned(group, outcome, time.perf_counter() - begun)
            with self._changed:
                self._running = self._process = None
                if outcome:
                    self._ended[group] = (outcome, error)
                if outcome == "failed" and not self._stopped:
                    self._changed.wait(LOOK_SECONDS)  # where nothing can be noted, it stays due

    def _outcome(self, group: str) -> tuple[Outcome | None, str]:
        """Scan a group, and return how that ended, None if it was put off, and why it failed."""
        try:
            return ("done" if self._scanned(group) else None), ""
        except Failure as failure:
            LOG.error("the scan of %s: %s", group, failure)
            return "failed", printable(str(failure), LONGEST)

    def _next(self) -> str | None:
        """Return the group to scan, once there is one; None when told to stop."""
        with self._changed:
            while not self._stopped:
                group = next(iter(self._wanted), None) or self._timetable.due()
                if group is not None:
                    self._wanted.pop(group, None)
                    self._running = group
                    return group
                self._changed.wait(LOOK_SECONDS)
            return None

    def _scanned(self, group: str) -> bool:
        """Scan a group, and return whether that came to an end: we may be stopped meanwhile.

        Raises:
            Failure: it failed, or nobody can be told.
        """
        LOG.info("scanning %s", group)
        self._timetable.begun(group)
        try:
            output, errors, status = self._waited(self._command(group))
        except OSError as error:
            self._timetable.finished(group)
            raise Failure(f"it cannot be started: {error.strerror}") from error
        if self._stopped:
            return False
        self._timetable.finished(group)
        if status not in (0, 1):
            said = errors.decode(errors="replace").splitlines()
            for line in said[-LINES:]:
                LOG.error("the scan of %s said: %s", group, line)
            raise Failure(f"it ended with {status}: {_reason(said)}")
        try:
            reports = _REPORTS.validate_json(output)
        except ValidationError as error:
            raise Failure("what it printed is no report") from error
        for report in reports:
            self._announce(report)
            self._count_defects(report)
        return True

    def _count_defects(self, report: Report) -> None:
        for finding in report.findings:
            if finding.defect:
                what = "look at" if finding.host in report.failed else "explanation of"
                LOG.error("the %s %s died: %s", what, printable(finding.host), finding.defect)
                self._counts.explanation_died(report.group)

    def _waited(self, command: Sequence[str]) -> tuple[bytes, bytes, int]:
        """Return what a command printed, what it said beside, and its status."""
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self._changed:
            if self._stopped:
                return b"", b"", 0
            process = subprocess.Popen(
                tethered(command), stdin=subprocess.DEVNULL, start_new_session=True, **pipes
            )
            self._process = process
        os.setpriority(os.PRIO_PROCESS, process.pid, NICE)
        try:
            output, errors = process.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            _end(process, signal.SIGKILL)
            output, errors = process.communicate()
        return output, errors, process.returncode


def _reason(said: Sequence[str]) -> str:
    """Return the line that tells best why a command failed: of a traceback, its error."""
    lines = [line for line in said if line.strip()]
    own = [line for line in lines if not line.startswith("aitia: ")]
    if own and any(line.startswith("Traceback ") for line in own):
        return own[-1]
    return lines[-1] if lines else ""


def command_line(
    fleet: Path | None, config: Path | None, proposer: str, group: str
) -> tuple[str, ...]:
    """Return the command line that scans a group as the daemon's settings ask.

    Args:
        fleet: The fleet file.
        config: The file that the daemon's settings come from; it inherits the environment.
        proposer: Who is asked about pairs of kinds.
        group: Of the fleet.
    """
    command = [sys.executable, "-m", "diagnose", "scan", "--group", group, "-o", "json"]
    command += ["--proposer", proposer]
    command += ["--fleet", str(fleet)] if fleet else []
    command += ["--config", str(config)] if config else []
    return tuple(command)


def _end(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Send a signal to a process and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, number)
