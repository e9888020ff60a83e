"""The site's Prometheus as the source of a scan: every series is read where it is.

A host is there as long as Prometheus has targets on it. One that was taken off its list of targets
is no failure; one whose targets no longer answer is.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import isfinite, log
from typing import Final, Self

from collectors.prometheus import Prometheus, Target
from collectors.prometheus_labels import entity_of, host_of
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.incident.bundle import Bundle
from diagnose.incident.in_place import scraped_often
from diagnose.incident.live import connected, incident_near
from diagnose.incident.reach import LONGEST_STEP, STEP_SECONDS
from diagnose.scan.panel import Panel
from diagnose.scan.scraped_panel import read_scraped
from diagnose.scan.shards import Shard, Targets
from diagnose.settings.sections import EndpointSection

HOSTS: Final = 20  # of a shard
AT_ONCE: Final = 4  # of the 20 queries that Prometheus answers at a time: people ask it, too
HISTORY: Final = timedelta(hours=1)  # in which a host that has targets is known
NEWEST: Final = "max(timestamp(up))"
# Scrapes of a target within HISTORY, of most targets: how often is scraped where nobody tells.
COUNTED: Final = "quantile(0.5, count_over_time(up[1h]))"
USUAL: Final = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0)


@dataclass(frozen=True, slots=True, eq=False)
class ScrapedCensus:
    """Which hosts a Prometheus has targets on.

    Attributes:
        targets: Job and instance of each target, by host.
        every: Seconds between two scrapes of most of a host's targets, where that is known.
        usual: Likewise, where it is not.
        newest: When something was scraped last.
    """

    targets: Mapping[str, tuple[tuple[str, str], ...]]
    every: Mapping[str, float]
    usual: float
    newest: datetime

    @property
    def hosts(self) -> Collection[str]:
        """Return their names."""
        return self.targets.keys()

    def shards(self, hosts: Collection[str], size: int = HOSTS) -> Iterator[Shard]:
        """Yield ``hosts`` in shards; those that are scraped equally often come together."""
        known = sorted((self.every.get(h, self.usual), h) for h in hosts if h in self.targets)
        number = 0
        for step, equal in groupby(known, key=lambda one: one[0]):
            names = tuple(host for _, host in equal)
            for begin in range(0, len(names), size):
                part = names[begin : begin + size]
                named = tuple((host, *one) for host in part for one in self.targets[host])
                yield Shard(number, part, Targets(named, step))
                number += 1


@dataclass(frozen=True, slots=True)
class Scraped:
    """What a Prometheus scrapes.

    Attributes:
        section: Where it is; the address and what lets us in go to whoever reads a shard.
    """

    section: EndpointSection
    name = "prometheus"
    at_once = AT_ONCE

    @classmethod
    def of(cls, section: EndpointSection) -> Self:
        """Return the Prometheus that the settings name.

        Raises:
            Failure: they name none.
        """
        if section.url is None:
            raise Failure("no Prometheus is known to ask", "set sources.prometheus.url")
        return cls(section)

    def census(self, at: datetime) -> ScrapedCensus:
        """Return which hosts have targets; see ``Source``."""
        with connected("prometheus", self.section) as connection:
            prometheus = Prometheus(connection)
            found = prometheus.series(["up"], at - HISTORY, at)
            every = _every(scraped_often(prometheus))
            newest, counted = _value(prometheus, NEWEST, at), _value(prometheus, COUNTED, at)
        if newest is None or counted is None:
            what = f"Prometheus has scraped nothing in the minutes before {at:%Y-%m-%d %H:%M} UTC"
            raise Failure(what, "look at its targets")
        targets: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for labels in found:
            told = labels.get("job", ""), labels.get("instance", "")
            targets[host_of(entity_of(labels))].add(told)
        named = {host: tuple(sorted(told)) for host, told in targets.items() if host}
        apart = HISTORY / timedelta(seconds=1) / max(counted - 1, 1.0)
        usual = min(USUAL, key=lambda one: abs(log(one / apart)))
        return ScrapedCensus(named, every, usual, min(datetime.fromtimestamp(newest, UTC), at))

    def panel(
        self, shard: Shard, span: tuple[datetime, datetime], recent: timedelta
    ) -> Panel | None:
        """Return what the hosts of ``shard`` showed; see ``Source``."""
        if not isinstance(shard.where, Targets):
            raise TypeError(f"shard {shard.number} is not of a Prometheus")
        with connected("prometheus", self.section) as connection:
            return read_scraped(Prometheus(connection), shard.where, span, recent)

    def incident(self, entity: str, at: datetime, settings: Settings, as_of: datetime) -> Bundle:
        """Return what is needed to explain why ``entity`` is in trouble; see ``Source``."""
        return incident_near(entity, at, settings, as_of)


def _value(prometheus: Prometheus, query: str, at: datetime) -> float | None:
    """Return what a query gives at one moment; None where that is nothing."""
    found = next(prometheus.evaluate(query, at, at, STEP_SECONDS), None)
    return found.values[-1] if found and isfinite(found.values[-1]) else None


def _every(targets: Collection[Target]) -> dict[str, float]:
    """Return how often most targets of each host are scraped; of two answers the longer time."""
    often: dict[str, Counter[float]] = defaultdict(Counter)
    for target in targets:
        if target.interval_seconds:
            often[host_of(entity_of(target.labels))][target.interval_seconds] += 1
    most = {host: max(seen, key=lambda one: (seen[one], one)) for host, seen in often.items()}
    return {host: min(max(1.0, seconds), LONGEST_STEP) for host, seconds in most.items()}
