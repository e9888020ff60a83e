"""How much of the demand on each entity is new."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from diagnose.schema import Window

USUAL: Final = 0.95  # quantile of normal life that demand seldom exceeds
NOW: Final = 0.5  # quantile of the recent part


def new_demand(window: Window) -> dict[str, float]:
    """Return for each entity the share of its demand that is beyond what was usual, 0..1.

    Demands of one kind are added up; of several kinds the largest share counts.

    Args:
        window: The recent part should mostly lie after the onset; before it, no demand is new.
    """
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for signal in window.signals:
        if signal.kind.load:
            alike[signal.node.entity, signal.kind.name].append(str(signal.node))
    shares: dict[str, float] = defaultdict(float)
    for (entity, _), columns in alike.items():
        usual = _total(window.baseline, columns, USUAL)
        now = _total(window.recent.filter(pl.col("time") >= window.alert_time), columns, NOW)
        if now > usual:
            shares[entity] = max(shares[entity], 1 - max(usual, 0.0) / now)
    return dict(shares)


def _total(part: pl.DataFrame, columns: Iterable[str], quantile: float) -> float:
    total = part.select(pl.sum_horizontal(columns).alias("total"))["total"]
    found = total.quantile(quantile)
    return float(found) if found is not None and np.isfinite(found) else 0.0
