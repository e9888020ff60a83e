"""The body of a request, bounded before and after it is unpacked.

A few kilobytes can unpack to gigabytes: it is measured what a body unpacks to before any of that is
kept, and whatever claims to be greater than its limit is refused by its claim.
"""

import asyncio
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Final

from starlette.requests import ClientDisconnect, Request

SENT: Final = 4 << 20  # bytes of a body as it is sent
HEARD_OUT: Final = 64 << 20  # bytes after which a sender who does not stop is not heard out
UNPACKED: Final = 8 << 20  # bytes of a body as it is read
LARGE: Final = 2 << 20  # bytes of an unpacked body that is read alone
PART: Final = 64 << 10  # bytes that are unpacked at once while a body is measured
PATIENCE_SECONDS: Final = 30.0  # for which a body may trickle in
GZIP: Final = 31  # window bits that make zlib read gzip


class Refused(Exception):  # noqa: N818 - it reads "raise Refused(413, why)"
    """A request that is not taken, and never will be.

    Attributes:
        code: HTTP status.
        why: For the sender; it quotes nothing that was sent.
    """

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def claimed_size(request: Request) -> int:
    """Return how much memory a body may take while it is read."""
    claimed = request.headers.get("content-length", "")
    size = int(claimed) if claimed.isdecimal() else SENT
    return size if size <= SENT else 0  # what is too large is not kept at all


async def read_body(request: Request) -> bytes:
    """Return the body as it was sent.

    What is too large is read to its end all the same, and dropped: a sender whose connection breaks
    before it is answered sends again.

    Raises:
        Refused: it is too large, comes too slowly, or breaks off.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for part in request.stream():
                size += len(part)
                if size <= SENT:
                    parts.append(part)
                elif size <= HEARD_OUT:
                    parts.clear()
                else:
                    break
    except TimeoutError as error:
        raise Refused(408, "the body came too slowly") from error
    except ClientDisconnect as error:
        raise Refused(400, "the body broke off") from error
    if size > SENT:
        raise Refused(413, f"a body has at most {SENT} bytes")
    return b"".join(parts)


class Turns:
    """Lets large bodies be read one after the other, so that memory holds one of them."""

    def __init__(self) -> None:
        self._turn = Lock()

    @contextmanager
    def turn(self, size: int) -> Iterator[None]:
        """Read a body of ``size`` unpacked bytes inside."""
        with self._turn if size >= LARGE else nullcontext():
            yield

    @contextmanager
    def unpacked(self, body: bytes, encoding: str) -> Iterator[bytes]:
        """Give ``body`` without its content encoding, to be read inside.

        Args:
            body: As it was sent.
            encoding: "gzip", "deflate", "identity" or "".

        Raises:
            Refused: it is damaged, packed in another way, or too large.
        """
        if encoding in ("", "identity"):
            yield body
            return
        if encoding not in ("gzip", "deflate"):
            raise Refused(415, "a body is packed with gzip, or not at all")
        window = GZIP if encoding == "gzip" else zlib.MAX_WBITS
        size = _unpacked_size(body, window)
        with self.turn(size):
            yield zlib.decompress(body, window, max(size, 1))


def _unpacked_size(body: bytes, window: int) -> int:
    """Return how many bytes ``body`` unpacks to; memory holds a part of them at a time.

    Raises:
        Refused: it is damaged, or too large.
    """
    unpacker = zlib.decompressobj(window)
    size = 0
    try:
        for at in range(0, len(body), PART):
            rest, more = body[at : at + PART], False
            while rest or more:
                part = unpacker.decompress(rest, PART)
                rest, more = unpacker.unconsumed_tail, len(part) == PART
                size += len(part)
                if size > UNPACKED:
                    raise Refused(413, f"a body unpacks to at most {UNPACKED} bytes")
    except zlib.error as error:
        raise Refused(400, "the body is no valid gzip") from error
    if not unpacker.eof:
        raise Refused(400, "the body is cut short")
    if unpacker.unused_data:
        raise Refused(400, "the body goes on behind its end")
    return size
