"""Prometheus remote write, versions 1.0 and 2.0: samples -> readings.

Reads:  POST body, snappy-packed protobuf ``prometheus.WriteRequest``, or
        ``io.prometheus.write.v2.Request`` where the content type says so
Emits:  readings; entity and signal as ``collectors/prometheus_labels.py`` names them
Counts: native histograms, exemplars and staleness markers, which are not kept; metadata are no
        samples
See:    https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
"""

from collections import Counter
from datetime import datetime
from threading import Lock
from typing import Final

import numpy as np
import polars as pl

from collectors.limits import TOO_MANY, ActiveSeries, Limits, in_time
from collectors.prometheus_labels import NAME, node_of
from collectors.push import Decoded, Unsupported
from collectors.push.snappy import unpacked
from collectors.push.wire_format import VERSION_1, VERSION_2, Contents, Fields, contents, labels_of
from diagnose.schema import READINGS, TIME, Node

PROTOCOL: Final = "remote write"
MESSAGES: Final = {
    "": VERSION_1,
    "prometheus.writerequest": VERSION_1,
    "io.prometheus.write.v2.request": VERSION_2,
}
STALE: Final = np.uint64(0x7FF0000000000002)  # the NaN that says: this series has ended
ENDED: Final = "stale_marker"
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
        with self._lock:
            self._known.turn(now)
            held = contents(request, fields, self._known.get, self._learned, self.limits.samples)
        frame, rejected = _readings(held)
        frame, out_of_time = in_time(frame, now, self.limits)
        rejected.update(out_of_time)
        written = len(held.value) - sum(n for why, n in rejected.items() if why != ENDED)
        rejected.update({"native_histogram": held.histograms, "exemplar": held.exemplars})
        return Decoded(
            (frame,) if frame.height else (),
            {why: number for why, number in rejected.items() if number},
            {"samples": written, "histograms": 0, "exemplars": 0},
        )

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


def _meaning(key: bytes, limits: Limits) -> Known:
    """Return the entity and signal of a label set, or why it is not taken."""
    parts = labels_of(key)
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


def _readings(held: Contents[Known]) -> tuple[pl.DataFrame, Counter[str]]:
    """Return the samples of the series that are taken, and how many others there are, by reason."""
    nodes = [series if isinstance(series, Node) else NOBODY for series in held.known]
    taken = np.array([node is not NOBODY for node in nodes], dtype=bool)
    rejected: Counter[str] = Counter()
    if not taken.all():
        number = np.bincount(held.series, minlength=len(nodes)).tolist()
        for series, samples in zip(held.known, number, strict=True):
            if isinstance(series, str):
                rejected[series] += samples
    ended = held.value.view(np.uint64) == STALE
    keep = taken[held.series] & ~ended
    rejected[ENDED] = int((taken[held.series] & ended).sum())
    entity = pl.Series([node.entity for node in nodes], dtype=pl.String)
    signal = pl.Series([node.signal for node in nodes], dtype=pl.String)
    place = held.series[keep]
    microseconds = held.time[keep].clip(-FAR_MILLISECONDS, FAR_MILLISECONDS) * 1000
    columns = {
        "time": pl.Series(microseconds).cast(TIME),
        "entity": entity.gather(place),
        "signal": signal.gather(place),
        "value": held.value[keep],
    }
    return pl.DataFrame(columns, READINGS), rejected
