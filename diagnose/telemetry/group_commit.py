"""Many requests share one sync of the disk: a thread commits whatever has come meanwhile."""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import perf_counter
from typing import Final, Self

from diagnose.telemetry.batch import Batch
from diagnose.telemetry.journal import Journal, Overloaded

WAITING_BYTES: Final = 24 << 20  # that may wait for the disk before more is refused
TOGETHER: Final = 512  # batches that are committed at once


class GroupCommit:
    """Appends to a journal from many threads.

    Args:
        journal: Where to; nobody else uses it meanwhile.
        observe: Is told how many seconds each commit took.
    """

    def __init__(self, journal: Journal, observe: Callable[[float], None]) -> None:
        self._journal = journal
        self._observe = observe
        self._waiting: deque[tuple[Batch, Future[bool]]] = deque()
        self._waiting_bytes = 0
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def __enter__(self) -> Self:
        """Start committing."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Commit what waits, then stop."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    def append(self, batch: Batch) -> "Future[bool]":
        """Return what becomes true once ``batch`` is durable, or false where it was so before.

        Raises:
            Overloaded: too much waits for the disk already. The future raises it where the journal
                or the disk is full.
        """
        future: Future[bool] = Future()
        with self._wake:
            if self._stopping or self._waiting_bytes + batch.size > WAITING_BYTES:
                raise Overloaded("the disk does not keep up")
            self._waiting.append((batch, future))
            self._waiting_bytes += batch.size
            self._wake.notify()
        return future

    @property
    def waiting_bytes(self) -> int:
        """Return how much waits for the disk."""
        return self._waiting_bytes

    def _run(self) -> None:
        while taken := self._taken():
            self._commit(taken)

    def _taken(self) -> list[tuple[Batch, "Future[bool]"]]:
        """Return what to commit next, once there is any; nothing when it is time to stop."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._stopping)
            return [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]

    def _commit(self, taken: "list[tuple[Batch, Future[bool]]]") -> None:
        begin = perf_counter()
        # Whoever no longer waits is not answered, and so nothing was promised.
        wanted = [(b, future) for b, future in taken if future.set_running_or_notify_cancel()]
        try:
            fresh = self._journal.commit([batch for batch, _ in wanted])
        except Overloaded as error:
            for _, future in wanted:
                future.set_exception(error)
        else:
            for (_, future), new in zip(wanted, fresh, strict=True):
                future.set_result(new)
        self._observe(perf_counter() - begin)
        with self._wake:
            self._waiting_bytes -= sum(batch.size for batch, _ in taken)
