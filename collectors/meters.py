"""What ``/metrics`` tells about the collectors."""

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATIONS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)  # seconds, bounds of the histogram


class Meters:
    """Durations, outcomes and rows by collector.

    Args:
        registry: Where they are found.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        name = ["collector"]
        self.seconds = Histogram(
            "aitia_collector_duration_seconds",
            "Time that one run of a collector took.",
            name,
            buckets=DURATIONS,
            registry=registry,
        )
        self.success = Gauge(
            "aitia_collector_success",
            "Whether the last run of a collector read its source.",
            name,
            registry=registry,
        )
        self.runs = Counter(
            "aitia_collector_runs", "Runs by outcome.", [*name, "outcome"], registry=registry
        )
        self.records = Counter(
            "aitia_collector_records", "Rows by table.", [*name, "table"], registry=registry
        )

    def count(self, name: str, outcome: str, seconds: float, rows: Mapping[str, int]) -> None:
        """Count one look at a run; one that goes on or does not apply is no success or failure.

        Args:
            name: The collector's.
            outcome: As in its report.
            seconds: How long it took.
            rows: What it gave, by table.
        """
        self.runs.labels(name, outcome).inc()
        for table, number in rows.items():
            if number:
                self.records.labels(name, table).inc(number)
        if outcome in ("read", "failed", "hung"):
            self.success.labels(name).set(outcome == "read")
        if outcome in ("read", "failed"):
            self.seconds.labels(name).observe(seconds)
