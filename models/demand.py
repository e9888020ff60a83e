"""How much of the demand on each entity is new."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import polars as pl

from diagnose.schema import Window
from models.deviation import HISTORY

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
        before = _total(window.baseline, columns)
        since = _total(window.recent.filter(pl.col("time") >= window.alert_time), columns)
        if len(before) < HISTORY or since.is_empty():
            continue  # what was never seen is not known to be new
        usual, now = before.quantile(USUAL) or 0.0, since.quantile(NOW) or 0.0
        if now > usual:
            shares[entity] = max(shares[entity], 1 - max(usual, 0.0) / now)
    return dict(shares)


def _total(part: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Return the sum of some signals at each instant at which any of them was seen."""
    seen = part.filter(pl.any_horizontal(pl.col(columns).is_finite()))
    return seen.select(pl.sum_horizontal(pl.col(columns).fill_nan(None)).alias("total"))["total"]
