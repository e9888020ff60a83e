"""Prometheus remote write, versions 1.0 and 2.0: samples -> readings.

Reads:  POST body, snappy-packed protobuf ``prometheus.WriteRequest``, or
        ``io.prometheus.write.v2.Request`` where the content type says so
Emits:  readings; entity and signal as ``collectors/prometheus_labels.py`` names them
Counts: native histograms, exemplars and staleness markers, which are not kept; metadata are no
        samples
See:    https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from threading import Lock
from typing import Final

import numpy as np
import polars as pl

from collectors.limits import TOO_MANY, ActiveSeries, Limits, in_time
from collectors.prometheus_labels import NAME, node_of
from collectors.push import Decoded, Malformed, TooLarge, Unsupported
from collectors.push.snappy import unpacked
from collectors.push.wire_format import (
    EXEMPLARS,
    FAULT,
    HISTOGRAMS,
    POINTS,
    VERSION_1,
    VERSION_2,
    Fields,
    Scan,
    counted,
    scanned,
)
from diagnose.schema import READINGS, TIME, Node

PROTOCOL: Final = "remote write"
MESSAGES: Final = {
    "": VERSION_1,
    "prometheus.writerequest": VERSION_1,
    "io.prometheus.write.v2.request": VERSION_2,
}
STALE: Final = np.uint64(0x7FF0000000000002)  # the NaN that says: this series has ended
BETWEEN: Final = b"\xff"  # no byte of UTF-8
FAR_MILLISECONDS: Final = 10**14  # beyond any clock, and far from overflow

NOBODY: Final = Node("", "")

# What a series is, or why it is not taken.
Known = Node | str


class RemoteWrite:
    """Decodes requests, and remembers what the label sets mean by their bytes.

    Several threads may call it.

    Args:
        limits: What is taken.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._known: ActiveSeries[bytes, Known] = ActiveSeries(self.limits.series)
        self._lock = Lock()

    def decode(self, body: bytes, content_type: str, now: datetime) -> Decoded:
        """Return what a request holds.

        Args:
            body: As it was sent, packed with snappy.
            content_type: The header's value; it tells the version.
            now: The receiver's clock.

        Raises:
            Unsupported: the content type is another one.
            TooLarge: the request holds more than is taken at once.
            Malformed: it is damaged.
        """
        fields = version_of(content_type)
        request = unpacked(PROTOCOL, body, self.limits.unpacked_bytes)
        bytes_ = np.frombuffer(request, dtype=np.uint8)
        counts = counted(bytes_, fields)
        if counts[FAULT] >= 0:
            raise Malformed(f"{PROTOCOL}: no valid protobuf at byte {counts[FAULT]}")
        if counts[:FAULT].max() > self.limits.samples:
            raise TooLarge(f"{PROTOCOL}: a request holds at most {self.limits.samples} samples")
        scan = scanned(bytes_, fields, counts)
        known = self._series(_keys(request, scan, fields), now)
        frame, rejected = _readings(scan, known)
        frame, out_of_time = in_time(frame, now, self.limits)
        rejected.update(out_of_time)
        written = counts[POINTS] - sum(rejected[why] for why in rejected if why != "stale_marker")
        rejected.update(
            {"native_histogram": int(counts[HISTOGRAMS]), "exemplar": int(counts[EXEMPLARS])}
        )
        return Decoded(
            (frame,) if frame.height else (),
            {why: number for why, number in rejected.items() if number},
            {"samples": int(written), "histograms": 0, "exemplars": 0},
        )

    def _series(self, keys: Iterator[bytes], now: datetime) -> list[Known]:
        """Return what each of ``keys`` means."""
        with self._lock:
            self._known.turn(now)
            get = self._known.get
            return [get(key) or self._learned(key) for key in keys]

    def _learned(self, key: bytes) -> Known:
        """Return what a label set that was not seen lately means, and remember it."""
        known = _meaning(key, self.limits)
        return known if self._known.add(key, known) else TOO_MANY


def version_of(content_type: str) -> Fields:
    """Return the version of remote write that ``content_type`` names.

    Raises:
        Unsupported: it names none.

    Example:
        >>> version_of("application/x-protobuf;proto=io.prometheus.write.v2.Request").series
        5
    """
    kind, _, parameters = content_type.lower().partition(";")
    message = dict(part.strip().partition("=")[::2] for part in parameters.split(";"))
    named = message.get("proto", "").strip('"')
    if kind.strip() != "application/x-protobuf" or named not in MESSAGES:
        raise Unsupported(f"{PROTOCOL}: a body is application/x-protobuf, of version 1.0 or 2.0")
    return MESSAGES[named]


def _keys(request: bytes, scan: Scan, fields: Fields) -> Iterator[bytes]:
    """Yield the bytes by which each series is known: its labels as they were sent."""
    labels = map(slice, *scan.labels.T.tolist())
    if fields is VERSION_1:
        return map(request.__getitem__, labels)
    symbols = [request[begin:end] for begin, end in scan.symbols.tolist()]
    return (_resolved(request[place], symbols) for place in labels)


def _resolved(references: bytes, symbols: list[bytes]) -> bytes:
    """Return the labels that ``references`` to ``symbols`` stand for, in one form.

    Raises:
        Malformed: one refers to no symbol.
    """
    try:
        named = [
            symbols[number] for _, packed in _fields(references) for number in _varints(packed)
        ]
    except IndexError:
        raise Malformed(f"{PROTOCOL}: a label refers to no symbol") from None
    return BETWEEN + BETWEEN.join(named)


def _meaning(key: bytes, limits: Limits) -> Known:
    """Return the entity and signal of a label set, or why it is not taken."""
    parts = _parts(key)
    if len(parts) > 2 * limits.labels:
        return "too_many_labels"
    if len(parts) % 2 or any(len(part) > limits.label_bytes for part in parts):
        return "label_too_long" if len(parts) % 2 == 0 else "label_without_value"
    try:
        texts = [part.decode() for part in parts]
    except UnicodeDecodeError:
        return "invalid_utf8"
    labels = dict(zip(texts[::2], texts[1::2], strict=True))
    if 2 * len(labels) != len(texts):
        return "duplicate_label"
    return node_of(labels) if labels.get(NAME) else "no_metric_name"


def _parts(key: bytes) -> list[bytes]:
    """Return names and values of the labels in ``key``, in turn."""
    if key.startswith(BETWEEN):
        return key.split(BETWEEN)[1:] if len(key) > 1 else []
    parts = []
    for _, label in _fields(key):
        held = dict(_fields(label))
        parts += [held.get(1, b""), held.get(2, b"")]
    return parts


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the fields of a message that hold bytes.

    Raises:
        Malformed: one is damaged, or of another kind.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        size, at = _varint(message, at)
        if tag & 7 != 2 or size > len(message) - at:
            raise Malformed(f"{PROTOCOL}: a label is no valid protobuf")
        yield tag >> 3, message[at : at + size]
        at += size


def _varints(packed: bytes) -> Iterator[int]:
    """Yield the numbers in ``packed``."""
    at = 0
    while at < len(packed):
        number, at = _varint(packed, at)
        yield number


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends.

    Raises:
        Malformed: there is none.
    """
    value = 0
    for shift in range(0, 70, 7):
        if at == len(message):
            break
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value, at
    raise Malformed(f"{PROTOCOL}: a label is no valid protobuf")


def _readings(scan: Scan, known: list[Known]) -> tuple[pl.DataFrame, Counter[str]]:
    """Return the samples of the series that are taken, and how many others there are, by reason."""
    nodes = [series if isinstance(series, Node) else NOBODY for series in known]
    taken = np.array([node is not NOBODY for node in nodes], dtype=bool)
    rejected: Counter[str] = Counter()
    if not taken.all():
        number = np.bincount(scan.series, minlength=len(known)).tolist()
        for series, samples in zip(known, number, strict=True):
            if isinstance(series, str):
                rejected[series] += samples
    stale = scan.value.view(np.uint64) == STALE
    keep = taken[scan.series] & ~stale
    rejected["stale_marker"] = int((taken[scan.series] & stale).sum())
    entity = pl.Series([node.entity for node in nodes], dtype=pl.String)
    signal = pl.Series([node.signal for node in nodes], dtype=pl.String)
    place = scan.series[keep]
    microseconds = scan.time[keep].clip(-FAR_MILLISECONDS, FAR_MILLISECONDS) * 1000
    columns = {
        "time": pl.Series(microseconds).cast(TIME),
        "entity": entity.gather(place),
        "signal": signal.gather(place),
        "value": scan.value[keep],
    }
    return pl.DataFrame(columns, READINGS), rejected
