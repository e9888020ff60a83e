"""Who has stopped reporting: missing telemetry is evidence, and often the only one there is.

A disk that left its bus, a GPU that detached or a host that hangs shows no number that could be
wrong. How long a silence means something, the entity's own past says.
"""

from itertools import groupby
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import Node, Prediction, Window

LEAST: Final = 4  # instants at which an entity was seen before its silence can mean something
LONGER: Final = 3  # times the longest distance between two of them
PROBABILITY: Final = 0.5  # nominal, as of what vendors call critical
DAY_SECONDS: Final = 86_400.0
CARD: Final = "Nothing is heard of it any more; the probability is nominal and fitted on nothing."
ABSENT: Final = "telemetry.absent"  # a window's own name of what is not seen
PARTS: Final = (("hw.physical_disk.", "disk-failure"), ("hw.gpu.", "gpu-failure"))


class SilencePredictor:
    """Announce the failure of who no longer reports.

    Maintenance looks the same, so its probability is nominal and said to be uncalibrated.
    """

    def predict(self, window: Window) -> tuple[Prediction, ...]:
        """Return one prediction for each silent entity; a host speaks for its silent parts."""
        both = pl.concat([window.baseline, window.recent])
        told = sorted(s.node for s in window.signals if s.source in ("metric", "counter"))
        silent: dict[str, Prediction] = {}
        for entity, group in groupby(told, key=lambda node: node.entity):
            nodes = tuple(group)
            seen = both.select(pl.any_horizontal(pl.col([str(n) for n in nodes]).is_not_null()))
            since = silent_since(seen.to_series().to_numpy())
            if since is not None:
                silent[entity] = Prediction(
                    entity,
                    _failure(nodes),
                    PROBABILITY,
                    0.0,
                    window.as_of,
                    (Node(entity, ABSENT),),
                    calibration="uncalibrated",
                    lead_time_interval=(0.0, DAY_SECONDS),
                    since=both["time"][since],
                    source="silence",
                    card=CARD,
                )
        return tuple(
            one
            for entity, one in silent.items()
            if not any(entity.startswith(f"{whole}/") for whole in silent)
        )


def silent_since(seen: NDArray[np.bool_]) -> int | None:
    """Return the first instant of a silence that lasts to the end; None where there is none.

    Example:
        >>> silent_since(np.array([True] * 5 + [False] * 3))
        5
        >>> silent_since(np.array([True, False] * 4)) is None
        True
    """
    (places,) = np.nonzero(seen)
    if len(places) < LEAST:
        return None
    since = int(places[-1]) + 1
    long = len(seen) - since >= LONGER * int(np.diff(places).max())
    return since if long else None


def _failure(nodes: tuple[Node, ...]) -> str:
    """Return how the entity of these signals fails."""
    for prefix, failure in PARTS:
        if any(node.signal.startswith(prefix) for node in nodes):
            return failure
    return "outage"
