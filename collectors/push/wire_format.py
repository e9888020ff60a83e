"""The bytes of a remote-write request, series by series: what labels it has, and which samples.

A request holds thousands of series with a sample or two each, and objects for all of them cost ten
times what is in them. But the labels of a series are the same bytes in each request, and what
follows them nearly always is one sample of 16 bytes (a double, and a time of six bytes) or, since
protobuf leaves zeros out, of 7. So it is enough to cut that off and to look the rest up: where it
is known, it was a whole number of label fields before, hence the cut was right. Everything else is
read field by field.

Reference: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from collectors.push import Malformed, TooLarge
from collectors.push.protobuf_fields import (
    FIXED64,
    LENGTH,
    VARINT,
    damaged,
    field_at,
    fields_of,
    varint_at,
)

Known = TypeVar("Known")

PROTOCOL: Final = "remote write"
LABELS, SAMPLES = 1, 2  # fields of a series, in both versions
BETWEEN: Final = b"\xff"  # no byte of UTF-8
SAMPLE_FIELD: Final = b"\x12\x10"
ZERO_FIELD: Final = b"\x12\x07"
ZERO: Final = b"\x09" + bytes(8)  # a value that is left out
TAIL: Final = np.dtype([("one", "u1"), ("value", "<f8"), ("two", "u1"), ("time", "u1", 6)])
SHORT: Final = 8192  # bytes of a series whose end is cut off to look the rest up,
CUTS: Final = 32  # and how many samples at most


@dataclass(frozen=True, slots=True)
class Fields:
    """Numbers of the fields in which the versions of remote write differ; 0 for none."""

    series: int
    symbols: int
    histograms: int
    exemplars: int


VERSION_1: Final = Fields(series=1, symbols=0, histograms=4, exemplars=3)
VERSION_2: Final = Fields(series=5, symbols=4, histograms=3, exemplars=4)


@dataclass(frozen=True, slots=True, eq=False)
class Contents(Generic[Known]):
    """What a request holds.

    Attributes:
        known: What is known of each series.
        series: Of each sample, the number of its series.
        time: Of each sample, milliseconds since 1970.
        value: Of each sample.
        histograms: How many native histograms there are.
        exemplars: How many exemplars.
    """

    known: list[Known]
    series: NDArray[np.int64]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    histograms: int
    exemplars: int


def contents(
    request: bytes,
    fields: Fields,
    get: Callable[[bytes], Known | None],
    learn: Callable[[bytes], Known],
    most: int,
) -> Contents[Known]:
    """Return what ``request`` holds.

    Args:
        request: Unpacked.
        fields: Of its version.
        get: Tells what is known of labels by their key; None for nothing. A key are the bytes of
            the label fields (1.0), or names and values, each behind ``BETWEEN`` (2.0).
        learn: Tells the same where nothing is known yet.
        most: Series or samples that are taken.

    Raises:
        TooLarge: it holds more than is taken.
        Malformed: it is damaged.
    """
    quick = _Reader(request, fields, get, learn, most)
    quick.read(cut=not fields.symbols)
    columns = quick.columns()
    if columns is None:  # what was cut off was no sample after all
        careful = _Reader(request, fields, get, learn, most)
        careful.read(cut=False)
        columns = careful.columns()
    if columns is None:
        raise Malformed(f"{PROTOCOL}: a sample is no valid protobuf")
    return columns


def labels_of(key: bytes) -> list[bytes]:
    """Return names and values, in turn, of the labels that ``key`` stands for.

    Raises:
        Malformed: it is damaged.
    """
    if key.startswith(BETWEEN):
        return key.split(BETWEEN)[1:]
    parts = []
    for _, kind, begin, stop in fields_of(key, 0, len(key)):
        held = {n: key[first:last] for n, _, first, last in fields_of(key, begin, stop)}
        if kind != LENGTH:
            raise damaged(begin)
        parts += [held.get(1, b""), held.get(2, b"")]
    return parts


class _Reader(Generic[Known]):
    """Reads one request once; its arguments are those of ``contents``."""

    def __init__(
        self,
        request: bytes,
        fields: Fields,
        get: Callable[[bytes], Known | None],
        learn: Callable[[bytes], Known],
        most: int,
    ) -> None:
        self.request, self.fields, self.most = request, fields, most
        self.get, self.learn = get, learn
        self.known: list[Known] = []
        self.cut: list[bytes] = []  # samples as they were sent,
        self.cut_from: list[int] = []  # and the series of each
        self.samples: list[tuple[int, int, float]] = []  # series, time, value
        self.histograms = self.exemplars = 0

    def read(self, cut: bool) -> None:
        """Read the whole request, and cut samples off where ``cut`` allows it."""
        symbols = list(self._symbols()) if self.fields.symbols else []
        at, end = 0, len(self.request)
        while at < end:
            if cut:
                at = self._cut_off_all(at, end)
            if at < end:
                number, kind, begin, at = field_at(self.request, at, end)
                ours = number == self.fields.series and kind == LENGTH
                if ours and not (cut and self._cut_off(begin, at)):
                    self._read_series(begin, at, symbols)
            if max(len(self.known), len(self.cut), len(self.samples)) > self.most:
                raise TooLarge(f"{PROTOCOL}: a request holds at most {self.most} samples")

    def _cut_off_all(self, at: int, end: int) -> int:
        """Take the series from ``at`` on that are known and have one sample; return where it ended.

        Nearly all are taken here, so this is written to be fast.
        """
        request, get, known, samples = self.request, self.get, self.known, self.cut
        tag = self.fields.series << 3 | LENGTH
        while end - at > 3 and request[at] == tag and len(known) <= self.most:
            size, begin = request[at + 1], at + 2
            if size >= 0x80:
                size, begin = size & 0x7F | request[begin] << 7, at + 3
            stop = begin + size
            series = None
            if request[begin - 1] >= 0x80 or not 18 <= size <= end - begin:
                break
            if request[stop - 18 : stop - 16] == SAMPLE_FIELD:
                series, sample = get(request[begin : stop - 18]), request[stop - 16 : stop]
            elif request[stop - 9 : stop - 7] == ZERO_FIELD:
                series, sample = get(request[begin : stop - 9]), ZERO + request[stop - 7 : stop]
            if series is None:
                break
            self.cut_from.append(len(known))
            known.append(series)
            samples.append(sample)
            at = stop
        return at

    def columns(self) -> Contents[Known] | None:
        """Return what was read; None where something else than samples was cut off."""
        tails = np.frombuffer(b"".join(self.cut), dtype=TAIL)
        ends = tails["time"] < 0x80
        whole = (tails["one"] == 0x09) & (tails["two"] == 0x10)
        if not (whole & ends[:, 5] & ~ends[:, :5].any(axis=1)).all():
            return None
        digits = (tails["time"] & 0x7F).astype(np.int64)
        time = (digits << np.arange(0, 42, 7)).sum(axis=1)
        read = list(zip(*self.samples, strict=True)) or [(), (), ()]
        series = np.concatenate([np.array(self.cut_from, np.int64), np.array(read[0], np.int64)])
        order = np.argsort(series, kind="stable")
        return Contents(
            self.known,
            series[order],
            np.concatenate([time, np.array(read[1], np.int64)])[order],
            np.concatenate([tails["value"], np.array(read[2], np.float64)])[order],
            self.histograms,
            self.exemplars,
        )

    def _cut_off(self, begin: int, stop: int) -> bool:
        """Take the series from ``begin`` to ``stop``, if what its samples leave over is known."""
        request = self.request
        cut: list[bytes] = []
        while stop - begin < SHORT and len(cut) < CUTS:
            if request[stop - 18 : stop - 16] == SAMPLE_FIELD:
                cut.append(request[stop - 16 : stop])
                stop -= 18
            elif request[stop - 9 : stop - 7] == ZERO_FIELD:
                cut.append(ZERO + request[stop - 7 : stop])
                stop -= 9
            else:
                return False
            known = self.get(request[begin:stop]) if stop >= begin else None
            if known is not None:
                self.cut_from += [len(self.known)] * len(cut)
                self.cut += reversed(cut)
                self.known.append(known)
                return True
        return False

    def _read_series(self, begin: int, stop: int, symbols: list[bytes]) -> None:
        """Take the series from ``begin`` to ``stop``, field by field."""
        fields, own = self.fields, len(self.known)
        first = last = -1
        for number, kind, at, end in fields_of(self.request, begin, stop):
            if kind != LENGTH and number in (LABELS, SAMPLES, fields.histograms, fields.exemplars):
                raise damaged(at)
            if number == LABELS:
                if last not in (-1, begin):
                    raise damaged(at)  # labels lie apart, which no writer of protobuf does
                first, last = (at if symbols else begin) if first < 0 else first, end
            elif number == SAMPLES:
                self.samples.append((own, *_sample(self.request, at, end)))
                if len(self.samples) > self.most:
                    raise TooLarge(f"{PROTOCOL}: a request holds at most {self.most} samples")
            self.histograms += number == fields.histograms
            self.exemplars += number == fields.exemplars
            begin = end
        key = self.request[first:last] if first >= 0 else b""
        key = _resolved(key, symbols) if symbols else key
        known = self.get(key)
        self.known.append(self.learn(key) if known is None else known)

    def _symbols(self) -> Iterator[bytes]:
        """Yield the texts that labels of version 2.0 refer to."""
        for number, kind, begin, stop in fields_of(self.request, 0, len(self.request)):
            if number == self.fields.symbols and kind == LENGTH:
                yield self.request[begin:stop]


def _resolved(references: bytes, symbols: list[bytes]) -> bytes:
    """Return the labels that packed ``references`` to ``symbols`` stand for, in one form.

    Raises:
        Malformed: one refers to no symbol.
    """
    parts = [b""]
    number = shift = 0
    for byte in references:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            if number >= len(symbols):
                raise Malformed(f"{PROTOCOL}: a label refers to no symbol")
            parts.append(symbols[number])
            number = shift = 0
    if shift:
        raise Malformed(f"{PROTOCOL}: a label refers to no symbol")
    return BETWEEN.join(parts)


def _sample(request: bytes, at: int, stop: int) -> tuple[int, float]:
    """Return time and value of the sample from ``at`` to ``stop``.

    Raises:
        Malformed: it is damaged.
    """
    time, value = 0, 0.0
    for number, kind, begin, _ in fields_of(request, at, stop):
        if number == 1 and kind == FIXED64:
            (value,) = struct.unpack_from("<d", request, begin)
        elif number == 2 and kind == VARINT:
            time = varint_at(request, begin, stop)[0]
            time -= time >> 63 << 64
        elif number in (1, 2):
            raise damaged(begin)
    return time, value
