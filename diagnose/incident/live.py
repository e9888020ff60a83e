"""A live alert or a host in trouble, as an incident to explain: everything is read where it is.

Metrics come from the site's Prometheus, log lines from its Loki, and what ``aitia ingest`` keeps
beside them is added; where there is no Prometheus to ask, what is kept has to do.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime

import polars as pl

from collectors.alertmanager import Alertmanager
from collectors.endpoint import Connection, Endpoint
from collectors.loki import Loki
from collectors.prometheus import Prometheus
from collectors.prometheus_labels import entity_of, host_of
from diagnose.config import Settings
from diagnose.failure import Failure
from diagnose.incident.alert import Alert, find_alert
from diagnose.incident.bundle import Bundle
from diagnose.incident.in_place import Sources, read_around, read_near
from diagnose.incident.kept import incident_at, opened, seen_topology
from diagnose.incident.promql import compared
from diagnose.schema import LOGS, Node
from diagnose.settings.sections import EndpointSection, TelemetrySection
from diagnose.topology import Topology, read_topology


def incident_of(wanted: str, settings: Settings, as_of: datetime) -> Bundle:
    """Return the incident of which an alert tells.

    Args:
        wanted: The alert's name or fingerprint.
        settings: Where Prometheus and the others are.
        as_of: The moment of asking.

    Raises:
        Failure: no such alert fires, or a source cannot be asked.
    """
    sources = settings.sources
    if sources.prometheus.url is None and sources.alertmanager.url is None:
        what = "nobody is known to ask for alerts"
        raise Failure(what, "set sources.prometheus.url or sources.alertmanager.url")
    site = read_topology(settings.explain.topology)
    with ExitStack() as stack:

        def source(name: str, section: EndpointSection) -> Connection | None:
            return stack.enter_context(connected(name, section)) if section.url else None

        metrics = source("prometheus", sources.prometheus)
        alerts = source("alertmanager", sources.alertmanager)
        lines = source("loki", sources.loki)
        prometheus = Prometheus(metrics) if metrics else None
        alert = find_alert(wanted, prometheus, Alertmanager(alerts) if alerts else None)
        if as_of < alert.since:
            raise Failure(f"{alert.name} did not hold yet at {as_of}", "ask at its onset or later")
        if prometheus:
            loki = Loki(lines) if lines else None
            seen = _seen(settings.telemetry, alert.since, as_of)
            bundle = read_around(alert, Sources(prometheus, loki, site, seen), as_of)
            return _with_kept(bundle, settings.telemetry)
    with opened(settings.telemetry) as reader:
        bundle = incident_at(reader, entity_of(alert.labels), alert.since, site, as_of)
        return _named(bundle, alert)


def incident_near(entity: str, at: datetime, settings: Settings, as_of: datetime) -> Bundle:
    """Return what an entity and those around it showed, as the site's Prometheus keeps it.

    Args:
        entity: Whose symptom is to be explained.
        at: When it was noticed.
        settings: Where Prometheus and the others are.
        as_of: The moment of asking.

    Raises:
        Failure: a source cannot be asked.
    """
    sources = settings.sources
    site = read_topology(settings.explain.topology)
    seen = _seen(settings.telemetry, at, as_of)
    with ExitStack() as stack:
        prometheus = Prometheus(stack.enter_context(connected("prometheus", sources.prometheus)))
        loki = None
        if sources.loki.url:
            loki = Loki(stack.enter_context(connected("loki", sources.loki)))
        bundle = read_near(entity, at, Sources(prometheus, loki, site, seen), as_of)
    return _with_kept(bundle, settings.telemetry)


def _named(bundle: Bundle, alert: Alert) -> Bundle:
    """Return what was kept around an alert as the incident of that alert."""
    watched = compared(alert.expression) if alert.expression else None
    series = bundle.readings.select("entity", "signal").unique().sort("entity", "signal").collect()
    told = {f"{name}={text}" for name, text in alert.labels.items()}
    nodes = [
        Node(entity, signal)
        for entity, signal in series.iter_rows()
        if watched
        and watched.plain
        and entity == entity_of(alert.labels)
        and signal.partition("/")[0] == watched.metric
        and told.issuperset(filter(None, signal.partition("/")[2].split(",")))
    ]
    symptom = nodes[0] if len(nodes) == 1 else None
    said = [alert.note] if alert.note else []
    if symptom is None:
        said.append("The alert does not tell its symptom: what deviates most takes its place.")
    return replace(
        bundle,
        id=f"{alert.name} {alert.fingerprint}",
        symptom=symptom,
        missing=(*said, *bundle.missing),
        silenced=alert.silenced,
    )


def _is_kept(telemetry: TelemetrySection) -> bool:
    return telemetry.url is not None or telemetry.dir.exists()


def _seen(telemetry: TelemetrySection, at: datetime, end: datetime) -> Topology:
    """Return the topology that was seen here; that nothing can be read is told with the rest."""
    if _is_kept(telemetry):
        with suppress(Failure), opened(telemetry) as reader:
            return seen_topology(reader, at, end)
    return Topology()


def _with_kept(bundle: Bundle, telemetry: TelemetrySection) -> Bundle:
    """Return an incident with what is kept here of its entities and of their hosts."""
    if not _is_kept(telemetry):
        return bundle
    try:
        with opened(telemetry) as reader:
            read = bundle.readings.select("entity", "time").collect()
            hosts = {host_of(entity) for entity in read["entity"].unique()}
            known = reader.series()["entity"].unique()
            near = [entity for entity in known if host_of(entity) in hosts]
            span = (min(read["time"], default=bundle.alert_time), bundle.as_of)
            readings, logs = reader.readings(*span, near), reader.logs(*span, near)
    except Failure as failure:
        return replace(bundle, missing=(*bundle.missing, f"Nothing kept was read: {failure.what}."))
    lines = bundle.logs if bundle.logs is not None else LOGS.to_frame().lazy()
    together = pl.concat([lines, logs.lazy()]).sort("time", maintain_order=True)
    return replace(
        bundle,
        readings=pl.concat([bundle.readings, readings.lazy()]),
        logs=together if bundle.logs is not None or logs.height else None,
    )


@contextmanager
def connected(name: str, section: EndpointSection) -> Iterator[Connection]:
    """Yield a connection to a source; what goes wrong with it becomes a Failure.

    Args:
        name: Of its section in the settings.
        section: Where it is.
    """
    try:
        with Endpoint.of(section).opened() as connection:
            yield connection
    except (OSError, ValueError) as error:
        raise Failure(str(error), f"see sources.{name} in the settings") from error
