"""A small fleet whose telemetry is written as time goes by, with an hour of the past before it.

One disk is worn all along, three file systems run full until they are cleared one after the other,
one host is ill for some minutes and well for some.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from diagnose.schema import READINGS
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.writer import Writer, open_writer

STEP: Final = 15
HISTORY: Final = timedelta(hours=1)
CLEARED: Final = {"db1": 120, "db3": 240, "db4": 400}  # seconds until there is room again
WORN, ILL = "db2", "web8"
HOSTS: Final = (*(f"web{i}" for i in range(9)), *CLEARED, WORN)
ILL_EVERY, ILL_FOR = 900, 240  # seconds


def shown(host: str, moment: int, since: int) -> Iterator[tuple[str, str, float]]:
    """Yield (entity, signal, value) of a host at a moment, the same whenever it is asked.

    Args:
        host: Its name.
        moment: In seconds since 1970, a multiple of the step.
        since: From when on anything but the worn disk is amiss.
    """
    noise = np.random.default_rng([hash_of(host), moment]).normal(size=4)
    phase = moment - since
    ill = 6.0 if host == ILL and phase > 0 and phase % ILL_EVERY < ILL_FOR else 1.0
    load = 50 + 5 * np.sin(moment / 600) + noise[0]
    yield host, "cpu_utilization", min(load * ill / 100, 1.0)
    yield host, "http_requests_total", 50.0 * (moment - since + 1e6) + noise[1]
    yield host, "request_latency_seconds", 0.02 * ill * (1 + 0.1 * noise[2])
    yield host, "queue_depth", float(np.rint(5 * ill + abs(noise[3])))
    filling = host in CLEARED and phase < CLEARED[host]
    use = 0.8 + 0.2 * phase / HISTORY.total_seconds() if filling else 0.4
    yield host, "system.filesystem.utilization", use + 0.001 * noise[1]
    if host == WORN:
        worn = 8.0 if phase > -900 else 0.0
        yield f"{host}/sda", "hw.physical_disk.current_pending_sectors", worn


def hash_of(host: str) -> int:
    """Return a number that is the same in every process."""
    return int.from_bytes(host.encode()[:6])


def readings(moments: range, since: int) -> pl.DataFrame:
    """Return what all hosts show at ``moments``."""
    rows = [
        (datetime.fromtimestamp(moment, UTC), *one)
        for moment in moments
        for host in HOSTS
        for one in shown(host, moment, since)
    ]
    return pl.DataFrame(rows, READINGS, orient="row")


@contextmanager
def feeding(folder: Path) -> Iterator[None]:
    """Write the fleet's telemetry into ``folder`` for as long as the block runs."""
    since = int(time.time()) // STEP * STEP
    stopped = threading.Event()
    with open_writer(Keeping(folder, str(folder / "tables"), 5.0), lambda *_: None) as writer:
        past = range(since - int(HISTORY.total_seconds()), since, STEP)
        for part in readings(past, since).iter_slices(5000):
            writer.append(batch_of(part)).result()
        thread = threading.Thread(target=_feed, args=(writer, since, stopped), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()


def _feed(writer: Writer, since: int, stopped: threading.Event) -> None:
    moment = since
    while not stopped.wait(max(0.0, moment - time.time())):
        writer.append(batch_of(readings(range(moment, moment + 1), since))).result()
        moment += STEP
