"""How many objects a body would become, counted before one of them is made.

A protobuf message of two bytes becomes an object of more than a hundred, a JSON value likewise, so
that a body within its limit could take a hundred times its size.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from collectors.push import Malformed, TooLarge
from collectors.push.protobuf_fields import LENGTH, fields_of

SMALL: Final = 256 << 10  # bytes of a body that is not looked at: it cannot become much
SHORT: Final = 32  # bytes of a field from which on it takes little more than its size
SHORT_FIELDS: Final = 500_000  # of one body, many times those of usual requests
PACKED_BYTES: Final = 3 << 20  # of numbers in lists, of which a byte becomes eight
VALUES: Final = 250_000  # of one JSON body,
JSON_BYTES: Final = 4 << 20  # and its size: a character may take four bytes once it is read
TAG: Final = 0x87  # bits of a tag of fields 1 to 15 that tell how its value is written
# What separates values, or a text, in which nothing does; one that does not end goes to the end of
# the body. Nothing is tried twice, so that a body of backslashes costs no more than another.
MARK: Final = re.compile(rb'([,{\[])|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)

Path = Sequence[frozenset[int]]


def refuse_dense_protobuf(protocol: str, body: bytes, path: Path, most: int) -> None:
    """Let no body pass that is small and would become large.

    Args:
        protocol: What the sender is told that it speaks.
        body: Unpacked.
        path: Numbers of the fields that lead to the records, the outermost first.
        most: Records, and what holds them, that are taken.

    Raises:
        TooLarge: it holds more, or more than ``SHORT_FIELDS`` short fields.
        Malformed: it is damaged.
    """
    if len(body) <= SMALL:
        return
    if sum(_short_fields(body, at) for at in range(0, len(body) - 1, SMALL)) > SHORT_FIELDS:
        raise TooLarge(f"{protocol}: a request holds at most {SHORT_FIELDS} short fields")
    try:
        records = sum(1 for _ in islice(_messages(body, 0, len(body), path), most + 1))
    except Malformed as error:
        raise Malformed(f"{protocol}: the body is no valid protobuf of its kind") from error
    if records > most:
        raise TooLarge(f"{protocol}: a request holds at most {most} records")


def refuse_long_lists(protocol: str, body: bytes, path: Path) -> None:
    """Let no body pass that packs more numbers into lists than it could hold itself.

    Args:
        protocol: What the sender is told that it speaks.
        body: Unpacked, which ``refuse_dense_protobuf`` let pass.
        path: Numbers of the fields that lead to the lists, the outermost first.

    Raises:
        TooLarge: the lists have more than ``PACKED_BYTES`` together.
        Malformed: it is damaged on the way to them.
    """
    if len(body) <= SMALL:
        return
    try:
        size = _list_bytes(body, 0, len(body), path)
    except Malformed as error:
        raise Malformed(f"{protocol}: the body is no valid protobuf of its kind") from error
    if size > PACKED_BYTES:
        raise TooLarge(f"{protocol}: lists of numbers have at most {PACKED_BYTES} bytes together")


def refuse_dense_json(protocol: str, body: bytes) -> None:
    """Let no body pass that is larger than ``JSON_BYTES`` or holds more than ``VALUES`` values.

    Raises:
        TooLarge: it is, or does.
    """
    if len(body) > JSON_BYTES:
        raise TooLarge(f"{protocol}: a request in JSON has at most {JSON_BYTES} bytes")
    if len(body) > SMALL:
        separators = (mark for mark in MARK.finditer(body) if mark.lastindex)
        if sum(1 for _ in islice(separators, VALUES + 1)) > VALUES:
            raise TooLarge(f"{protocol}: a request holds at most {VALUES} values")


def _short_fields(body: bytes, at: int) -> int:
    """Return how many places of the part of ``body`` from ``at`` may begin a short field.

    Texts look like fields here and there, so it may be more than there are, and never less.
    """
    octets = np.frombuffer(body, np.uint8, min(SMALL + 1, len(body) - at), at)
    return int(np.count_nonzero((octets[:-1] & TAG == LENGTH) & (octets[1:] < SHORT)))


def _list_bytes(body: bytes, at: int, stop: int, path: Path) -> int:
    """Return how many bytes the fields at the end of ``path`` have together."""
    size = 0
    for number, kind, begin, end in fields_of(body, at, stop):
        if kind == LENGTH and number in path[0]:
            size += _list_bytes(body, begin, end, path[1:]) if path[1:] else end - begin
    return size


def _messages(body: bytes, at: int, stop: int, path: Path) -> Iterator[int]:
    """Yield where each message on ``path`` begins."""
    for number, kind, begin, end in fields_of(body, at, stop):
        if kind == LENGTH and number in path[0]:
            yield begin
            if path[1:]:
                yield from _messages(body, begin, end, path[1:])
