"""The fields of a protobuf message, as they lie in its bytes.

Reference: https://protobuf.dev/programming-guides/encoding/
"""

from collections.abc import Iterator
from typing import Final

from collectors.push import Malformed

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5  # wire types
LARGEST: Final = (1 << 64) - 1


def fields_of(message: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield number, wire type, begin and end of each field from ``at`` to ``stop``.

    Raises:
        Malformed: one is damaged.
    """
    while at < stop:
        found = field_at(message, at, stop)
        yield found
        at = found[3]


def field_at(message: bytes, at: int, stop: int) -> tuple[int, int, int, int]:
    """Return number, wire type, begin and end of the field at ``at``.

    Raises:
        Malformed: it is damaged, or goes on behind ``stop``.
    """
    tag, begin = varint_at(message, at, stop)
    kind = tag & 7
    if kind == LENGTH:
        size, begin = varint_at(message, begin, stop)
        end = begin + size
    elif kind == VARINT:
        end = varint_at(message, begin, stop)[1]
    elif kind in (FIXED64, FIXED32):
        end = begin + (8 if kind == FIXED64 else 4)
    else:
        raise damaged(at)
    if end > stop or not 8 <= tag < 1 << 32:
        raise damaged(at)
    return tag >> 3, kind, begin, end


def varint_at(message: bytes, at: int, stop: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends.

    Raises:
        Malformed: there is none before ``stop``.
    """
    value = shift = 0
    while at < stop and shift < 70:
        byte = message[at]
        at += 1
        if byte < 0x80:
            return (value | byte << shift) & LARGEST, at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise damaged(at)


def damaged(at: int) -> Malformed:
    """Return what is to be raised where the bytes at ``at`` are no protobuf."""
    return Malformed(f"remote write: no valid protobuf at byte {at}")
