"""OpenTelemetry traces over OTLP/HTTP -> who calls whom, how often, how long, and what failed.

Reads:  POST /v1/traces, protobuf or JSON
Emits:  edges, origin "traces"; readings of each entity that serves: ``trace.requests_total``,
        ``trace.errors_total`` (counters since this process began) and ``trace.duration_seconds``
        (mean over a request's spans). Spans themselves are not kept; a request that is sent again
        adds nothing
See:    https://opentelemetry.io/docs/specs/semconv/general/trace/
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from threading import Lock
from typing import Final

import polars as pl
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from collectors.limits import TOO_MANY, ActiveSeries, Limits, in_time
from collectors.push import Decoded, TooLarge
from collectors.push.otlp import NOBODY, entity, request_of, times
from collectors.push.repetitions import Repetitions
from diagnose.schema import EDGES, READINGS

ORIGIN: Final = "traces"
SERVING: Final = frozenset({Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CONSUMER})
ASKING: Final = frozenset({Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_PRODUCER})
# Attributes by which who asks names whom it asks, where that one reports no spans of its own.
PEER: Final = ("peer.service", "db.system.name", "db.system", "messaging.system")
SPANS: Final = 200_000  # whose entity is remembered, for children that are reported elsewhere
PATIENCE: Final = timedelta(minutes=2)  # for which it is
SECOND: Final = 1_000_000_000

SpanId = tuple[bytes, bytes]  # of its trace, its own


class OtlpTraces:
    """Decodes requests; remembers recent spans, since a call's two ends report on their own.

    Several threads may call it.

    Args:
        limits: What is taken.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._whose: ActiveSeries[SpanId, str] = ActiveSeries(SPANS, PATIENCE)
        self._callees: ActiveSeries[SpanId, set[str]] = ActiveSeries(SPANS, PATIENCE)
        self._served: ActiveSeries[str, Counter[str]] = ActiveSeries(self.limits.series)
        self._repetitions = Repetitions()
        self._lock = Lock()

    def decode(self, body: bytes, content_type: str, now: datetime) -> Decoded:
        """Return the edges and readings that a request adds; the same ones when it comes again.

        Args:
            body: Unpacked.
            content_type: The header's value.
            now: The receiver's clock.

        Raises:
            Malformed: the body is damaged, or of another kind.
        """
        request = request_of(ExportTraceServiceRequest(), body, content_type, self.limits)
        number = sum(len(s.spans) for r in request.resource_spans for s in r.scope_spans)
        if number > self.limits.records:
            raise TooLarge(f"otlp: a request holds at most {self.limits.records} spans")
        said = blake2b(request.SerializeToString(deterministic=True), digest_size=16).digest()
        with self._lock:
            return self._repetitions.first(said) or self._counted(said, list(_spans(request)), now)

    def _counted(self, said: bytes, spans: list[tuple[str, Span]], now: datetime) -> Decoded:
        """Return what spans add that were not sent before, and remember it.

        Args:
            said: What tells their request from others.
            spans: Each with the entity that reports it.
            now: The receiver's clock.
        """
        edges: dict[tuple[str, str], int] = {}
        for memory in (self._whose, self._callees, self._served):
            memory.turn(now)
        for whose, span in spans:
            for pair in self._calls(whose, span):
                edges[pair] = max(edges.get(pair, 0), span.start_time_unix_nano)
        readings, crowded = self._readings(spans)
        frames: list[pl.DataFrame] = []
        rejected: Counter[str] = Counter({TOO_MANY: crowded})
        for frame in (readings, _edges(edges)):
            believed, why = in_time(frame, now, self.limits)
            rejected.update(why)
            if believed.height:
                frames.append(believed)
        decoded = Decoded(tuple(frames), {why: n for why, n in rejected.items() if n})
        self._repetitions.add(said, decoded)
        return decoded

    def _calls(self, whose: str, span: Span) -> Iterator[tuple[str, str]]:
        """Yield the (caller, callee) pairs that ``span`` makes known."""
        own, parent = (span.trace_id, span.span_id), (span.trace_id, span.parent_span_id)
        self._whose.add(own, whose)
        for callee in self._callees.get(own) or ():
            if callee != whose:
                yield whose, callee
        if span.parent_span_id:
            caller = self._whose.get(parent)
            if caller is None:
                waiting = self._callees.get(parent) or set()
                if len(waiting) < self.limits.labels:
                    self._callees.add(parent, waiting | {whose})
            elif caller != whose:
                yield caller, whose
        peer = _peer(span)
        if peer and peer != whose:
            yield whose, peer

    def _readings(self, spans: list[tuple[str, Span]]) -> tuple[pl.DataFrame, int]:
        """Return what the entities that served have served so far, and how many are too many."""
        served: defaultdict[str, list[Span]] = defaultdict(list)
        for whose, span in spans:
            if _is_entry(span) and span.end_time_unix_nano >= span.start_time_unix_nano:
                served[whose].append(span)
        rows: list[tuple[int, str, str, float]] = []
        crowded = 0
        for whose, done in served.items():
            total = self._served.get(whose)
            if total is None:
                total = Counter()
                if not self._served.add(whose, total):
                    crowded += len(done)
                    continue
            total["trace.requests_total"] += len(done)
            total["trace.errors_total"] += sum(
                span.status.code == Status.STATUS_CODE_ERROR for span in done
            )
            taken = sum(span.end_time_unix_nano - span.start_time_unix_nano for span in done)
            last = max(span.end_time_unix_nano for span in done)
            rows += [(last, whose, signal, float(n)) for signal, n in total.items()]
            rows.append((last, whose, "trace.duration_seconds", taken / len(done) / SECOND))
        moment, whom, signal, value = list(zip(*rows, strict=True)) or [()] * len(READINGS)
        columns = {"time": times(moment), "entity": whom, "signal": signal, "value": value}
        return pl.DataFrame(columns, READINGS), crowded


def _spans(request: ExportTraceServiceRequest) -> Iterator[tuple[str, Span]]:
    """Yield each span with the entity that reports it; what has no name cannot be of a graph."""
    for resource in request.resource_spans:
        whose = entity(resource.resource)
        for scope in resource.scope_spans if whose != NOBODY else ():
            for span in scope.spans:
                yield whose, span


def _is_entry(span: Span) -> bool:
    """Return whether a span is where work enters an entity: it serves a call, or has no parent."""
    return span.kind in SERVING or (not span.parent_span_id and span.kind not in ASKING)


def _peer(span: Span) -> str:
    """Return whom a span says that it asks, "" where it does not."""
    if span.kind not in ASKING:
        return ""
    said = {one.key: one.value.string_value for one in span.attributes if one.key in PEER}
    return next((said[key][:256] for key in PEER if said.get(key)), "")


def _edges(edges: dict[tuple[str, str], int]) -> pl.DataFrame:
    """Return ``edges``, with the time of each, as a frame of schema EDGES."""
    columns = {
        "time": times(edges.values()),
        "caller": [caller for caller, _ in edges],
        "callee": [callee for _, callee in edges],
        "origin": [ORIGIN] * len(edges),
    }
    return pl.DataFrame(columns, EDGES)
