"""A control: what is seen of a window without looking at any value must tell nothing.

If row counts, holes, spans, files and the clock told incidents from healthy windows, so would a
method that has learned nothing about failures. Faults themselves leave a shape: a broken service
logs more and answers fewer scrapes. So the control is also run on what was recorded before the
recent rows, where only the way of recording can tell. The classifier never sees a window of the
stretch of time that it judges.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.incident.bundle import Bundle
from diagnose.schema import Window
from tests.bench.records import Measured

TREES: Final = 50
LEAF: Final = 3  # least windows in a leaf
STRETCHES: Final = 5  # fewer than these, and each window is left out by itself
APART: Final = timedelta(minutes=3)  # alerts no further apart share the calm before them
SEED: Final = 0
# What was told of a window, or was over before its recent rows began: nothing that a fault leaves.
EARLIER: Final = (
    "alert hour",
    "alert weekday",
    "calls",
    "has symptom",
    "has log",
    "earlier log records",
    "baseline instants",
    "earlier holes",
)


def shape_of(bundle: Bundle, window: Window) -> dict[str, float]:
    """Return what can be seen of ``bundle`` without any value."""
    shape = {
        "alert hour": bundle.alert_time.hour + bundle.alert_time.minute / 60,
        "alert weekday": float(bundle.alert_time.weekday()),
        "has symptom": float(bundle.symptom is not None),
        "calls": float(len(bundle.topology)),
        "has log": float(bundle.logs is not None),
        "log records": _rows(bundle.logs) if bundle.logs is not None else 0.0,
        "earlier log records": _rows_before(bundle.logs, window),
        "readings": _rows(bundle.readings),
        "entities": float(len({signal.node.entity for signal in window.signals})),
    }
    read = [str(s.node) for s in window.signals if s.source in ("metric", "counter")]
    known = [name for name in read if window.baseline[name].null_count() < window.baseline.height]
    shape["earlier holes"] = _holes(window.baseline, known)
    for name, part in (("baseline", window.baseline), ("recent", window.recent)):
        shape[f"{name} instants"] = float(part.height)
        shape[f"{name} holes"] = _holes(part, read)
    return shape


def told_by_shape(
    bundles: Sequence[Measured], features: Sequence[str] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how likely each window is an incident to a classifier that sees shape only.

    Args:
        bundles: Windows of one set.
        features: Which parts of their shape are seen; None for all.

    Returns:
        Scores, each from a forest that saw no window of that stretch of time; which are incidents.
    """
    from sklearn.ensemble import RandomForestClassifier

    seen = np.array([[each.shape[one] for one in features or each.shape] for each in bundles])
    incident = np.array([bundle.incident for bundle in bundles], dtype=np.bool_)
    stretches = _stretches([datetime.fromisoformat(bundle.alert) for bundle in bundles])
    if len(set(stretches.tolist())) < STRETCHES:
        stretches = np.arange(len(bundles))
    scores = np.full(len(bundles), 0.5)
    for stretch in np.unique(stretches):
        out = stretches == stretch
        if len(set(incident[~out].tolist())) == 2:
            forest = RandomForestClassifier(
                TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=SEED
            )
            scores[out] = forest.fit(seen[~out], incident[~out]).predict_proba(seen[out])[:, 1]
    return scores, incident


def _stretches(alerts: Sequence[datetime]) -> NDArray[np.int64]:
    """Return the number of the stretch of time of each alert; a new one begins after a pause."""
    order = sorted(range(len(alerts)), key=alerts.__getitem__)
    number = np.zeros(len(alerts), dtype=np.int64)
    for before, after in pairwise(order):
        number[after] = number[before] + (alerts[after] - alerts[before] > APART)
    return number


def _holes(part: pl.DataFrame, columns: Sequence[str]) -> float:
    """Return the share of readings that are missing."""
    missing = sum(part[name].null_count() for name in columns)
    return missing / max(part.height * len(columns), 1)


def _rows_before(logs: pl.LazyFrame | None, window: Window) -> float:
    """Return the log records of before the recent rows."""
    if logs is None or not window.baseline.height:
        return 0.0
    return _rows(logs.filter(pl.col("time") <= window.baseline["time"].max()))


def _rows(table: pl.LazyFrame) -> float:
    return float(table.select(pl.len()).collect().item())
