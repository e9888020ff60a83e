"""OpenTelemetry metrics over OTLP/HTTP -> readings.

Reads:  POST /v1/metrics, protobuf or JSON
Emits:  readings in base units. The signal is the metric's name, "/" and the point's attributes. A
        sum that only grows is named ``..._total``, so that it is known for a counter; of a
        histogram ``..._count`` and ``..._sum`` are kept, of a summary its quantiles, too. A sum of
        the time since the last report is turned into a rate, ``....per_second``
See:    https://opentelemetry.io/docs/specs/otel/metrics/data-model/
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import Final, NamedTuple

import polars as pl
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_DELTA,
    DataPointFlags,
    ExponentialHistogramDataPoint,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    SummaryDataPoint,
)

from collectors.limits import TOO_MANY, ActiveSeries, Limits, in_time
from collectors.push import Decoded, TooLarge
from collectors.push.otlp import (
    POINTS,
    attributes_of,
    entity,
    labels_text,
    request_of,
    times,
)
from diagnose.schema import READINGS
from diagnose.schema.wire import PART

Point = NumberDataPoint | HistogramDataPoint | ExponentialHistogramDataPoint | SummaryDataPoint

# Unit -> how many base units it is.
SCALE: Final = {
    **{"ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0, "%": 0.01},
    **{"KiBy": 2.0**10, "MiBy": 2.0**20, "GiBy": 2.0**30, "kBy": 1e3, "MBy": 1e6, "GBy": 1e9},
}


class _Reading(NamedTuple):
    """One number of a metric, before its signal has a name."""

    suffix: str
    point: Point
    value: float
    part: str = ""


class OtlpMetrics:
    """Decodes requests, and remembers which series are active.

    Several threads may call it.

    Args:
        limits: What is taken.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._active: ActiveSeries[tuple[str, str], bool] = ActiveSeries(self.limits.series)
        self._lock = Lock()

    def decode(self, body: bytes, content_type: str, now: datetime) -> Decoded:
        """Return the readings in a request.

        Args:
            body: Unpacked.
            content_type: The header's value.
            now: The receiver's clock.

        Raises:
            Malformed: the body is damaged, or of another kind.
        """
        message = ExportMetricsServiceRequest()
        request = request_of(message, body, content_type, self.limits, POINTS)
        moments, entities, signals, values = [], [], [], []
        rejected: Counter[str] = Counter()
        for whose, metric in _metrics(request):
            for reading in _numbers(metric):
                if reading.point.flags & DataPointFlags.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK:
                    rejected["stale_marker"] += 1
                    continue
                moments.append(reading.point.time_unix_nano)
                entities.append(whose)
                signals.append(_signal(metric.name, reading, self.limits))
                values.append(reading.value)
            if len(values) > self.limits.samples:
                raise TooLarge(f"otlp: a request holds at most {self.limits.samples} points")
        columns = {"time": times(moments), "entity": entities, "signal": signals, "value": values}
        frame, crowded = self._admitted(pl.DataFrame(columns, READINGS), now)
        frame, out_of_time = in_time(frame, now, self.limits)
        rejected.update({TOO_MANY: crowded, **out_of_time})
        return Decoded((frame,) if frame.height else (), {w: n for w, n in rejected.items() if n})

    def _admitted(self, frame: pl.DataFrame, now: datetime) -> tuple[pl.DataFrame, int]:
        """Return the readings of series that are active or may become so, and how many others."""
        series = frame.select("entity", "signal").unique(maintain_order=True)
        with self._lock:
            self._active.turn(now)
            taken = [
                bool(self._active.get(row)) or self._active.add(row, True)
                for row in series.iter_rows()
            ]
        if all(taken):
            return frame, 0
        kept = frame.join(series.filter(pl.Series(taken)), on=["entity", "signal"], how="semi")
        return kept, frame.height - kept.height


def _metrics(request: ExportMetricsServiceRequest) -> Iterator[tuple[str, Metric]]:
    """Yield each metric with the entity that it is of."""
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield entity(resource.resource, metric.name), metric


def _numbers(metric: Metric) -> Iterator[_Reading]:
    """Yield what the points of a metric say."""
    scale = SCALE.get(metric.unit, 1.0)
    for point in metric.gauge.data_points:
        yield from _plain("", point, scale)
    delta = metric.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
    for point in metric.sum.data_points:
        if delta:
            yield from _rates(_plain("", point, scale))
        else:
            grows = metric.sum.is_monotonic and not metric.name.endswith("_total")
            yield from _plain("_total" if grows else "", point, scale)
    for histogram in (metric.histogram, metric.exponential_histogram):
        delta = histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA
        for totals in histogram.data_points:
            told = (
                _Reading("_count", totals, float(totals.count)),
                _Reading("_sum", totals, totals.sum * scale),
            )
            yield from _rates(iter(told)) if delta else told
    for summary in metric.summary.data_points:
        yield _Reading("_count", summary, float(summary.count))
        yield _Reading("_sum", summary, summary.sum * scale)
        for one in summary.quantile_values:
            yield _Reading("", summary, one.value * scale, f"quantile={one.quantile}")


def _plain(suffix: str, point: NumberDataPoint, scale: float) -> Iterator[_Reading]:
    """Yield the number of a point, if it has one."""
    kind = point.WhichOneof("value")
    if kind is not None:
        yield _Reading(suffix, point, float(getattr(point, kind)) * scale)


def _rates(readings: Iterator[_Reading]) -> Iterator[_Reading]:
    """Yield what was counted since the last report, by the seconds that were counted over."""
    for reading in readings:
        seconds = (reading.point.time_unix_nano - reading.point.start_time_unix_nano) / 1e9
        if reading.point.start_time_unix_nano and seconds > 0:
            rate = reading.value / seconds
            yield reading._replace(suffix=f"{reading.suffix}.per_second", value=rate)


def _signal(name: str, reading: _Reading, limits: Limits) -> str:
    """Return the name of the signal that a point is of."""
    attributes = attributes_of(reading.point.attributes, limits)
    given = attributes.pop(PART, None)
    parts = (str(given) if given else "", reading.part, labels_text(attributes))
    part = ",".join(filter(None, parts))
    signal = f"{name[: limits.label_bytes]}{reading.suffix}"
    return f"{signal}/{part}" if part else signal
