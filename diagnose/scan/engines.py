"""Where the shards of a scan are worked on: by processes of this machine.

A worker that is lost (killed for its memory, say) costs its shard another try, not the scan: each
shard can be done twice without harm.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from diagnose.failure import Failure
from diagnose.scan.shards import Screened, Shard
from diagnose.scan.tether import end_with

TRIES: Final = 3  # of a shard whose worker is lost
# Read by libraries when they are loaded: with a worker on each core, further threads only wait.
THREADS: Final = ("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ONE_THREAD: Final = dict.fromkeys(THREADS, "1")

Work = Callable[[Shard], Screened]


class Engine(Protocol):
    """Does the work of many shards."""

    def run(self, work: Work, shards: Sequence[Shard]) -> Iterator[Screened]:
        """Yield what becomes of each of ``shards``, as soon as it is known, in any order.

        Raises:
            Failure: a shard cannot be done.
        """


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Processes of this machine.

    Attributes:
        workers: How many; each computes on one core.
    """

    workers: int

    def run(self, work: Work, shards: Sequence[Shard]) -> Iterator[Screened]:
        """Yield what becomes of each shard; see ``Engine``."""
        left = {shard.number: shard for shard in shards}
        for _ in range(TRIES):
            if not left:
                return
            try:
                for screened in self._round(work, list(left.values())):
                    del left[screened.shard]
                    yield screened
            except BrokenProcessPool:
                continue
        if left:
            raise lost(left.values())

    def _round(self, work: Work, shards: Sequence[Shard]) -> Iterator[Screened]:
        # Not forked: threads of the parent (Polars', Arrow's) would leave their locks locked.
        context = multiprocessing.get_context("spawn")
        workers = min(self.workers, len(shards))
        with ProcessPoolExecutor(workers, context, end_with, (os.getpid(),)) as pool:
            with _environment(ONE_THREAD):  # submitting starts the workers
                waiting = [pool.submit(work, shard) for shard in shards]
            try:
                for one in as_completed(waiting):
                    yield one.result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def lost(shards: Iterable[Shard]) -> Failure:
    """Return what to tell of shards whose workers were lost again and again."""
    names = ", ".join(f"{shard.hosts[0]} to {shard.hosts[-1]}" for shard in shards)
    way_out = "look for the kernel's out-of-memory killer, or scan with fewer workers"
    return Failure(f"{TRIES} workers were lost over the hosts {names}", way_out)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Give processes that are started inside the block further variables."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
