"""A receiver of OTLP/HTTP on a loopback port, which answers as it is told and keeps what it got."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)


class Receiver:
    """What was sent, and how to answer: ``answers`` are taken from its front, then 200."""

    def __init__(self):
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.changed = threading.Condition()
        self.url = ""

    def bodies(self) -> list[str]:
        """The texts of all log records that were acknowledged."""
        return [record.body.string_value for record in self.records()]

    def records(self):
        return [
            record
            for path, _, body in list(self.requests)
            if path == "/v1/logs"
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def metrics(self):
        """(resource attributes, metric) of all that was acknowledged."""
        return [
            ({a.key: a.value.string_value for a in resource.resource.attributes}, metric)
            for path, _, body in list(self.requests)
            if path == "/v1/metrics"
            for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def wait_for(self, what, seconds=20.0):
        """Wait until ``what()`` holds, and say whether it does."""
        with self.changed:
            return self.changed.wait_for(what, seconds)


def headers_of(request: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver for as long as the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            with receiver.changed:
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                if status == 200:
                    unpacked = gzip.decompress(body)
                    receiver.requests.append((self.path, headers_of(self), unpacked))
                receiver.changed.notify_all()
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
