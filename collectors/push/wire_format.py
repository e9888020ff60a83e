"""One pass over the bytes of a remote-write request: where its labels lie, and its samples.

A request holds thousands of series with a sample or two each. Objects for all of them cost ten
times what is in them, so the wire format of protobuf is read here directly and compiled: labels
stay bytes, samples become columns. ``scanned`` trusts nothing: every length is checked against the
end of what holds it.

Reference: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import numba as nb
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types
LABELS, SAMPLES = 1, 2  # fields of a series, in both versions
DAMAGED: Final = -1
# What the numbers of a scan count
SERIES, POINTS, HISTOGRAMS, EXEMPLARS, METADATA, SYMBOLS, FAULT = range(7)


@dataclass(frozen=True, slots=True)
class Fields:
    """Numbers of the fields in which the versions of remote write differ; 0 for none."""

    series: int
    metadata: int
    symbols: int
    histograms: int
    exemplars: int


VERSION_1: Final = Fields(series=1, metadata=3, symbols=0, histograms=4, exemplars=3)
VERSION_2: Final = Fields(series=5, metadata=0, symbols=4, histograms=3, exemplars=4)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """What a request holds; places are of bytes.

    Attributes:
        labels: Begin and end of the label fields of each series, shape (series, 2).
        symbols: Begin and end of each symbol, shape (symbols, 2).
        series: Of each sample, the number of its series.
        time: Of each sample, milliseconds since 1970.
        value: Of each sample.
        counts: Of series, samples, histograms, exemplars, metadata and symbols.
    """

    labels: Places
    symbols: Places
    series: Places
    time: Places
    value: NDArray[np.float64]
    counts: Places


def counted(body: Bytes, fields: Fields) -> Places:
    """Return how many of each kind ``body`` holds, and where it is damaged (-1 if it is not)."""
    none = np.empty((0, 2), dtype=np.int64)
    samples = np.empty((0, 3), dtype=np.int64)
    return _scan(body, _numbers(fields), none, none, samples)


def scanned(body: Bytes, fields: Fields, counts: Places) -> Scan:
    """Return what ``body`` holds.

    Args:
        body: A request, unpacked.
        fields: Of which version it is.
        counts: What ``counted`` returned for it; it found no damage.
    """
    labels = np.empty((counts[SERIES], 2), dtype=np.int64)
    symbols = np.empty((counts[SYMBOLS], 2), dtype=np.int64)
    samples = np.empty((counts[POINTS], 3), dtype=np.int64)
    _scan(body, _numbers(fields), labels, symbols, samples)
    value = samples[:, 2].copy().view(np.float64)
    return Scan(labels, symbols, samples[:, 0], samples[:, 1], value, counts)


def _numbers(fields: Fields) -> Places:
    """Return ``fields`` in a form that compiled code takes."""
    return np.array(
        [fields.series, fields.metadata, fields.symbols, fields.histograms, fields.exemplars]
    )


def _compiled(function: Function) -> Function:
    """Return ``function``, compiled when it is first called; other threads run beside it."""
    return cast(Function, nb.njit(cache=True, nogil=True)(function))


@_compiled
def _varint(body: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends, DAMAGED where there is none."""
    value = np.uint64(0)
    shift = np.uint64(0)
    while at < end and shift < np.uint64(70):
        byte = body[at]
        at += 1
        value |= np.uint64(byte & 0x7F) << shift
        if byte < 0x80:
            return np.int64(value), at  # type: ignore[return-value]
        shift += np.uint64(7)
    return 0, DAMAGED


@_compiled
def _field(body: Bytes, at: int, end: int) -> tuple[int, int, int, int]:
    """Return number and wire type of the field at ``at``, and begin and end of what it holds.

    The begin is DAMAGED where there is no field.
    """
    tag, at = _varint(body, at, end)
    if at == DAMAGED or not 8 <= tag < 1 << 32:
        return 0, 0, DAMAGED, end
    kind = tag & 7
    stop = at
    if kind == LENGTH:
        size, at = _varint(body, at, end)
        if at == DAMAGED or not 0 <= size <= end - at:
            return 0, 0, DAMAGED, end
        stop = at + size
    elif kind == VARINT:
        _, stop = _varint(body, at, end)
    elif kind == FIXED64:
        stop = at + 8
    elif kind == FIXED32:
        stop = at + 4
    else:
        stop = DAMAGED
    if stop == DAMAGED or stop > end:
        return 0, 0, DAMAGED, end
    return tag >> 3, kind, at, stop


@_compiled
def _sample(body: Bytes, at: int, end: int) -> tuple[int, int, bool]:
    """Return the time and the bits of the value of a sample, and whether it is sound."""
    time = bits = 0
    while at < end:
        number, kind, begin, stop = _field(body, at, end)
        if begin == DAMAGED:
            return 0, 0, False
        if number == 1:
            if kind != FIXED64:
                return 0, 0, False
            whole = np.uint64(0)
            for place in range(8):
                whole |= np.uint64(body[begin + place]) << np.uint64(8 * place)
            bits = np.int64(whole)  # type: ignore[assignment]
        elif number == 2:
            if kind != VARINT:
                return 0, 0, False
            time, _ = _varint(body, begin, stop)
        at = stop
    return time, bits, True


@_compiled
def _series(
    body: Bytes, at: int, end: int, fields: Places, counts: Places, labels: Places, samples: Places
) -> int:
    """Read the series from ``at`` to ``end``; return where it is damaged, DAMAGED if nowhere."""
    first = last = end
    while at < end:
        number, kind, begin, stop = _field(body, at, end)
        known = number in (LABELS, SAMPLES, fields[3], fields[4])
        if begin == DAMAGED or (known and kind != LENGTH):
            return at
        if number == LABELS:
            if first < end and at != last:
                return at  # labels lie apart, which no writer of protobuf does
            first, last = min(first, at), stop
        elif number == SAMPLES:
            time, bits, sound = _sample(body, begin, stop)
            if not sound:
                return begin
            if counts[POINTS] < len(samples):
                row = counts[POINTS]
                samples[row, 0], samples[row, 1], samples[row, 2] = counts[SERIES], time, bits
            counts[POINTS] += 1
        counts[HISTOGRAMS] += number == fields[3]
        counts[EXEMPLARS] += number == fields[4]
        at = stop
    if counts[SERIES] < len(labels):
        labels[counts[SERIES], 0], labels[counts[SERIES], 1] = first, last
    counts[SERIES] += 1
    return DAMAGED


@_compiled
def _scan(body: Bytes, fields: Places, labels: Places, symbols: Places, samples: Places) -> Places:
    """Fill the tables as far as they have rows; return the counts and the place of damage."""
    counts = np.zeros(7, dtype=np.int64)
    counts[FAULT] = DAMAGED
    at, end = 0, len(body)
    while at < end and counts[FAULT] == DAMAGED:
        number, kind, begin, stop = _field(body, at, end)
        known = number in (fields[0], fields[1], fields[2])
        if begin == DAMAGED or (known and kind != LENGTH):
            counts[FAULT] = at
        elif number == fields[0]:
            counts[FAULT] = _series(body, begin, stop, fields, counts, labels, samples)
        elif number == fields[1]:
            counts[METADATA] += 1
        elif number == fields[2]:
            if counts[SYMBOLS] < len(symbols):
                symbols[counts[SYMBOLS], 0], symbols[counts[SYMBOLS], 1] = begin, stop
            counts[SYMBOLS] += 1
        at = stop
    return counts
