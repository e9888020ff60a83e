"""What the daemon says of itself at ``/metrics``."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from diagnose.daemon.queue import WorkQueue

SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
PAIRS: Final = (1, 2, 4, 8, 16, 32, 64)
Queues = Mapping[str, WorkQueue[Any, Any]]


class Meters:
    """Counters of one daemon; no name of a host, an incident or a token is a label.

    Args:
        queues: Where work waits, by name.
    """

    def __init__(self, queues: Queues) -> None:
        self.registry = CollectorRegistry()
        self._answers = self._counter("responses", "Requests by their answer.", "route", "code")
        self._seconds = self._histogram("request_seconds", "Time to an answer.", SECONDS, "route")
        self._pairs = self._histogram("batch_pairs", "Questions of a batch of the model.", PAIRS)
        self._model = self._histogram("batch_seconds", "Time that a batch took.", SECONDS)
        self._memory = self._counter("out_of_memory", "Batches that did not fit into memory.")
        self._lost = self._counter("device_lost", "GPUs that were lost; the CPU took over.")
        self._scans = self._counter("scans", "Scans by how they ended.", "group", "outcome")
        self._died = self._counter("scan_defects", "Explanations that died in a scan.", "group")
        self._scan_seconds = self._gauge("scan_seconds", "Time that the last scan took.")
        self._scanned = self._gauge("scan_success_timestamp_seconds", "When the last one ended.")
        self.registry.register(_QueueState(queues))

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"aitia_daemon_{name}_total", meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        name = f"aitia_daemon_{name}"
        return Histogram(name, meaning, labels, buckets=buckets, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"aitia_daemon_{name}", meaning, ["group"], registry=self.registry)

    def answered(self, route: str, code: int, seconds: float) -> None:
        """Note an answer."""
        self._answers.labels(route, str(code)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, pairs: int, seconds: float) -> None:
        """Note a batch of the model."""
        self._pairs.observe(pairs)
        self._model.observe(seconds)

    def out_of_memory(self) -> None:
        """Count a batch that did not fit into memory."""
        self._memory.inc()

    def device_lost(self) -> None:
        """Count a GPU that was lost."""
        self._lost.inc()

    def scanned(self, group: str, outcome: str, seconds: float) -> None:
        """Note that the scan of a group, as the fleet file names it, has ended."""
        self._scans.labels(group, outcome).inc()
        self._scan_seconds.labels(group).set(seconds)
        if outcome == "done":
            self._scanned.labels(group).set_to_current_time()

    def explanation_died(self, group: str) -> None:
        """Count an explanation, in the scan of a group, that died of a defect."""
        self._died.labels(group).inc()

    def page(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _QueueState(Collector):
    """What is read off the queues when somebody asks."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges and counters."""
        name, labels = "aitia_daemon_queue", ["queue"]
        waiting = GaugeMetricFamily(f"{name}_length", "What waits.", labels=labels)
        oldest = GaugeMetricFamily(f"{name}_oldest_seconds", "How long the oldest.", labels=labels)
        refused = CounterMetricFamily(f"{name}_refused", "What did not fit.", labels=labels)
        expired = CounterMetricFamily(f"{name}_expired", "What came too late.", labels=labels)
        for queue, state in self._queues.items():
            waiting.add_metric([queue], len(state))
            oldest.add_metric([queue], state.oldest_seconds)
            refused.add_metric([queue], state.refused)
            expired.add_metric([queue], state.expired)
        yield from (waiting, oldest, refused, expired)
        build = GaugeMetricFamily("aitia_build_info", "Which version runs.", labels=["version"])
        build.add_metric([version("aitia")], 1.0)
        yield build
