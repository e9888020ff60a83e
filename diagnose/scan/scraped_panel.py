"""What many hosts showed within one span, asked of a Prometheus: few queries of bounded size.

First how many series there are, then their labels, then what they showed: the size of every answer
is known before it is asked for.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from collectors.prometheus import Labels, Prometheus, Series, quoted, selector
from collectors.prometheus_labels import NAME, host_of, node_of
from diagnose.incident.in_place import UNREAD, fitting
from diagnose.incident.readings import ABSURD, Array, Span
from diagnose.scan.panel import Panel, panel_of
from diagnose.scan.shards import Targets
from diagnose.schema import Node

MOST: Final = 2000  # series of a host
ASKED: Final = 2000  # series of an answer, but for those of a single host
HUGE: Final = 20_000  # series of a target, beyond which it is not read at all
LATELY: Final = 5  # instants at the end, in which a host that still has targets shows them
UP: Final = "up"  # 1 where a target answered, 0 where it did not, nothing once it is no target

Scraped = tuple[str, str]  # job and instance of a target
Read = Mapping[Node, str]  # the series of a host, with their metrics' names


@dataclass(frozen=True, slots=True)
class _Table:
    """What answers are written into.

    Attributes:
        grid: The instants.
        places: Of each series, its column.
        values: Of shape (instants, columns).
        scraped: Hosts that had a target lately.
    """

    grid: Span
    places: Mapping[Node, int]
    values: Array
    scraped: set[str]

    def write(self, series: Series) -> None:
        """Add a series of an answer; one that was not asked for is left out."""
        node = node_of(series.labels)
        column = self.places.get(node)
        if column is None or not series.times:
            return
        seconds = self.grid.step / timedelta(seconds=1)
        since = np.array(series.times) - self.grid.first.timestamp()
        instant = np.rint(since / seconds).astype(np.intp)
        shown = np.array(series.values)
        if series.labels[NAME] == UP:
            if instant[-1] >= self.grid.instants - LATELY:
                self.scraped.add(host_of(node.entity))
            shown = np.where(shown == 0, np.nan, shown)  # a target that does not answer is silent
        read = np.isfinite(shown) & (np.abs(shown) <= ABSURD)
        self.values[instant[read], column] = shown[read]


def read_scraped(
    prometheus: Prometheus,
    targets: Targets,
    span: tuple[datetime, datetime],
    recent: timedelta,
) -> Panel | None:
    """Return what hosts showed; None where nothing was read of any.

    A value counts for one step, as ``Prometheus.readings`` says.

    Args:
        prometheus: Who is asked.
        targets: Of the hosts.
        span: From when to when is read.
        recent: How much at the end is judged by what comes before.

    Raises:
        OSError: it cannot be asked.
        ValueError: its answer is none.
    """
    start, end = span
    step = timedelta(seconds=targets.step_seconds)
    instants = max(int((end - start) / step), 1)
    grid = Span(end - step * (instants - 1), instants, step)
    instances, part_of = _small(prometheus, targets, end)
    if not instances:
        return None
    found = prometheus.series([_chosen(instances.values())], start, end)
    read, cut = _read(found, instances.keys())
    nodes = sorted(
        (node for series in read.values() for node in series),
        key=lambda node: (host_of(node.entity), node.entity, node.signal),
    )
    values = np.full((grid.instants, len(nodes)), np.nan)
    table = _Table(grid, {node: place for place, node in enumerate(nodes)}, values, set())
    for hosts in _parts(read, cut):
        metrics = {name for host in hosts if host in cut for name in read[host].values()}
        chosen = _chosen((instances[host] for host in hosts), metrics)
        query = f"last_over_time({chosen}[{1000 * targets.step_seconds:.0f}ms])"
        for series in prometheus.evaluate(query, grid.first, end, targets.step_seconds):
            table.write(series)
    there = [place for place, node in enumerate(nodes) if host_of(node.entity) in table.scraped]
    if not (~np.isnan(values[:, there])).any():
        return None
    names = {"entity": [n.entity for n in nodes], "signal": [n.signal for n in nodes]}
    known = pl.DataFrame(names)[there]
    left_out = tuple(sorted((cut | part_of) & table.scraped))
    return panel_of(known, values[:, there], grid, round(recent / step), left_out)


def _small(
    prometheus: Prometheus, targets: Targets, at: datetime
) -> tuple[dict[str, list[Scraped]], set[str]]:
    """Return the targets of each host, and the hosts of which a target is missing there.

    Missing is one whose series are too many even to be named.
    """
    named = _chosen([[(job, instance) for _, job, instance in targets.named]])
    counted = prometheus.evaluate(f"count by (job, instance) ({named})", at, at, 1.0)
    huge = {
        (series.labels.get("job", ""), series.labels.get("instance", ""))
        for series in counted
        if max(series.values, default=0) > HUGE
    }
    found: dict[str, list[Scraped]] = defaultdict(list)
    for host, job, instance in targets.named:
        if (job, instance) not in huge:
            found[host].append((job, instance))
    return found, {host for host, *target in targets.named if tuple(target) in huge}


def _chosen(targets: Iterable[Sequence[Scraped]], metrics: Iterable[str] = ()) -> str:
    """Return PromQL of the series of some hosts' targets; of some metrics, where any are named."""
    told = [one for of_host in targets for one in of_host]
    jobs, instances = (_any(sorted(set(values))) for values in zip(*told, strict=True))
    named = f"{NAME}=~{_any(sorted(metrics))}" if metrics else UNREAD
    return selector({}, f"job=~{jobs}", f"instance=~{instances}", named)


def _any(texts: Iterable[str]) -> str:
    return quoted("|".join(map(re.escape, texts)))


def _read(found: Iterable[Labels], hosts: Iterable[str]) -> tuple[dict[str, Read], set[str]]:
    """Return the series that are read of each host, and the hosts that have more of them.

    Of these, metrics with few series come first: those with many have a label for each request,
    device or table. A target may speak of other hosts than its own; those are not asked about here.
    """
    read: dict[str, dict[Node, str]] = {host: {} for host in hosts}
    for labels in found:
        node = node_of(labels)
        if host_of(node.entity) in read:
            read[host_of(node.entity)][node] = labels[NAME]
    cut = {host for host, series in read.items() if len(series) > MOST}
    for host in cut:
        sizes = Counter(read[host].values())
        names = {UP, *fitting(sizes, MOST - sizes.pop(UP, 0))}
        read[host] = {node: name for node, name in read[host].items() if name in names}
    return {host: series for host, series in read.items() if series}, cut


def _parts(read: Mapping[str, Read], cut: Collection[str]) -> Iterator[list[str]]:
    """Yield hosts that are asked about together; one of which not all is read stands alone."""
    part: list[str] = []
    size = 0
    for host in sorted(read):
        alone = host in cut
        if part and (alone or size + len(read[host]) > ASKED):
            yield part
            part, size = [], 0
        if alone:
            yield [host]
        else:
            part.append(host)
            size += len(read[host])
    if part:
        yield part
