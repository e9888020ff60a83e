"""A recorded incident, told as if it happened now: for demonstrations and for tests of the rest.

Reads:     the incident bundle of collect.replay: metrics.parquet, logs.parquet, incident.json
Emits:     its readings, logs and topology, moved in time so that it starts when collecting starts
Platforms: all
See:       tests/incidents/README.md
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from collectors.rows import edges_at
from diagnose.schema import LOGS, READINGS

if TYPE_CHECKING:
    from diagnose.config import Settings

BATCH: Final = 20_000  # rows a frame
TABLES: Final = {"metrics.parquet": READINGS, "logs.parquet": LOGS}


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Replay:
    """Tell a bundle again, each row as long after the start as it was recorded.

    Args:
        bundle: Folder of the incident; what lies after its ``as_of`` was never seen by anybody who
            asked, and is told all the same: life goes on.
        clock: Gives the time.
    """

    def __init__(self, bundle: Path, clock: Callable[[], datetime] = now) -> None:
        self.bundle, self.clock = bundle, clock
        self.cursor = ""  # start of the replay, and the rows of each table that were told, as JSON
        self._frames: dict[str, pl.DataFrame] = {}

    @classmethod
    def configured(cls, settings: "Settings") -> "Mapping[str, Replay]":
        """Return the one instance that tells ``collect.replay``; none where it is not set."""
        bundle = settings.collect.replay
        return {"": cls(bundle)} if bundle else {}

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the rows whose turn has come since the cursor, oldest first, then the topology."""
        self._frames = self._frames or {
            name: pl.read_parquet(self.bundle / name).select(list(schema)).cast(schema).sort("time")
            for name, schema in TABLES.items()
            if (self.bundle / name).exists()
        }
        if not self._frames:
            raise FileNotFoundError(f"{self.bundle} is no incident bundle: it has no table")
        now = self.clock()
        told: dict[str, Any] = json.loads(self.cursor or "{}") or {"start": now.isoformat()}
        first = pl.concat(frame["time"].head(1) for frame in self._frames.values()).min()
        shift = pl.lit(datetime.fromisoformat(told["start"])) - first
        for name, frame in self._frames.items():
            moved = frame.with_columns(pl.col("time") + shift).filter(pl.col("time") <= now)
            for part in moved[told.get(name, 0) :].iter_slices(BATCH):
                told[name] = told.get(name, 0) + part.height
                self.cursor = json.dumps(told)
                yield part
        self.cursor = json.dumps(told)
        yield self._topology(now)

    def _topology(self, time: datetime) -> pl.DataFrame:
        facts = json.loads((self.bundle / "incident.json").read_text(encoding="utf-8"))
        pairs = [(caller, callee) for caller, callee in facts.get("topology") or ()]
        return edges_at(time, pairs, "replay")
