"""Explanations, in a process beside the scan's: one that dies of a defect takes nothing with it.

What ends it may be an error that nobody foresaw, a crash within a library, or the kernel, for want
of memory. It is told of that host, and the process is begun anew for the next one.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Final, Self

from diagnose.failure import Failure
from diagnose.scan.shards import Finding
from diagnose.scan.tether import end_with
from diagnose.wording import printable

LONGEST_SECONDS: Final = 300.0  # of one explanation, after which it is taken to hang
END_SECONDS: Final = 5.0  # for which the process may end by itself

Explain = Callable[[Finding, str | None], Finding]
Explaining = Callable[[], AbstractContextManager[Explain]]
Answer = Finding | Failure | str | None  # explained; cannot be; died of; ready to be asked


class Aside:
    """A process that explains hosts, as long as the block runs.

    Args:
        explaining: Gives, in that process, who explains; it is sent there.
        longest: Seconds that one explanation may take.
    """

    def __init__(self, explaining: Explaining, longest: float = LONGEST_SECONDS) -> None:
        self._explaining = explaining
        self._longest = longest
        self._process: SpawnProcess | None = None
        self._asked: Connection | None = None

    def __enter__(self) -> Self:
        """Return itself: the process is begun when something is asked."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the process."""
        self._end()

    def explained(self, finding: Finding, lasting: str | None) -> Finding:
        """Return ``finding`` explained, or with the defect that its explanation died of.

        Args:
            finding: Of a host that screening calls anomalous.
            lasting: The incident that an earlier scan has opened; None to open one.

        Raises:
            Failure: nobody can be had who explains.
        """
        answer = self._begun() if self._process is None else None
        if answer is None:
            answer = self._answer((finding, lasting))
        if isinstance(answer, Finding):
            return answer
        self._end()
        if isinstance(answer, Failure):
            raise answer
        defect = printable(str(answer))
        missing = (*finding.missing, f"It was not explained, by a defect of Aitia: {defect}.")
        return replace(finding, missing=missing, defect=defect)

    def _begun(self) -> Answer:
        """Start the process, and return what it says once it is ready."""
        # Not forked: threads of the parent (Polars', Arrow's) would leave their locks locked.
        context = multiprocessing.get_context("spawn")
        self._asked, answers = context.Pipe()
        arguments = (self._explaining, answers, os.getpid())
        self._process = context.Process(target=_explain, args=arguments)
        self._process.start()
        answers.close()
        return self._answer()

    def _answer(self, question: tuple[Finding, str | None] | None = None) -> Answer:
        """Return what the process says, to ``question`` if there is one, or how it ended."""
        assert self._asked is not None
        assert self._process is not None
        try:
            if question:
                self._asked.send(question)
            if not self._asked.poll(self._longest):
                self._process.kill()
                return f"it took longer than {self._longest:g} s"
            answer: Answer = self._asked.recv()
        except (EOFError, OSError):
            self._process.join(END_SECONDS)
            status = self._process.exitcode or 0
            said = f"by {signal.Signals(-status).name}" if status < 0 else f"with {status}"
            return f"its process was ended {said}"
        return answer

    def _end(self) -> None:
        if self._process is None or self._asked is None:
            return
        with suppress(OSError):
            self._asked.send(None)
        self._asked.close()
        self._process.join(END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()
        self._process = self._asked = None


def _explain(explaining: Explaining, answers: Connection, parent: int) -> None:
    """Answer what is asked until nothing more is; any error ends this process."""
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for who scans, and that one ends us
    try:
        with explaining() as explain:
            answers.send(None)
            while (asked := answers.recv()) is not None:
                answers.send(explain(*asked))
    except Failure as failure:
        answers.send(failure)
    except Exception as error:
        answers.send(f"{type(error).__name__}: {error}")
        raise
