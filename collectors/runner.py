"""Runs collectors: times them, counts what they read, and keeps the trouble of one from the others.

Each runs in a thread of its own. One that hangs (a disk or a server that does not answer) is left
alone and reported as hung; what it read before counts, the rest when it comes. Nothing is silent:
each collector has a ``Report`` for each round, with the reason where there is nothing.
"""

import json
import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Final, Literal

import polars as pl
from prometheus_client import CollectorRegistry

from collectors import COLLECTORS, Collector, NotApplicable, Paced, Partial, Resumable, load
from collectors.meters import Meters
from collectors.rows import LogRecord, log_frame
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.schema import EDGES, LOGS, READINGS

Outcome = Literal["read", "reading", "skipped", "failed", "hung", "waiting"]

BROKEN: Final = {"failed", "hung"}  # outcomes that somebody has to look after
TABLES: Final = {"readings": READINGS, "logs": LOGS, "edges": EDGES}
SHOWN: Final = 3  # parts of a source that are named where it lacks some
MOST_ROWS: Final = 50_000  # of a resumable collector and round; the rest comes with the next

_log = logging.getLogger("aitia.collect")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one collector in one round.

    Attributes:
        name: The collector's, with its target where it has one.
        outcome: "reading" where it goes on and gave something lately, "hung" where it gives
            nothing and had to be left alone, "skipped" where it does not apply here, "waiting"
            where it is not its turn yet.
        reason: Why nothing, or not all, was read; "" where all was.
        seconds: How long it took, or has taken so far.
        rows: How many rows of each table it gave.
    """

    name: str
    outcome: Outcome
    reason: str = ""
    seconds: float = 0.0
    rows: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round gave.

    Attributes:
        frames: Of schema READINGS, LOGS or EDGES, none empty.
        cursors: Of resumable collectors, up to where the frames until now hold their sources.
        reports: One a collector.
    """

    frames: tuple[pl.DataFrame, ...]
    cursors: Mapping[str, str]
    reports: tuple[Report, ...]


class Runner:
    """Collectors that are run again and again.

    Args:
        collectors: By the names under which they are reported.
        timeout_seconds: After which a round goes on without those that hang.
        registry: Where durations, outcomes and rows are counted.
        host: Entity under which it is recorded that a collector fails, or works again.
    """

    def __init__(
        self,
        collectors: Mapping[str, Collector],
        timeout_seconds: float,
        registry: CollectorRegistry,
        host: str,
    ) -> None:
        self.collectors, self.host = dict(collectors), host
        self.timeout_seconds = timeout_seconds
        self._meters = Meters(registry)
        self._running: dict[str, _Run] = {}
        self._due: dict[str, float] = {}
        self._since: dict[str, datetime] = {}
        self._outcomes: dict[str, Outcome] = {}

    def resume(self, cursors: Mapping[str, str]) -> None:
        """Let resumable collectors go on where ``cursors`` of an earlier process left them.

        A cursor that is not understood, as one of another version may be, is logged and left out.
        """
        for name, collector in self.collectors.items():
            if isinstance(collector, Resumable) and name in cursors:
                try:
                    collector.cursor = cursors[name]
                except (ValueError, LookupError, TypeError) as error:
                    _log.warning("%s starts anew, its cursor is not understood: %s", name, error)

    def run(self, since: datetime) -> Round:
        """Return what every collector has seen since it was run last.

        Args:
            since: From when on, for a collector that was not run yet and has no cursor.
        """
        for name, collector in self.collectors.items():
            if name not in self._running and self._due.get(name, 0.0) <= monotonic():
                run = _Run(name, collector, self._since.get(name, since))
                self._running[name] = run
                run.start()
        deadline = monotonic() + self.timeout_seconds
        for run in self._running.values():
            run.join(max(0.0, deadline - monotonic()))
        frames: list[pl.DataFrame] = []
        cursors: dict[str, str] = {}
        reports = tuple(self._gathered(name, frames, cursors) for name in self.collectors)
        told = log_frame(record for report in reports for record in self._told(report))
        if told.height:
            frames.append(told)
        return Round(tuple(frames), cursors, reports)

    def _gathered(self, name: str, frames: list[pl.DataFrame], cursors: dict[str, str]) -> Report:
        """Return the report of ``name``, its frames and cursor added to those of the round."""
        run = self._running.get(name)
        if run is None:
            return Report(name, "waiting", "it is not its turn yet")
        finished = not run.is_alive()  # asked first: what it gives from now on comes next round
        rows = dict.fromkeys(TABLES, 0)
        while run.given:
            frame, cursor = run.given.popleft()
            frames.append(frame)
            rows[_table(frame)] += frame.height
            if cursor is not None:
                cursors[name] = cursor
        if not finished:
            silent = monotonic() - run.answered
            if silent < self.timeout_seconds:
                return Report(name, "reading", "it takes its time", run.seconds, rows)
            reason = f"no answer for {silent:.0f} s; it is left alone until it has one"
            return Report(name, "hung", reason, run.seconds, rows)
        del self._running[name]
        collector = self.collectors[name]
        if isinstance(collector, Resumable):
            cursors[name] = collector.cursor  # a source may be read on and give no row
        if isinstance(collector, Paced):
            self._due[name] = run.started + collector.every_seconds
        if run.outcome == "read":
            self._since[name] = run.began
        return Report(name, run.outcome, run.reason, run.seconds, rows)

    def _told(self, report: Report) -> Iterator[LogRecord]:
        """Count the report, and log it where it differs from the last of its collector.

        What is missing belongs to what happened: it is a record among those of the collectors.
        """
        if report.outcome == "waiting":
            return
        self._meters.count(report.name, report.outcome, report.seconds, report.rows)
        if report.outcome == "reading":
            return
        before = self._outcomes.get(report.name)
        self._outcomes[report.name] = report.outcome
        if before == report.outcome or not {before, report.outcome} & BROKEN:
            return
        if report.outcome in BROKEN:
            severity, body = "WARN", f"collector {report.name} {report.outcome}: {report.reason}"
            _log.warning(body)
        else:
            severity, body = "INFO", f"collector {report.name} is read again"
            _log.info(body)
        attributes = json.dumps({"collector": report.name, "outcome": report.outcome})
        yield datetime.now(UTC), self.host, severity, body, attributes


class _Run(threading.Thread):
    """One collector being run once; ``given`` may be emptied meanwhile."""

    def __init__(self, name: str, collector: Collector, since: datetime) -> None:
        super().__init__(name=f"collect {name}", daemon=True)
        self.collector, self.since = collector, since
        self.given: deque[tuple[pl.DataFrame, str | None]] = deque()
        self.began, self.started = datetime.now(UTC), monotonic()
        self.answered = self.started  # when it gave something last
        self.ended: float | None = None
        # What holds where the thread ends by a defect, whose traceback threading shows.
        self.outcome: Outcome = "failed"
        self.reason = "a defect of the collector; its traceback is in the log"

    @property
    def seconds(self) -> float:
        return (self.ended or monotonic()) - self.started

    def run(self) -> None:
        try:
            self._read()
            self.outcome, self.reason = "read", self._left_out()
        except NotApplicable as why:
            self.outcome, self.reason = "skipped", str(why)
        except (OSError, ValueError, LookupError, Failure) as error:
            self.reason = str(error) or type(error).__name__
        finally:
            self.ended = monotonic()

    def _left_out(self) -> str:
        """Return what was skipped, the first few of it."""
        skipped = self.collector.skipped if isinstance(self.collector, Partial) else ()
        more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        return f"without {', '.join(skipped[:SHOWN])}{more}" if skipped else ""

    def _read(self) -> None:
        resumable = self.collector if isinstance(self.collector, Resumable) else None
        rows = 0
        for frame in self.collector.collect(self.since):
            _table(frame)
            self.answered = monotonic()
            if frame.height:
                self.given.append((frame, resumable.cursor if resumable else None))
            rows += frame.height
            if resumable and rows >= MOST_ROWS:
                break


def _table(frame: pl.DataFrame) -> str:
    """Return which table ``frame`` is a part of.

    Raises:
        ValueError: of none; whoever yields it breaks the contract.
    """
    for table, schema in TABLES.items():
        if frame.schema == schema:
            return table
    raise ValueError(f"a frame of no known schema: {frame.schema}")


def chosen(settings: Settings) -> tuple[dict[str, Collector], list[Report]]:
    """Return the collectors that ``settings`` ask for, and a report for each that they leave out.

    Raises:
        Failure: ``collect.skip`` names a collector that does not exist.
    """
    skip = settings.collect.skip
    unknown = sorted(set(skip) - COLLECTORS.keys())
    if unknown:
        raise Failure(
            f"collect.skip names no collector: {', '.join(unknown)}",
            f"the collectors are {', '.join(COLLECTORS)}",
        )
    collectors: dict[str, Collector] = {}
    left_out: list[Report] = []
    for name in COLLECTORS:
        made = {} if name in skip else load(name, settings)
        collectors |= made
        if not made:
            reason = "collect.skip names it" if name in skip else "the settings name no target"
            left_out.append(Report(name, "skipped", reason))
    return collectors, left_out
