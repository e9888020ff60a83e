"""Where the shards of a scan are worked on: by the machines of a Ray cluster.

The cluster is the site's own, started with ``ray start``; each of its machines has this version of
Aitia and reaches the same tables. Only the process that scans writes what is found, so a shard that
two machines did counts once.
"""

import logging
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from diagnose.failure import Failure
from diagnose.scan.engines import ONE_THREAD, TRIES, Work, lost
from diagnose.scan.shards import Screened, Shard

if TYPE_CHECKING:
    import ray

ADDRESS: Final = "RAY_ADDRESS"
PATIENCE_SECONDS: Final = 10.0  # for which the cluster's door may keep us waiting


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Tasks of the Ray cluster that ``RAY_ADDRESS`` names, else of the one on this machine.

    Each shard is a task that computes on one core. A task whose worker or machine is lost goes to
    another.

    Attributes:
        at_once: Tasks that the cluster is given at a time; None for all.
    """

    at_once: int | None = None

    def run(self, work: Work, shards: Sequence[Shard]) -> Iterator[Screened]:
        """Yield what becomes of each shard; see ``Engine``.

        Raises:
            Failure: there is no such cluster, or a shard cannot be done.
        """
        import ray

        with _connected():
            task = ray.remote(num_cpus=1, max_retries=TRIES - 1)(_done)
            shared = ray.put(work)
            left = iter(shards)
            waiting = {task.remote(shared, one): one for one in islice(left, self.at_once)}
            while waiting:
                (ready, *_), _ = ray.wait(list(waiting))
                done = waiting.pop(ready)
                waiting.update({task.remote(shared, one): one for one in islice(left, 1)})
                yield _result(ready, done)


def _done(work: Work, shard: Shard) -> Screened:
    return work(shard)


def _result(ready: "ray.ObjectRef[Screened]", shard: Shard) -> Screened:
    """Return what became of a shard whose task has ended."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    try:
        screened: Screened = ray.get(ready)
    except RayTaskError as error:
        raise error.cause from error  # what the work itself raised
    except RayError as error:
        raise lost([shard]) from error
    return screened


@contextmanager
def _connected() -> Iterator[None]:
    """Connect this process to the cluster for as long as the block runs."""
    import ray
    from ray.exceptions import RayError

    try:
        _knock(os.environ.get(ADDRESS, ""))
        environment = {"env_vars": ONE_THREAD}
        ray.init(
            "auto",
            runtime_env=environment,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except (OSError, ValueError, RayError) as error:
        way_out = f"start one with 'ray start --head', or name it in {ADDRESS}"
        raise Failure("no Ray cluster answers", way_out) from error
    with redirect_stdout(sys.stderr):  # Ray prints that a worker died
        try:
            yield
        finally:
            ray.shutdown()


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself would try for minutes."""
    told = urlsplit(address if "//" in address else f"//{address}")
    if told.hostname and told.port:
        socket.create_connection((told.hostname, told.port), PATIENCE_SECONDS).close()
