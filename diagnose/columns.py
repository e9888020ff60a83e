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
        nodes: A node that the frame does not have was never seen.
    """
    names = [str(node) for node in nodes]
    nothing = pl.lit(None, pl.Float64)
    known = [pl.col(name) if name in frame.columns else nothing.alias(name) for name in names]
    values = frame.select(pl.col("time"), *known).drop("time").to_numpy()
    return values.reshape(frame.height, len(names)).astype(np.float64)
