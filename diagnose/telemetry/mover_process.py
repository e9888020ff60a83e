"""The process that moves records into the tables, as the writer sees it: started, heard, replaced.

What it has not moved when it dies is in the journal, and the next one goes on from there.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, Self

from diagnose.schema import Failure
from diagnose.telemetry.keeping import COMMIT_RECORDS, END, MOVE, Keeping, Report, Stage

AGAIN_SECONDS: Final = 1.0  # until a process that died is replaced
LOG: Final = logging.getLogger(__name__)


class MoverProcess:
    """Runs a mover for as long as it is entered.

    Args:
        keeping: Where and how telemetry is kept.
        observe: Is told how many seconds each stage took.

    Attributes:
        failure: Why records cannot be moved; None where they can.
        flushed_at: When they were last moved, in seconds since 1970.
    """

    def __init__(self, keeping: Keeping, observe: Callable[[Stage, float], None]) -> None:
        self.failure: str | None = None
        self.flushed_at = time.time()
        self._command = [sys.executable, "-m", "diagnose.telemetry.mover", keeping.as_json()]
        self._flush_seconds = keeping.flush_seconds
        self._observe = observe
        self._expected = 0  # records, since the last move began
        self._expected_at = 0.0
        self._queued_since: float | None = None
        self._moving_since: float | None = None
        self._changing = threading.Lock()  # held where a process begins, ends, or is spoken to
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mover", daemon=True)

    def expect(self, records: int) -> None:
        """Note that so many records come to the journal; many are moved at once."""
        self._expected_at = time.time()
        if self._queued_since is None:
            self._queued_since = self._expected_at
        self._expected += records
        if self._expected > COMMIT_RECORDS:
            self._expected = 0
            self._order(MOVE)

    @property
    def queue_age_seconds(self) -> float:
        """Return how long what was acknowledged waits for the tables."""
        oldest = self._moving_since or self._queued_since
        return 0.0 if oldest is None else time.time() - oldest

    def __enter__(self) -> Self:
        """Return once records can be moved.

        Raises:
            Failure: the tables are in use, or damaged.
        """
        self._process = self._started()
        for report in self._reports():
            if report.event == "refused":
                self._end()
                raise Failure(report.text, report.way_out)
            if report.event == "ready":
                self._thread.start()
                return self
            self._hear(report)
        raise Failure(self._end(), "what it wrote to the log says why")

    def __exit__(self, *error: object) -> None:
        """Let all of it be moved, and the process end."""
        with self._changing:
            self._ending.set()
        self._order(END)
        self._thread.join()

    def _run(self) -> None:
        """Hear one process out after the other."""
        pause = AGAIN_SECONDS
        while True:
            for report in self._reports():
                self._hear(report)
                if report.event == "ready":
                    pause = AGAIN_SECONDS
            ended = self._end()
            if self._process.returncode or not self._ending.is_set():
                self._fail(ended)
            if not self._started_again(pause):
                return
            pause = self._flush_seconds  # for one that cannot even begin

    def _started_again(self, pause: float) -> bool:
        """Return once another process runs; false where none is wanted any more."""
        while not self._ending.wait(pause):
            with self._changing:
                if self._ending.is_set():
                    break
                try:
                    self._process = self._started()
                except OSError as error:
                    self._fail(f"no process can be started that moves records: {error.strerror}")
                else:
                    return True
        return False

    def _started(self) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, bufsize=0, stdin=pipe, stdout=pipe)

    def _order(self, order: bytes) -> None:
        with self._changing:
            pipe = self._process.stdin
            if pipe is not None and not pipe.closed:
                with suppress(BrokenPipeError):  # it died: the next one moves what the journal has
                    pipe.write(order)

    def _reports(self) -> Iterator[Report]:
        """Yield what the process tells, until it ends."""
        for line in self._process.stdout or ():
            if line.endswith(b"\n"):  # else it was killed meanwhile
                yield Report.of_line(line)

    def _end(self) -> str:
        """Return how the process ended, once it has."""
        with self._changing, self._process:
            code = self._process.wait()
        how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
        return f"the process that moves records {how}"

    def _hear(self, report: Report) -> None:
        if report.event == "began":
            self._moving_since = self._moving_since or self._queued_since
            later = self._expected_at > report.seconds  # came too late for this move
            self._queued_since = self._expected_at if later else None
            self._expected = 0
        elif report.event == "timed" and report.stage is not None:
            self._observe(report.stage, report.seconds)
        elif report.event == "moved":
            self._moving_since = self.failure = None
            self.flushed_at = time.time()
        elif report.event in ("failed", "refused"):
            self._fail(str(Failure(report.text, report.way_out)))
        elif report.event == "settled":
            LOG.warning("%s", report.text)

    def _fail(self, why: str) -> None:
        if why != self.failure:
            LOG.error("the tables cannot be written: %s", why)
        self.failure = why
