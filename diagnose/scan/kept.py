"""The tables of ``aitia ingest`` as the source of a scan."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import polars as pl

from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.incident.bundle import Bundle
from diagnose.incident.kept import incident_at, opened
from diagnose.scan.panel import Panel, read_panel
from diagnose.scan.shards import Shard
from diagnose.telemetry.reader import Reader
from diagnose.topology import read_topology

HOSTS: Final = 100  # of a shard


@dataclass(frozen=True, slots=True, eq=False)
class KeptCensus:
    """Which hosts the tables hold.

    Attributes:
        kept: As ``Reader.hosts`` tells of them.
        newest: When the newest committed reading was taken.
    """

    kept: pl.DataFrame
    newest: datetime

    @property
    def hosts(self) -> list[str]:
        """Return their names."""
        return self.kept["host"].to_list()

    def shards(self, hosts: Collection[str], size: int = HOSTS) -> Iterator[Shard]:
        """Yield ``hosts`` in shards; those whose series lie near each other come together."""
        chosen = self.kept.filter(pl.col("host").is_in(list(hosts))).sort("first", "host")
        for number, part in enumerate(chosen.iter_slices(size)):
            within = part.select(pl.col("first").min(), pl.col("last").max()).row(0)
            yield Shard(number, tuple(part["host"].to_list()), within)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was pushed to ``aitia ingest``.

    Attributes:
        root: Of the telemetry tables.
    """

    root: str
    name = "kept"
    at_once = None

    def census(self, at: datetime) -> KeptCensus:
        """Return which hosts the tables hold; see ``Source``."""
        with Reader(self.root) as reader:
            newest = reader.newest()
            if newest is None:
                way_out = "send some to 'aitia ingest', and wait a minute"
                raise Failure("no telemetry was kept yet", way_out)
            return KeptCensus(reader.hosts(), newest)

    def panel(
        self, shard: Shard, span: tuple[datetime, datetime], recent: timedelta
    ) -> Panel | None:
        """Return what the hosts of ``shard`` showed; see ``Source``."""
        if not isinstance(shard.where, tuple):
            raise TypeError(f"shard {shard.number} is not of the tables")
        return read_panel(_reader(self.root), shard.hosts, shard.where, span, recent)

    def incident(self, entity: str, at: datetime, settings: Settings, as_of: datetime) -> Bundle:
        """Return what is needed to explain why ``entity`` is in trouble; see ``Source``."""
        site = read_topology(settings.explain.topology)
        with opened(settings.telemetry) as reader:
            return incident_at(reader, entity, at, site, as_of)


@lru_cache(maxsize=1)
def _reader(root: str) -> Reader:
    """Return this process's reader: opening the tables costs more than reading a few hosts."""
    return Reader(root)
