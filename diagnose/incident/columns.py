"""A window's frames as arrays: the judges reckon with matrices."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import Node


def columns(frame: pl.DataFrame, nodes: Sequence[Node]) -> NDArray[np.float64]:
    """Return the nodes' values, shape (instants, nodes); NaN where nothing was seen.

    Args:
        frame: One part of a window.
        nodes: May name a node twice; one that the frame does not have was never seen.
    """
    names = [str(node) for node in nodes]
    known = frame.select(name for name in dict.fromkeys(names) if name in frame.columns)
    place = {name: i for i, name in enumerate(known.columns)}
    values = np.full((frame.height, len(names)), np.nan)
    seen = [i for i, name in enumerate(names) if name in place]
    if seen:
        values[:, seen] = known.to_numpy()[:, [place[names[i]] for i in seen]]
    return values
