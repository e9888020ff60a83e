"""Appends numbered batches until it is killed, and prints each number once it is acknowledged.

Arguments: the folder, the first number, and the last, where it is to end by itself.
"""

import itertools
import logging
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from diagnose.schema import LOGS, READINGS
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.writer import open_writer

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SENDERS = 3


def batch(number):
    """A reading of its own moment, and the same log line twice."""
    time = BEGIN + timedelta(seconds=number)
    reading = pl.DataFrame([(time, "db1", f"s{number % 7}", float(number))], READINGS, orient="row")
    line = (time, "db1", "INFO", f"line {number}", "{}")
    return batch_of(
        reading, pl.DataFrame([line, line], LOGS, orient="row"), key=str(number).encode()
    )


def append(writer, numbers):
    while (number := next(numbers, None)) is not None:
        writer.append(batch(number)).result()
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    folder, first, *last = Path(sys.argv[1]), *map(int, sys.argv[2:])
    every = iter(range(first, last[0] + 1)) if last else itertools.count(first)
    keeping = Keeping(folder, f"{folder}/tables", 0.05, upkeep_seconds=0.3)
    with open_writer(keeping, lambda stage, took: None) as writer:
        senders = [threading.Thread(target=append, args=(writer, every)) for _ in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
