"""What logs, metrics and traces of OTLP/HTTP share: bodies, answers, resources, attributes.

A body is protobuf, or JSON where the content type says so. In JSON the identifiers of traces are
hexadecimal instead of base64; they are only ever compared, so either way tells the same spans.

See: https://opentelemetry.io/docs/specs/otlp/
"""

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Final, Literal, TypeVar

import polars as pl
from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from collectors.limits import Limits
from collectors.prometheus_labels import NAME, entity_of
from collectors.push import Decoded, Malformed, TooLarge, Unsupported
from collectors.push.json_body import parsed
from collectors.push.objects import Path, refuse_dense_protobuf, refuse_long_lists
from diagnose.schema import TIME
from diagnose.schema.wire import ENTITY

Request = TypeVar("Request", bound=Message)
Kind = Literal["logs", "metrics", "traces"]
Value = str | float | bool | list["Value"] | dict[str, "Value"] | None

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
DEEPEST: Final = 24  # nesting of JSON, and of a value
NOBODY: Final = "unknown"  # the entity of a resource that names neither host nor service
# Resource attribute -> the label of Prometheus that says the same.
NAMING: Final = {
    "host.name": "host_name",
    "service.name": "service_name",
    "k8s.pod.name": "pod",
    "k8s.node.name": "node",
}
DEFAULT_SERVICE: Final = "unknown_service"  # what an SDK says that was not told
# Fields that lead from a request to its records: resource, scope, span or log record or metric;
# then that of its kind, and its points. A log record and a span have the latter's numbers for
# attributes or texts, hence they end before.
RECORDS: Final = (frozenset({1}), frozenset({2}), frozenset({2}))
POINTS: Final = (*RECORDS, frozenset({5, 7, 9, 10, 11}), frozenset({1}))
# Those that lead to the buckets of exponential histograms, which are written in a byte each.
BUCKETS: Final = (*RECORDS, frozenset({10}), frozenset({1}), frozenset({8, 9}), frozenset({2}))
FARTHEST: Final = 2**53  # microseconds: beyond any clock, and far from overflow


def request_of(
    message: Request, body: bytes, content_type: str, limits: Limits, path: Path = RECORDS
) -> Request:
    """Return ``message`` filled from ``body``.

    Args:
        message: An empty request.
        body: Unpacked.
        content_type: The header's value.
        limits: What is taken.
        path: Numbers of the fields that lead to the records of protobuf.

    Raises:
        Unsupported: the content type is another one.
        TooLarge: the body is, or would become so.
        Malformed: the body is damaged.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if len(body) > limits.unpacked_bytes:
        raise TooLarge(f"otlp: a request has at most {limits.unpacked_bytes} bytes")
    if kind == PROTOBUF:
        most = limits.samples if path == POINTS else limits.records
        refuse_dense_protobuf("otlp", body, path, most)
        if path == POINTS:
            refuse_long_lists("otlp", body, BUCKETS)
        try:
            message.ParseFromString(body)
        except DecodeError as error:
            raise Malformed("otlp: the body is no valid protobuf of its kind") from error
        return message
    if kind != JSON:
        raise Unsupported(f"otlp: a body is {PROTOBUF} or {JSON}")
    given = parsed("otlp", body)
    if not isinstance(given, dict):
        raise Malformed("otlp: the body is no JSON object")
    try:
        ParseDict(given, message, ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
    except (ParseError, ValueError, RecursionError, AttributeError, TypeError) as error:
        raise Malformed("otlp: the body is no valid JSON of its kind") from error
    return message


def answer_of(kind: Kind, content_type: str, decoded: Decoded) -> bytes:
    """Return the body that tells a sender what was not kept, in the sender's own encoding."""
    rejected = sum(decoded.rejected.values())
    why = ", ".join(f"{reason}: {number}" for reason, number in sorted(decoded.rejected.items()))
    response: Message
    if kind == "logs":
        logs = response = ExportLogsServiceResponse()
        if rejected:
            logs.partial_success.rejected_log_records = rejected
            logs.partial_success.error_message = why
    elif kind == "metrics":
        metrics = response = ExportMetricsServiceResponse()
        if rejected:
            metrics.partial_success.rejected_data_points = rejected
            metrics.partial_success.error_message = why
    else:
        traces = response = ExportTraceServiceResponse()
        if rejected:
            traces.partial_success.rejected_spans = rejected
            traces.partial_success.error_message = why
    if content_type.partition(";")[0].strip().lower() == JSON:
        return MessageToJson(response, indent=None).encode()
    return response.SerializeToString()


def entity(resource: Resource, metric: str = "") -> str:
    """Return the entity that a resource is: a pod, a service on its host, or the host.

    Args:
        resource: Who sends.
        metric: Of a metric, its name: some speak for the host, whoever reads them.
    """
    labels = {NAME: metric}
    for attribute in resource.attributes:
        text = attribute.value.string_value
        if attribute.key == ENTITY and text:
            return text
        if attribute.key in NAMING and text and not text.startswith(DEFAULT_SERVICE):
            labels[NAMING[attribute.key]] = text
    return entity_of(labels) or NOBODY


def attributes_of(attributes: Iterable[KeyValue], limits: Limits) -> dict[str, Value]:
    """Return ``attributes``, each cut to what is taken; how many more there were is one of them."""
    found: dict[str, Value] = {}
    more = 0
    for attribute in attributes:
        if len(found) < limits.labels:
            key, value = attribute.key[: limits.label_bytes], attribute.value
            text = value.string_value[: limits.label_bytes]  # what most are
            found[key] = text or value_of(value, limits.label_bytes)
        else:
            more += 1
    return {**found, "dropped_attributes": more} if more else found


def value_of(value: AnyValue, longest: int, depth: int = 0) -> Value:
    """Return a value in JSON's terms.

    Args:
        value: Any value.
        longest: Characters of a text that are kept.
        depth: How deep it lies in another one.
    """
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value[:longest]
    if kind == "int_value":
        return value.int_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "double_value":  # JSON has no word for infinity
        return value.double_value if isfinite(value.double_value) else str(value.double_value)
    if kind == "bytes_value":
        return value.bytes_value[:longest].hex()
    if kind is None or depth > DEEPEST:
        return None
    if kind == "array_value":
        items = value.array_value.values[:longest]
        return [value_of(item, longest, depth + 1) for item in items]
    pairs = value.kvlist_value.values[:longest]
    return {pair.key[:longest]: value_of(pair.value, longest, depth + 1) for pair in pairs}


def labels_text(attributes: Mapping[str, Value]) -> str:
    """Return attributes of a series in one order: "cpu=0,state=idle"."""
    return ",".join(f"{key}={attributes[key]}" for key in sorted(attributes))


def times(nanoseconds: Iterable[int]) -> pl.Series:
    """Return ``nanoseconds`` since 1970 as a column of times."""
    micros = [min(moment // 1000, FARTHEST) for moment in nanoseconds]
    return pl.Series(micros, dtype=pl.Int64).cast(TIME)
