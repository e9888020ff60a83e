"""Rung one of the ladder: what moved together, and what moved first. It claims nothing more."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.incident.columns import columns
from diagnose.schema import Anomaly, Association, Node, RootCause, Window

MOST: Final = 3  # causes that are looked at
LAGS: Final = 5  # steps by which the symptom may follow, beside none
FEWEST_ROWS: Final = 20  # instants at which both must have been seen


def associate(
    window: Window,
    anomalies: tuple[Anomaly, ...],
    causes: tuple[RootCause, ...],
    symptom: Node,
) -> tuple[Association, ...]:
    """Return how each of the first causes and the symptom moved together.

    Args:
        window: Its baseline shows the correlation.
        anomalies: Their onsets show who moved first.
        causes: Most probable first.
        symptom: What is explained.
    """
    first = tuple(cause.node for cause in causes[:MOST])
    values = columns(window.baseline, (*first, symptom))
    onset = {anomaly.node: anomaly.onset for anomaly in anomalies}
    found = []
    for place, node in enumerate(first):
        lead = None
        if node in onset and symptom in onset:
            lead = (onset[symptom] - onset[node]).total_seconds()
        correlation, lag = _best_lag(values[:, place], values[:, -1])
        known = correlation is not None
        found.append(
            Association(node, correlation, lag * window.step_seconds if known else None, lead)
        )
    return tuple(found)


def _best_lag(cause: NDArray[np.float64], effect: NDArray[np.float64]) -> tuple[float | None, int]:
    """Return Spearman's correlation where it is strongest, and the lag in steps at which it is."""
    later = pl.Series("effect", effect).fill_nan(None)
    earlier = pl.Series("cause", cause).fill_nan(None)
    best: tuple[float | None, int] = (None, 0)
    for lag in range(LAGS + 1):
        pairs = pl.DataFrame([earlier.shift(lag), later]).drop_nulls()
        if pairs.height < FEWEST_ROWS or min(pairs.n_unique(subset=c) for c in pairs.columns) < 2:
            continue
        correlation = float(pairs.select(pl.corr("cause", "effect", method="spearman")).item())
        if best[0] is None or abs(correlation) > abs(best[0]):
            best = (max(-1.0, min(1.0, correlation)), lag)
    return best
