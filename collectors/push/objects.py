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
VALUES: Final = 250_000  # of one JSON body
TAG: Final = 0x87  # bits of a tag of fields 1 to 15 that tell how its value is written
TEXT: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)

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


def refuse_dense_json(protocol: str, body: bytes) -> None:
    """Let no body pass that holds more than ``VALUES`` values.

    Raises:
        TooLarge: it holds more.
    """
    if len(body) > SMALL:
        # What stands in texts separates nothing; of a broken body the end counts as it stands.
        bare = TEXT.sub(b"", body)
        if sum(map(bare.count, (b",", b"{", b"["))) > VALUES:
            raise TooLarge(f"{protocol}: a request holds at most {VALUES} values")


def _short_fields(body: bytes, at: int) -> int:
    """Return how many places of the part of ``body`` from ``at`` may begin a short field.

    Texts look like fields here and there, so it may be more than there are, and never less.
    """
    octets = np.frombuffer(body, np.uint8, min(SMALL + 1, len(body) - at), at)
    return int(np.count_nonzero((octets[:-1] & TAG == LENGTH) & (octets[1:] < SHORT)))


def _messages(body: bytes, at: int, stop: int, path: Path) -> Iterator[int]:
    """Yield where each message on ``path`` begins."""
    for number, kind, begin, end in fields_of(body, at, stop):
        if kind == LENGTH and number in path[0]:
            yield begin
            if path[1:]:
                yield from _messages(body, begin, end, path[1:])
