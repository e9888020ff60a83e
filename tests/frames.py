"""Bundles and windows in a few lines, for tests of what reads them."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from diagnose.schema import LOGS, READINGS, TIME, Node, Signal, Window

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(seconds):
    return START + timedelta(seconds=float(seconds))


def readings(*rows):
    """Readings from (seconds after START, entity, signal, value)."""
    return pl.DataFrame([(at(s), *rest) for s, *rest in rows], READINGS, orient="row")


def series(entity, signal, values, step=60, first=0):
    """Readings of one signal, one a step; None is not read."""
    rows = [(first + i * step, entity, signal, v) for i, v in enumerate(values) if v is not None]
    return readings(*rows)


def log_records(*rows):
    """Log records from (seconds after START, entity, severity, body, attributes)."""
    return pl.DataFrame([(at(s), *rest) for s, *rest in rows], LOGS, orient="row")


def incident(alert, as_of, step=60, **more):
    """The fields of incident.json; times in seconds after START."""
    facts = {"id": "made", "source": "test", "step_seconds": step, "topology": None}
    times = {"alert_time": at(alert).isoformat(), "as_of": at(as_of).isoformat()}
    return facts | times | {"symptom": None} | more


def put(folder, facts, metrics, logs=None, truth=None):
    """Write a bundle without any check, so that a broken one can be made."""
    folder.mkdir()
    (folder / "incident.json").write_text(json.dumps(facts))
    metrics.write_parquet(folder / "metrics.parquet")
    if logs is not None:
        logs.write_parquet(folder / "logs.parquet")
    if truth is not None:
        (folder / "truth.json").write_text(json.dumps(truth))
    return folder


def window(past, now, step=60.0, signals=None):
    """A window of arrays of shape (instants, signals); NaN where nothing was seen."""
    past, now = np.asarray(past, float), np.asarray(now, float)
    if signals is None:
        signals = tuple(Signal(Node("db1", f"s{i}")) for i in range(past.shape[1]))
    names = [str(signal.node) for signal in signals]

    def frame(values, first):
        times = [at((first + i) * step) for i in range(len(values))]
        table = pl.from_numpy(values, names, orient="row").fill_nan(None)
        return table.insert_column(0, pl.Series("time", times, TIME)).cast(
            dict.fromkeys(names, pl.Float64)
        )

    alert = at((len(past) + 1) * step)
    return Window(
        signals,
        frame(past, 0),
        frame(now, len(past)),
        step,
        alert,
        at((len(past) + len(now)) * step),
    )
