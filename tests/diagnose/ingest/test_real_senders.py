import time
from datetime import UTC, datetime, timedelta

from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from diagnose.telemetry.reader import Reader
from tests.diagnose.ingest.killing import kill_again_and_again
from tests.diagnose.ingest.serving import serving
from tests.programs import LOCAL


def test_kills_under_prometheus_and_rsyslog_lose_nothing_acknowledged(tmp_path):
    samples, lines = kill_again_and_again(tmp_path, rounds=5)
    assert samples > 500
    assert lines > 500


def test_what_the_sdk_of_opentelemetry_exports_is_kept(tmp_path):
    resource = Resource({"service.name": "shop", "host.name": "web1"})
    with serving(tmp_path / "telemetry") as served:
        at = f"http://{LOCAL}:{served.http}/v1"
        provider = LoggerProvider(resource)
        exporter = OTLPLogExporter(f"{at}/logs")
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        logger = provider.get_logger("shop")
        for number in range(100):
            logger.emit(LogRecord(timestamp=time.time_ns(), body=f"order {number}"))
        provider.shutdown()
        reader = PeriodicExportingMetricReader(OTLPMetricExporter(f"{at}/metrics"))
        meters = MeterProvider([reader], resource)
        meters.get_meter("shop").create_counter("orders").add(7, {"kind": "book"})
        meters.shutdown()
        spans = TracerProvider(resource=resource)
        spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{at}/traces")))
        asking = spans.get_tracer("shop").start_span(
            "SELECT", kind=SpanKind.CLIENT, attributes={"peer.service": "db"}
        )
        asking.end()
        spans.shutdown()
    now = datetime.now(UTC)
    span = (now - timedelta(minutes=5), now + timedelta(minutes=5))
    with Reader(f"{served.folder}/tables", served.folder / "journal.db") as kept:
        assert kept.logs(*span)["body"].sort().to_list() == sorted(f"order {n}" for n in range(100))
        assert 7.0 in kept.readings(*span, {"web1/shop"})["value"]
        assert ("web1/shop", "db") in kept.edges(*span).select("caller", "callee").rows()
