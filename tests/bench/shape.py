"""A control: what is seen of a window without looking at any value must tell nothing.

If row counts, holes, spans, files and the clock told incidents from healthy windows, so would a
method that has learned nothing about failures. The classifier never sees a window of the clock
that it judges.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.bundle import Bundle
from diagnose.schema import Window
from tests.bench.records import Measured

TREES: Final = 50
LEAF: Final = 3  # least windows in a leaf
CLOCKS: Final = 5  # distinct alert times below which each window is left out by itself
SEED: Final = 0


def shape_of(bundle: Bundle, window: Window) -> dict[str, float]:
    """Return what can be seen of ``bundle`` without any value."""
    shape = {
        "alert hour": bundle.alert_time.hour + bundle.alert_time.minute / 60,
        "alert weekday": float(bundle.alert_time.weekday()),
        "has symptom": float(bundle.symptom is not None),
        "calls": float(len(bundle.topology)),
        "has log": float(bundle.logs is not None),
        "log records": _rows(bundle.logs) if bundle.logs is not None else 0.0,
        "readings": _rows(bundle.readings),
        "entities": float(len({signal.node.entity for signal in window.signals})),
    }
    read = [str(s.node) for s in window.signals if s.source in ("metric", "counter")]
    for name, part in (("baseline", window.baseline), ("recent", window.recent)):
        holes = part.select(pl.sum_horizontal(pl.col(read).null_count()).alias("n"))
        shape[f"{name} instants"] = float(part.height)
        shape[f"{name} holes"] = float(holes["n"][0]) / max(part.height * len(read), 1)
    return shape


def told_by_shape(bundles: Sequence[Measured]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how likely each window is an incident to a classifier that sees shape only.

    Returns:
        Scores, each from a forest that saw no window of the same clock, and what they are.
    """
    from sklearn.ensemble import RandomForestClassifier

    seen = np.array([list(bundle.shape.values()) for bundle in bundles])
    incident = np.array([bundle.incident for bundle in bundles], dtype=np.bool_)
    clocks = np.array([bundle.alert for bundle in bundles])
    if len(set(clocks.tolist())) < CLOCKS:
        clocks = np.arange(len(bundles)).astype(str)
    scores = np.full(len(bundles), 0.5)
    for clock in np.unique(clocks):
        out = clocks == clock
        if len(set(incident[~out].tolist())) == 2:
            forest = RandomForestClassifier(
                TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=SEED
            )
            scores[out] = forest.fit(seen[~out], incident[~out]).predict_proba(seen[out])[:, 1]
    return scores, incident


def _rows(table: pl.LazyFrame) -> float:
    return float(table.select(pl.len()).collect().item())
