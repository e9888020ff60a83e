"""An alert or a host -> what is needed to explain it, read from the site's Prometheus and Loki.

``reach.py`` says how far around the symptom is read.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from collectors.endpoint import StatusError
from collectors.loki import Loki
from collectors.prometheus import Labels, Prometheus, Target, quoted, readings_of, selector
from collectors.prometheus_labels import NAME, entity_of, held, node_of
from diagnose.incident.alert import Alert
from diagnose.incident.bundle import Bundle
from diagnose.incident.nearest_lines import lines_near
from diagnose.incident.promql import Compared, compared
from diagnose.incident.reach import HISTORY, HISTORY_STEPS, HOPS, MOST, STEP_SECONDS
from diagnose.schema import READINGS, Node
from diagnose.topology import NO_SITE, SiteTopology, Topology, answering, nearness, resolved
from diagnose.wording import some

LATEST: Final = timedelta(hours=1)  # after the onset; what comes later is not read
GRAPH: Final = "traces_service_graph_request_total"  # labels client and server
PODS: Final = "kube_pod_info"  # labels node and pod
# What is derived, says nothing by itself, or is about the scrape.
UNREAD: Final = '__name__!~"ALERTS.*|scrape_.*|.*_bucket|.*_created|.*_info"'
NOTHING_SEEN: Final = Topology()

Says = Callable[[Labels], bool]


@dataclass(frozen=True, slots=True)
class Span:
    """Which instants are read."""

    start: datetime
    end: datetime
    step_seconds: float


@dataclass(frozen=True, slots=True)
class Sources:
    """Who can be asked about a site, and what is known of it beforehand.

    Attributes:
        prometheus: Who is asked for metrics.
        loki: Who is asked for log lines; None for nobody.
        told: What the people of the site say of the topology.
        seen: What others have seen of it, services by their names.
    """

    prometheus: Prometheus
    loki: Loki | None = None
    told: SiteTopology = NO_SITE
    seen: Topology = NOTHING_SEEN


@dataclass(frozen=True, slots=True)
class Symptom:
    """What an alert is about.

    Attributes:
        entity: Whose symptom it is; "" where the alert does not tell.
        node: The signal that shows it; None where the alert does not tell.
        readings: What the signal showed.
        targets: Labels of the targets whose series the alert watches.
    """

    entity: str
    node: Node | None
    readings: tuple[pl.DataFrame, ...] = ()
    targets: tuple[Labels, ...] = ()


def read_around(alert: Alert, sources: Sources, as_of: datetime) -> Bundle:
    """Return what the entities around an alert showed before and since its onset.

    Args:
        alert: What fires.
        sources: Who is asked.
        as_of: The moment of asking.

    Raises:
        OSError: one of them cannot be asked.
        ValueError: the answer of one is none.
    """
    span = _span(sources.prometheus, alert.since, alert.says, as_of)
    symptom = _symptom(sources.prometheus, alert, span)
    bundle = _around(symptom, alert.since, sources, span)
    said = [alert.note] if alert.note else []
    if symptom.node is None:
        said.append("The alert does not tell its symptom: what deviates most takes its place.")
    return replace(
        bundle,
        id=f"{alert.name} {alert.fingerprint}",
        missing=(*said, *bundle.missing),
        advice=(("", f"runbook of the alert: {alert.runbook}"),) if alert.runbook else (),
        silenced=alert.silenced,
    )


def read_near(entity: str, at: datetime, sources: Sources, as_of: datetime) -> Bundle:
    """Return what an entity and those around it showed before and since ``at``.

    Arguments and errors are those of ``read_around``; ``entity`` is whose symptom is explained.
    """
    span = _span(sources.prometheus, at, lambda labels: entity_of(labels) == entity, as_of)
    return _around(Symptom(entity, None), at, sources, span)


def _around(symptom: Symptom, since: datetime, sources: Sources, span: Span) -> Bundle:
    """Return what the entities around a symptom showed, the nearest first."""
    prometheus, loki, seen = sources.prometheus, sources.loki, sources.seen
    scraped = prometheus.series(["up"], span.start, span.end)
    targets = _once([*symptom.targets, *map(_target, scraped)])
    entities = {entity_of(target) for target in targets}
    topology = _topology(prometheus, span, entities, symptom.entity)
    topology += Topology(resolved(seen.calls, entities), seen.contains) + sources.told.among(
        entities
    )
    near, told = _near(targets, symptom, topology)
    frames, unread = _read(prometheus, near, span)
    within = (span.start, span.end)
    logs, cut = lines_near(loki, near, within, span.step_seconds) if loki else (None, [])
    return Bundle(
        id=f"{symptom.entity} at {since:%Y-%m-%dT%H:%M:%SZ}",
        source="prometheus",
        alert_time=since,
        as_of=span.end,
        step_seconds=span.step_seconds,
        readings=pl.concat([READINGS.to_frame(), *symptom.readings, *frames]).lazy(),
        logs=logs,
        symptom=symptom.node,
        topology=topology.calls,
        contains=topology.contains,
        missing=(*told, *unread, *cut),
    )


def _span(prometheus: Prometheus, since: datetime, says: Says, as_of: datetime) -> Span:
    """Return what is read: some time before the onset, and what came since."""
    step_seconds = _step_seconds(prometheus, says)
    history = max(HISTORY, timedelta(seconds=HISTORY_STEPS * step_seconds))
    return Span(since - history, min(as_of, since + LATEST), step_seconds)


def _step_seconds(prometheus: Prometheus, says: Says) -> float:
    """Return how often is scraped what ``says`` says yes to, else what most targets are."""
    targets = scraped_often(prometheus)
    own = [target for target in targets if says(target.labels)]
    often = Counter(target.interval_seconds for target in own or targets)
    most = often.most_common(1)
    return max(1.0, most[0][0] or STEP_SECONDS) if most else STEP_SECONDS


def scraped_often(prometheus: Prometheus) -> list[Target]:
    """Return the targets of which is known how often they are scraped."""
    try:
        return [target for target in prometheus.targets() if target.interval_seconds]
    except StatusError:  # a store that only looks like a Prometheus scrapes nothing itself
        return []


def _symptom(prometheus: Prometheus, alert: Alert, span: Span) -> Symptom:
    """Return what the alert is about, as far as it tells.

    A series that is compared as it is, or its rate, is a signal by itself. What is added up,
    divided or a quantile is a signal that is drawn from the expression.
    """
    watched = compared(alert.expression) if alert.expression else None
    if watched is None:
        return Symptom(entity_of(alert.labels), None)
    found = prometheus.series([watched.selector], span.start, span.end)
    series = [labels for labels in found if alert.says(labels)]
    targets = tuple(_once(map(_target, series)))
    entities = {node_of(labels).entity for labels in series}
    entity = entities.pop() if len(entities) == 1 else _named(alert, watched)
    if watched.plain and len(series) == 1:
        node = node_of(series[0])
        instants = (span.start, span.end, span.step_seconds)
        frames = tuple(prometheus.readings(selector(series[0]), *instants))
    else:
        node = Node(entity, f"{watched.stem or 'expression'}/alert={alert.name}")
        frames = tuple(_drawn(prometheus, alert, watched, node, span))
    return Symptom(entity, node if entity and frames else None, frames if entity else (), targets)


def _named(alert: Alert, watched: Compared) -> str:
    """Return the entity that the alert's labels name, or those that its series must have."""
    own = {name: text for name, text in alert.labels.items() if name not in alert.added}
    return entity_of({**watched.equal, **own}) or entity_of(alert.labels)


def _drawn(
    prometheus: Prometheus, alert: Alert, watched: Compared, node: Node, span: Span
) -> Iterator[pl.DataFrame]:
    """Yield what the alert compares as readings of ``node``."""
    query = f"max(({watched.value}) or vector(0))" if watched.absence else watched.value
    drawn: Labels | None = None
    for series in prometheus.evaluate(query, span.start, span.end, span.step_seconds):
        drawn = series.labels if drawn is None and alert.says(series.labels) else drawn
        if series.labels == drawn:
            yield readings_of(series, node.entity, node.signal)


def _topology(prometheus: Prometheus, span: Span, entities: set[str], entity: str) -> Topology:
    """Return who calls whom by the service graph, and which pod runs where."""
    graph = prometheus.series([GRAPH, PODS], span.start, span.end)
    calls = [
        (labels["client"], labels["server"])
        for labels in graph
        if labels.get("client") and labels.get("server")
    ]
    # A symptom of all instances together depends on each of them, as a caller does.
    instances = [(entity, one) for one in answering(entity, sorted(entities)) if one != entity]
    pods = [pair for labels in graph if (pair := held(labels))]
    return Topology((*resolved(calls, entities), *instances), tuple(pods))


def _near(
    targets: Sequence[Labels], symptom: Symptom, topology: Topology
) -> tuple[list[Labels], list[str]]:
    """Return the targets near a symptom, the nearest first, and what there is to say of others."""
    rank = _ranks({entity_of(target) for target in targets}, symptom, topology)
    near = [target for target in targets if entity_of(target) in rank]
    far = [target for target in targets if entity_of(target) not in rank]
    near.sort(key=lambda target: rank[entity_of(target)])
    if not topology.calls:
        said = "No calls between services are known: all targets count as equally far."
        return near + far, [said]
    if not near:
        said = "Nobody tells whose symptom it is: all targets count as equally far."
        return far, [said]
    return near, [f"Further away than {HOPS} calls and not read: {_names(far)}."] if far else []


def _ranks(entities: Set[str], symptom: Symptom, topology: Topology) -> Mapping[str, int]:
    """Return which of ``entities`` are near a symptom, and how near each is.

    An alert on all instances together may name no entity, or one that nothing answers to: then
    whatever it watches is nearest.
    """
    rank = nearness(entities, symptom.entity, topology, HOPS) if symptom.entity else {}
    if rank:
        return rank
    nearest: dict[str, int] = {}
    for start in {entity_of(target) for target in symptom.targets}:
        for one, steps in nearness(entities, start, topology, HOPS).items():
            nearest[one] = min(steps, nearest.get(one, steps))
    return nearest


def _names(targets: Iterable[Labels]) -> str:
    return some(sorted({entity_of(target) for target in targets}))


def _read(
    prometheus: Prometheus, targets: Sequence[Labels], span: Span
) -> tuple[list[pl.DataFrame], list[str]]:
    """Return the readings of targets, the first before the others, and what did not fit.

    Of a target that no longer fits, the metrics with few series come first: those with many have a
    label for each request, device or table.
    """
    frames: list[pl.DataFrame] = []
    said = []
    room, left_out = MOST, 0
    for place, target in enumerate(targets):
        if not room:
            unread = _names(targets[place:])
            said.append(f"Not read, since {MOST} nearer series were: {unread}.")
            break
        chosen = selector(target, UNREAD)
        sizes = Counter(one[NAME] for one in prometheus.series([chosen], span.start, span.end))
        total = sizes.total()
        if total > room:
            sizes = fitting(sizes, room)
            names = "|".join(map(re.escape, sorted(sizes)))
            chosen = selector(target, f"__name__=~{quoted(names)}")
        taken = sizes.total()
        room, left_out = room - taken, left_out + total - taken
        if taken:
            frames += prometheus.readings(chosen, span.start, span.end, span.step_seconds)
    if left_out:
        said.append(f"{left_out} series beyond {MOST} were not read.")
    return frames, said


def fitting(sizes: Mapping[str, int], room: int) -> Counter[str]:
    """Return the metrics with the fewest series that fit into ``room`` together.

    Args:
        sizes: Series of each metric.
        room: For so many series.
    """
    fitting: Counter[str] = Counter()
    for name in sorted(sizes, key=lambda name: (sizes[name], name)):
        if fitting.total() + sizes[name] <= room:
            fitting[name] = sizes[name]
    return fitting


def _target(labels: Labels) -> Labels:
    """Return the labels of a series that its target has, too."""
    kept = {"job", "instance", "namespace", "pod", "node", "host", "hostname", "service"}
    return {name: text for name, text in labels.items() if name in kept}


def _once(targets: Iterable[Labels]) -> list[Labels]:
    """Return each target that has labels at all, once."""
    return list({tuple(sorted(target.items())): target for target in targets if target}.values())
