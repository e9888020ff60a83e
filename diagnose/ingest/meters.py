"""What the server says of itself at ``/metrics``."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from diagnose.telemetry.keeping import Stage
from diagnose.telemetry.writer import Writer

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Meters:
    """Counters of one server; no name of a sender, a host or a token is a label."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._records = self._counter("records", "Records acknowledged.", "source", "stream")
        self._bytes = self._counter("received_bytes", "Bytes received.", "source")
        self._discarded = self._counter(
            "discarded", "Records that were not kept.", "source", "reason"
        )
        self._answers = self._counter("responses", "Requests by their answer.", "source", "code")
        self._repeated = self._counter("repeated", "Batches that were kept before.", "source")
        self._stages = Histogram(
            "aitia_ingest_stage_seconds",
            "Time that a stage took.",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"aitia_ingest_{name}_total", meaning, labels, registry=self.registry)

    def watch(self, writer: Writer) -> None:
        """Show the state of ``writer`` from now on."""
        self.registry.register(_WriterState(writer))

    def received(self, source: str, size: int) -> None:
        """Count the bytes of a request or of some lines."""
        self._bytes.labels(source).inc(size)

    def kept(self, source: str, stream: str, records: int) -> None:
        """Count records that were acknowledged."""
        self._records.labels(source, stream).inc(records)

    def repeated(self, source: str) -> None:
        """Count a batch that was acknowledged before."""
        self._repeated.labels(source).inc()

    def discarded(self, source: str, reason: str, records: int) -> None:
        """Count records that were refused."""
        self._discarded.labels(source, reason).inc(records)

    def answered(self, source: str, code: int) -> None:
        """Count an answer."""
        self._answers.labels(source, str(code)).inc()

    def observe(self, stage: Stage, seconds: float) -> None:
        """Note how long a stage took."""
        self._stages.labels(stage).observe(seconds)

    def page(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self.registry)


class _WriterState(Collector):
    """Gauges that are read off a writer when somebody asks."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        writer, mover = self._writer, self._writer.mover
        for name, meaning, value in (
            ("journal_bytes", "Size of what waits in the journal.", writer.journal_bytes),
            ("waiting_bytes", "Size of what waits for the disk.", writer.waiting_bytes),
            ("queue_age_seconds", "How long it waits for the tables.", mover.queue_age_seconds),
            ("flush_timestamp_seconds", "When the last flush ended.", mover.flushed_at),
            ("flush_failing", "Whether the last flush failed.", mover.failure is not None),
        ):
            yield GaugeMetricFamily(f"aitia_ingest_{name}", meaning, float(value))
        build = GaugeMetricFamily("aitia_build_info", "Which version runs.", labels=["version"])
        build.add_metric([version("aitia")], 1.0)
        yield build
