"""Days of many hosts, minute by minute, read as a scan reads: an hour at a time."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from diagnose.scan.kept import Kept, KeptCensus
from diagnose.scan.panel import Panel
from diagnose.scan.shards import Shard
from models.lives import Told
from models.minutes import MINUTE_SECONDS, minutes_of
from models.normal_life import Array

HOUR: Final = timedelta(hours=1)
MINUTES: Final = 60
AT_ONCE: Final = 25  # hosts whose days are held in memory
LEAST_HOURS: Final = 36  # in which a host was seen, so that a thousandth can be told of its calm
ALIKE: Final = 0.8  # share of the signals of two hosts that makes them of one group
OFTEN: Final = 0.5  # share of an hour's minutes in which a signal is seen that is there
# What tells when something began is new for good after each start: no life to be held against.
BEGINNINGS: Final = frozenset({"uptime", "process restarts"})
SELDOM: Final = "it is read less often than once a minute"


@dataclass(frozen=True, slots=True)
class Alike:
    """Hosts that show the same signals.

    Attributes:
        hosts: Their names, sorted.
        signals: What most of them show, sorted.
    """

    hosts: tuple[str, ...]
    signals: tuple[Told, ...]


class Pasts:
    """Reads what hosts showed.

    Args:
        source: What was kept.
        census: Which hosts there are.
        hours: How far back is read.
        tell: Is told how much was read, of how much.
    """

    def __init__(
        self, source: Kept, census: KeptCensus, hours: int, tell: Callable[[int, int], None]
    ) -> None:
        self._source = source
        self._census = census
        self._hours = hours
        self._tell = tell
        self._done, self._all = 0, 0
        self.end: datetime = census.newest

    @property
    def span(self) -> timedelta:
        """Return how far back is read."""
        return self._hours * HOUR

    def expect(self, sizes: Collection[int]) -> None:
        """Note how many hosts of each group will be read, for what is told."""
        self._all = sum(-(-size // AT_ONCE) for size in sizes) * self._hours

    def lately(self) -> Mapping[str, frozenset[Told] | None]:
        """Return which signals each host showed in the last hour; None where that is too seldom."""
        shown: dict[str, frozenset[Told] | None] = {}
        for shard in self._census.shards(self._census.hosts):
            panel = self._panel(shard, self.end)
            if panel is None:
                continue
            if panel.step_seconds > MINUTE_SECONDS:
                shown |= dict.fromkeys(panel.hosts)
                continue
            minutes = minutes_of(panel.values, panel.step_seconds, MINUTES)
            often = np.isfinite(minutes).mean(axis=0) >= OFTEN
            for place, host in enumerate(panel.hosts):
                columns = [panel.signals[i] for i in panel.columns_of(place) if often[i]]
                shown[host] = frozenset(
                    (one.node.entity.removeprefix(host), one.node.signal)
                    for one in columns
                    if one.kind.name not in BEGINNINGS
                )
        return shown

    def read(
        self, hosts: Sequence[str], signals: Sequence[Told], left_out: dict[str, str]
    ) -> Iterator[tuple[str, Array]]:
        """Yield each host that was seen for long enough, and its values since it was first seen.

        Args:
            hosts: Whose.
            signals: The columns.
            left_out: Is told which host was not, and why.

        Yields:
            Name, and values of shape (minutes, signals), NaN where nothing was seen.
        """
        place = {told: column for column, told in enumerate(signals)}
        for shard in self._census.shards(hosts, AT_ONCE):
            row = {host: number for number, host in enumerate(shard.hosts)}
            values = np.full((len(row), self._hours * MINUTES, len(signals)), np.nan)
            for hour in range(self._hours):
                panel = self._panel(shard, self.end - (self._hours - 1 - hour) * HOUR)
                if panel:
                    part = values[:, hour * MINUTES : (hour + 1) * MINUTES]
                    _write(panel, row, place, part)
                self._done += 1
                self._tell(min(self._done, self._all), self._all)
            for host, number in row.items():
                seen = np.isfinite(values[number]).any(axis=1)
                if seen.sum() >= LEAST_HOURS * MINUTES:
                    yield host, values[number, int(seen.argmax()) :]
                else:
                    left_out[host] = f"it was seen for {seen.sum() / MINUTES:.1f} hours"

    def _panel(self, shard: Shard, until: datetime) -> Panel | None:
        return self._source.panel(shard, (until - HOUR, until), timedelta(0))


def _write(panel: Panel, row: Mapping[str, int], place: Mapping[Told, int], values: Array) -> None:
    """Write the minutes of an hour into ``values``, of shape (hosts, minutes, signals)."""
    minutes = minutes_of(panel.values, panel.step_seconds, values.shape[1])
    if not len(minutes):
        return
    for number, host in enumerate(panel.hosts):
        columns = panel.columns_of(number)
        nodes = [panel.signals[column].node for column in columns]
        told = [place.get((node.entity.removeprefix(host), node.signal), -1) for node in nodes]
        to = np.array(told)
        ours = np.flatnonzero(to >= 0)
        found = minutes[:, columns.start : columns.stop][:, ours]
        values[row[host], -len(minutes) :, to[ours]] = found.T


def groups_of(
    shown: Mapping[str, frozenset[Told] | None],
) -> tuple[tuple[Alike, ...], dict[str, str]]:
    """Return the hosts that show the same signals, the largest group first, and who is in none.

    A few signals more or less, such as of a disk that others lack, make no other group.

    Args:
        shown: Of each host, its signals; None where it is read too seldom.
    """
    left_out = {host: SELDOM for host, signals in shown.items() if signals is None}
    left_out |= {
        host: "it shows nothing regularly" for host, one in shown.items() if one == frozenset()
    }
    sizes = Counter(signals for signals in shown.values() if signals)
    leaders: list[frozenset[Told]] = []
    group_of: dict[frozenset[Told], frozenset[Told]] = {}
    for signals in sorted(sizes, key=lambda one: (-sizes[one], sorted(one))):
        same = (one for one in leaders if len(one & signals) >= ALIKE * len(one | signals))
        leader = next(same, None)
        if leader is None:
            leader = signals
            leaders.append(leader)
        group_of[signals] = leader
    hosts: dict[frozenset[Told], list[str]] = {leader: [] for leader in leaders}
    for host, told in sorted(shown.items()):
        if told:
            hosts[group_of[told]].append(host)
    found = (Alike(tuple(hosts[leader]), tuple(sorted(leader))) for leader in leaders)
    return tuple(sorted(found, key=lambda one: -len(one.hosts))), left_out
