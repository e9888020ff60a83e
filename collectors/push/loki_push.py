"""Loki's push API -> log records.

Reads:  POST /loki/api/v1/push, snappy-packed protobuf ``logproto.PushRequest`` or JSON
Emits:  logs; the entity is what the stream's labels name, as in ``collectors/prometheus_labels.py``
See:    https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import polars as pl
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from collectors.limits import Limits, in_time
from collectors.prometheus_labels import entity_of
from collectors.push import Decoded, Malformed, TooLarge, Unsupported
from collectors.push.json_body import parsed
from collectors.push.otlp import JSON, NOBODY, PROTOBUF, times
from collectors.push.snappy import unpacked
from diagnose.schema import LOGS

PROTOCOL: Final = "loki push"
PACKAGE: Final = "logproto"
# Message -> its fields: name, type, number. A type of our own is repeated, unless it is a time.
MESSAGES: Final = {
    "PushRequest": (("streams", "Stream", 1),),
    "Stream": (("labels", "string", 1), ("entries", "Entry", 2)),
    "Entry": (("timestamp", "Timestamp", 1), ("line", "string", 2), ("metadata", "Label", 3)),
    "Timestamp": (("seconds", "int64", 1), ("nanos", "int32", 2)),
    "Label": (("name", "string", 1), ("value", "string", 2)),
}
TYPES: Final = {
    "string": FieldDescriptorProto.TYPE_STRING,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "int32": FieldDescriptorProto.TYPE_INT32,
}
LABEL: Final = re.compile(r'\s*([a-zA-Z_][\w.]{0,255})\s*=\s*("(?:[^"\\]|\\.){0,4096}")\s*(?:,|$)')
LEVELS: Final = ("level", "detected_level", "severity", "severity_text")
LONGEST_LEVEL: Final = 16
SECOND: Final = 1_000_000_000


class Entry(NamedTuple):
    """One line of a stream.

    Attributes:
        time: Nanoseconds since 1970.
        line: Its text.
        metadata: What its sender knows of it beyond the stream's labels.
    """

    time: int
    line: str
    metadata: Mapping[str, str]


def decoded(body: bytes, content_type: str, now: datetime, limits: Limits | None = None) -> Decoded:
    """Return the records in a request.

    Args:
        body: As it was sent where it is protobuf, unpacked where it is JSON.
        content_type: The header's value.
        now: The receiver's clock.
        limits: What is taken.

    Raises:
        Malformed: the body is damaged, or of another kind.
    """
    limits = limits or Limits()
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        streams = _from_json(body)
    elif kind == PROTOBUF:
        streams = _from_protobuf(unpacked(PROTOCOL, body, limits.unpacked_bytes))
    else:
        raise Unsupported(f"{PROTOCOL}: a body is {PROTOBUF} or {JSON}")
    rows: list[tuple[int, str, str, str, str]] = []
    for labels, entries in streams:
        whose = entity_of(labels) or NOBODY
        for entry in entries:
            rows.append((entry.time, whose, *_texts(labels, entry, limits)))
            if len(rows) > limits.records:
                raise TooLarge(f"{PROTOCOL}: a request holds at most {limits.records} lines")
    moments, *texts = list(zip(*rows, strict=True)) or [()] * len(LOGS)
    columns = dict(zip(LOGS, (times(moments), *texts), strict=True))
    frame, rejected = in_time(pl.DataFrame(columns, LOGS), now, limits)
    return Decoded((frame,) if frame.height else (), rejected)


def _texts(labels: Mapping[str, str], entry: Entry, limits: Limits) -> tuple[str, str, str]:
    """Return severity, body and attributes of a line."""
    said = (entry.metadata.get(key) or labels.get(key) for key in LEVELS)
    level = next(filter(None, said), "INFO")[:LONGEST_LEVEL].upper()
    shown = list({**labels, **entry.metadata}.items())[: limits.labels]
    attributes = {key: value[: limits.label_bytes] for key, value in shown}
    return level, entry.line[: limits.line_characters], json.dumps(attributes)


def _from_protobuf(body: bytes) -> Iterator[tuple[dict[str, str], Iterator[Entry]]]:
    """Yield labels and entries of each stream.

    Raises:
        Malformed: the body is damaged.
    """
    request = push_request()()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Malformed(f"{PROTOCOL}: the body is no valid protobuf of its kind") from error
    for stream in request.streams:
        entries = (
            Entry(
                max(one.timestamp.seconds, 0) * SECOND + max(one.timestamp.nanos, 0),
                one.line,
                {label.name: label.value for label in one.metadata},
            )
            for one in stream.entries
        )
        yield _labels(stream.labels), entries


def _labels(text: str) -> dict[str, str]:
    """Return the labels that are written like ``{job="shop", host="web1"}``.

    Raises:
        Malformed: they are written in another way.
    """
    inner = text.strip()
    labels: dict[str, str] = {}
    at, end = 1, len(inner) - 1
    if not (inner.startswith("{") and inner.endswith("}")):
        raise Malformed(f"{PROTOCOL}: the labels of a stream stand in braces")
    while inner[at:end].strip():
        found = LABEL.match(inner, at, end)
        if not found:
            raise Malformed(f'{PROTOCOL}: labels of a stream are written like {{a="b"}}')
        try:
            labels[found[1]] = str(json.loads(found[2]))
        except ValueError:  # an escape of Go that JSON does not know
            labels[found[1]] = found[2][1:-1]
        at = found.end()
    return labels


def _from_json(body: bytes) -> Iterator[tuple[dict[str, str], Iterator[Entry]]]:
    """Yield labels and entries of each stream.

    Raises:
        Malformed: the body is damaged.
    """
    given = parsed(PROTOCOL, body)
    streams = given.get("streams") if isinstance(given, dict) else None
    if not isinstance(streams, list):
        raise Malformed(f"{PROTOCOL}: streams is a list")
    for number, stream in enumerate(streams):
        labels = stream.get("stream") if isinstance(stream, dict) else None
        values = stream.get("values") if isinstance(stream, dict) else None
        if not isinstance(labels, dict) or not isinstance(values, list):
            raise Malformed(f"{PROTOCOL}: streams[{number}] has stream and values")
        named = {str(key): str(value) for key, value in labels.items()}
        yield named, map(_entry, values)


def _entry(value: object) -> Entry:
    """Return an entry that is written like ``["1795339908767000000", "line", {}]``.

    Raises:
        Malformed: it is written in another way.
    """
    match value:
        case [str(time), str(line), *rest] if time.isascii() and time.isdecimal():
            metadata = rest[0] if rest and isinstance(rest[0], dict) else {}
            named = {str(key): str(one) for key, one in metadata.items()}
            return Entry(int(time[:20]), line, named)
    raise Malformed(f"{PROTOCOL}: a value is its time in nanoseconds and its line, both texts")


def push_request() -> Any:  # noqa: ANN401 - a class that is made while we run
    """Return the class of ``logproto.PushRequest``."""
    file = FileDescriptorProto(name="push.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, kind, number in fields:
            one = message.field.add(name=field, number=number)
            many = kind in MESSAGES and kind != "Timestamp"
            one.label = one.LABEL_REPEATED if many else one.LABEL_OPTIONAL
            if kind in MESSAGES:
                one.type, one.type_name = one.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
            else:
                one.type = TYPES[kind]
    pool = DescriptorPool()
    pool.Add(file)
    return GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.PushRequest"))
