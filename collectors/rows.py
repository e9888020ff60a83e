"""Rows -> frames of the three schemas."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from diagnose.schema import EDGES, LOGS, READINGS

# Entity, signal and value: a reading without its time, which all of one round share.
Reading = tuple[str, str, float]

# Signal and value: a reading whose entity is clear.
Value = tuple[str, float]

# Time, entity, severity, body and attributes (a JSON object as text).
LogRecord = tuple[datetime, str, str, str, str]


def readings_at(time: datetime, rows: Iterable[Reading]) -> pl.DataFrame:
    """Return ``rows`` as a frame of schema READINGS.

    Args:
        time: When all of them were read.
        rows: The readings.
    """
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    entity, signal, value = columns
    times = [time] * len(entity)
    given = {"time": times, "entity": entity, "signal": signal, "value": map(float, value)}
    return pl.DataFrame({name: list(column) for name, column in given.items()}, READINGS)


def log_frame(rows: Iterable[LogRecord]) -> pl.DataFrame:
    """Return ``rows`` as a frame of schema LOGS."""
    columns = list(zip(*rows, strict=True)) or [()] * len(LOGS)
    return pl.DataFrame(dict(zip(LOGS, map(list, columns), strict=True)), LOGS)


def edges_at(time: datetime, pairs: Iterable[tuple[str, str]], origin: str) -> pl.DataFrame:
    """Return ``pairs`` as a frame of schema EDGES.

    Args:
        time: When the edges were seen.
        pairs: Caller and callee.
        origin: What saw them.
    """
    rows = [(time, caller, callee, origin) for caller, callee in pairs]
    return pl.DataFrame(rows, EDGES, orient="row")
