"""Whose signal a Prometheus series is: its labels -> entity and signal.

An entity is a host (``db1``), what runs on one (``db1/postgres``), or a Kubernetes pod, which moves
between hosts and so is named alone. On every series Kubernetes puts the pod that was asked: where
that is an exporter, which speaks for its host or of other pods, it is not whose the series is.

A signal is the metric's name, then "/" and the labels that tell its series apart:
``node_cpu_seconds_total/cpu=0,mode=idle``. The same labels give the same answer whoever sends them,
so that what is pushed and what is queried in place meet.

Assumes:
    A job runs once on a host. Where it does not, a label must tell its instances apart.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from diagnose.schema import Node

NAME: Final = "__name__"
# Labels that name a host, a service, and the instance that a target of its own name is; first wins.
HOST: Final = (
    *("host", "hostname", "host_name", "nodename", "node", "kubernetes_node"),
    "Hostname",  # of DCGM's exporter
)
SERVICE: Final = ("service_name", "service", "app_kubernetes_io_name", "app", "application")
JOB: Final = ("exported_job", "job")
INSTANCE: Final = ("exported_instance", "instance")
POD: Final = ("exported_pod", "pod")
# Labels that say where a series was gathered, and nothing about what it measures.
GATHERED: Final = {
    *("cluster", "endpoint", "monitor", "namespace", "exported_namespace", "prometheus"),
    *("prometheus_replica", "replica"),
}
# Exporters that speak for a host, told by their metrics' names or by the usual names of their jobs.
HOST_METRIC: Final = re.compile(
    r"(?:node|kube_node|windows|system|hw|hwmon|sensors|ipmi|redfish|smartctl|smartmon|edac|rasdaemon|DCGM"
    r"|nvidia|nut|snmp|ethtool)[_.]"
)
HOST_JOB: Final = re.compile(
    r"(?i)(?:(?:node|host|hosts|windows|system|ipmi|bmc|redfish|smartctl|snmp|telegraf|dcgm"
    r"|hardware)(?:[-_]?exporter)?|.*[-_/](?:node|windows|ipmi|smartctl|dcgm)[-_]?exporter)$"
)
SEEN_FROM_WITHIN: Final = "system_"  # a service in a pod tells so of the machine that it sees
# Exporters of which one instance speaks for many things on its host, and the label that names them.
PARTS: Final = {"namedprocess_": "groupname", "container_": "name"}
CONTAINERS: Final = ("container_", "kube_")  # metrics in which several containers share a pod
CONTAINER: Final = ("exported_container", "container")
# Labels that are others after a container's restart, or after its next release.
RENEWED: Final = re.compile(r"id|image|name|uid|container_label_.*")


def node_of(labels: Mapping[str, str]) -> Node:
    """Return the entity and the signal of a series.

    Args:
        labels: All of its labels, the metric's name under ``__name__``.

    Example:
        >>> node_of({"__name__": "node_load1", "job": "node", "instance": "db1:9100"})
        Node(entity='db1', signal='node_load1')
        >>> node_of({"__name__": "pg_up", "job": "postgres", "instance": "db1:9187", "db": "a"})
        Node(entity='db1/postgres', signal='pg_up/db=a')
    """
    metric = labels.get(NAME, "")
    entity, used = _entity(metric, labels)
    told = {key: text for key, text in labels.items() if text and key not in used | GATHERED}
    if metric.startswith(CONTAINERS):
        told = _lasting(metric, labels, told)
    else:
        told.pop("container", None)
    # A comma in a value would pass for the end of a label.
    part = ",".join(f"{key}={told[key].replace(',', ';')}" for key in sorted(told))
    return Node(entity, f"{metric}/{part}" if part else metric)


def entity_of(labels: Mapping[str, str]) -> str:
    """Return the entity of a series, of a target or of an alert; "" where no label names one.

    Example:
        >>> entity_of({"alertname": "Slow", "job": "shop", "instance": "http://web1:8080/"})
        'web1/shop'
    """
    return _entity(labels.get(NAME, ""), labels)[0]


def host_of(entity: str) -> str:
    """Return the host of an entity: "db1" for "db1/postgres"."""
    return entity.partition("/")[0]


def held(labels: Mapping[str, str]) -> tuple[str, str] | None:
    """Return (host, pod) where the labels say which host a pod runs on.

    Example:
        >>> held({"__name__": "kube_pod_info", "node": "n1", "pod": "web-0"})
        ('n1', 'web-0')
    """
    host, pod = _first(labels, HOST), _first(labels, POD)
    return (labels[host], labels[pod]) if host and pod else None


def _entity(metric: str, labels: Mapping[str, str]) -> tuple[str, set[str]]:
    """Return the entity, and the labels that name it or do so in other words."""
    named = {NAME, *HOST, *INSTANCE, *JOB}
    pod = _first(labels, POD)
    label = _first(labels, HOST) or _first(labels, INSTANCE)
    host = _bare(labels[label]) if label else ""
    part = next((key for start, key in PARTS.items() if metric.startswith(start)), "")
    if host and not labels.get(part) and _speaks_for_host(metric, labels):
        return host, named.union(POD, SERVICE, CONTAINER) if pod else named
    if pod:
        return labels[pod], named.union(POD, SERVICE)
    service = part if labels.get(part) else _first(labels, SERVICE) or _first(labels, JOB)
    name = labels.get(service, "")
    return "/".join(filter(None, (host, name))), named | {service}


def _speaks_for_host(metric: str, labels: Mapping[str, str]) -> bool:
    """Return whether whoever shows a series does so for the host that it is on."""
    if HOST_JOB.match(labels.get(_first(labels, JOB), "")):
        return True
    within = metric.startswith(SEEN_FROM_WITHIN) and _first(labels, POD)
    return bool(HOST_METRIC.match(metric)) and not within


def _lasting(metric: str, labels: Mapping[str, str], told: dict[str, str]) -> dict[str, str]:
    """Return the labels of a container's series without those that its restart changes.

    Without a pod or a name nothing else tells it apart: a part of the host, such as a slice of
    systemd's.
    """
    container = told.get(_first(told, CONTAINER), "")
    rest = {key: text for key, text in told.items() if key not in CONTAINER}
    pod = _first(labels, POD)
    if metric.startswith("container_"):
        # The sandbox of a pod is named so by some runtimes, and by others only by its image.
        if pod and not container and rest.keys() & {"image", "name"}:
            container = "POD"
        rest.pop("metrics_path", None)
        if pod or labels.get("name"):
            rest = {key: text for key, text in rest.items() if not RENEWED.fullmatch(key)}
    elif pod:
        rest.pop("uid", None)
    return rest | {"container": container} if container else rest


def _first(labels: Mapping[str, str], keys: Iterable[str]) -> str:
    """Return the first of ``keys`` that has a value; "" where none has."""
    return next((key for key in keys if labels.get(key)), "")


def _bare(instance: str) -> str:
    """Return the host of an address: "db1" for "db1:9100" and for "https://db1:9100/metrics"."""
    if "://" in instance:
        try:
            return urlsplit(instance).hostname or instance
        except ValueError:  # no address after all: a name of somebody's own making
            return instance.replace("/", "_")
    host, _, port = instance.rpartition(":")
    bare = host if host and port.isdigit() and (":" not in host or host[0] == "[") else instance
    return bare.strip("[]").replace("/", "_")
