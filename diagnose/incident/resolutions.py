"""What hardware itself says to do: the resolutions that a BMC's events carry."""

from datetime import datetime
from typing import Final

import polars as pl

from diagnose.incident.readings import collected

MOST: Final = 20  # texts of one incident
LONGEST: Final = 1000  # characters of a text
# What the registry says where there is nothing to do.
NOTHING: Final = r"(?i)^\s*(none|no (action|resolution)\b.*)?\W*$"


def resolutions(logs: pl.LazyFrame, since: datetime) -> tuple[tuple[str, str], ...]:
    """Return (entity, text) pairs of what events since then tell people to do, oldest first.

    Args:
        logs: Schema LOGS.
        since: Beginning of what is asked about.
    """
    text = pl.col("attributes").str.json_path_match("$.resolution")
    told = (
        logs.filter(
            (pl.col("time") >= since)
            & pl.col("attributes").str.contains('"resolution"', literal=True)
        )
        .select("time", "entity", text=text.str.slice(0, LONGEST))
        .filter(pl.col("text").is_not_null() & ~pl.col("text").str.contains(NOTHING))
        .sort("time", "entity", "text")
        .unique(["entity", "text"], keep="first", maintain_order=True)
        .head(MOST)
    )
    return tuple(collected(told.select("entity", "text")).rows())
