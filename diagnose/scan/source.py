"""Where a scan reads: tables that are kept here, or a Prometheus. A shard asks, whoever answers."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Protocol

from diagnose.config import Settings
from diagnose.incident.bundle import Bundle
from diagnose.scan.panel import Panel
from diagnose.scan.shards import Shard


class Census(Protocol):
    """Which hosts a source knew as a scan began."""

    @property
    def hosts(self) -> Collection[str]:
        """Return the hosts of which something may be read."""

    @property
    def newest(self) -> datetime:
        """Return when the newest reading was taken."""

    def shards(self, hosts: Collection[str]) -> Iterator[Shard]:
        """Yield those of ``hosts`` that are known, in shards."""


class Source(Protocol):
    """Gives what hosts showed. It is sent to the processes that read, on other machines, too."""

    @property
    def name(self) -> str:
        """Return what tells its scans from those of another source."""

    @property
    def at_once(self) -> int | None:
        """Return how many may read at once; None for any number."""

    def census(self, at: datetime) -> Census:
        """Return which hosts there were shortly before ``at``.

        Raises:
            Failure: nothing can be read.
        """

    def panel(
        self, shard: Shard, span: tuple[datetime, datetime], recent: timedelta
    ) -> Panel | None:
        """Return what the hosts of ``shard`` showed; None where nothing was read of any.

        Args:
            shard: Of one of its censuses.
            span: From when to when is read.
            recent: How much at the end is judged by what comes before.

        Raises:
            Failure: it cannot be read.
        """

    def incident(self, entity: str, at: datetime, settings: Settings, as_of: datetime) -> Bundle:
        """Return what is needed to explain why ``entity`` is in trouble.

        Args:
            entity: Whose symptom it is.
            at: When it was noticed.
            settings: Of this site.
            as_of: Nothing later is read.

        Raises:
            Failure: it cannot be read.
        """
