"""Records on their way to the disk: whatever comes in, however it came."""

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from collectors.push import Decoded
from diagnose.ingest.losses import Losses
from diagnose.ingest.meters import Meters
from diagnose.telemetry.batch import Batch, batch_of
from diagnose.telemetry.journal import Overloaded
from diagnose.telemetry.writer import Writer

Clean = Callable[[pl.DataFrame], pl.DataFrame]

DECODERS: Final = 2  # threads; most of their time is spent outside the interpreter's lock
REQUEST_SECONDS: Final = 3600.0  # within which a request that was answered may come again
EVENT_SECONDS: Final = 7 * 86400.0  # within which an event may: alerts are told every few hours
AT_WORK_BYTES: Final = 12 << 20  # of bodies that are held at once; more are told to come again


@dataclass(frozen=True, slots=True)
class Lines:
    """Whence lines of a stream come.

    Attributes:
        source: Who sends them.
        tail: Keys of those that came last, 8 bytes each.
    """

    source: str
    tail: bytes


class Intake:
    """Decodes in threads and waits for the disk, so that the event loop does neither.

    Args:
        clean: Takes secrets out of a frame.
        writer: Makes records durable.
        meters: Counts them.
    """

    def __init__(self, clean: Clean, writer: Writer, meters: Meters) -> None:
        self._clean = clean
        self._writer = writer
        self._meters = meters
        self._losses = Losses()
        self._pool = ThreadPoolExecutor(DECODERS, "decode")
        self._at_work = 0

    @property
    def tails(self) -> Mapping[str, bytes]:
        """Return the keys of the lines that each source sent before this process began."""
        return self._writer.tails

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes of memory for as long as the block runs.

        Raises:
            Overloaded: too much is held already.
        """
        if self._at_work and self._at_work + size > AT_WORK_BYTES:
            raise Overloaded("too much is being received at once")
        self._at_work += size
        try:
            yield
        finally:
            self._at_work -= size

    async def keep(
        self,
        protocol: str,
        size: int,
        decode: Callable[[], Decoded],
        lines: Lines | None = None,
        events: bool = False,
        sender: str = "",
    ) -> Decoded:
        """Return what ``decode`` finds, after the disk has it.

        Args:
            protocol: By which it came.
            size: Bytes that were received.
            decode: Makes records of them, in another thread.
            lines: Whence, for a stream of lines.
            events: Whether each record is known when it comes again, in whatever company.
            sender: Who sent it; "" where that is not known.

        Raises:
            Overloaded: nothing can be acknowledged now.
            Malformed: ``decode`` cannot read it.
        """
        loop = asyncio.get_running_loop()
        decoded, batches = await loop.run_in_executor(
            self._pool, self._encoded, protocol, decode, lines, events
        )
        appended = [asyncio.wrap_future(self._writer.append(batch)) for batch in batches]
        fresh = await asyncio.gather(*appended)
        self._meters.received(protocol, size)
        for batch, new in zip(batches, fresh, strict=True):
            if not new:
                self._meters.repeated(protocol)
            for stream, records, _ in batch.frames if new else ():
                self._meters.kept(protocol, stream, records)
        for reason, records in decoded.rejected.items():
            self._meters.discarded(protocol, reason, records)
            if reason in decoded.lost:
                self._losses.note(protocol, reason, records, lines.source if lines else sender)
        return decoded

    def _encoded(
        self, protocol: str, decode: Callable[[], Decoded], lines: Lines | None, events: bool
    ) -> tuple[Decoded, list[Batch]]:
        """Return what ``decode`` finds, and the same as the journal takes it."""
        decoded = decode()
        frames = [self._clean(frame) for frame in decoded.frames]
        if not frames:
            return decoded, []
        if lines is not None:
            return decoded, [batch_of(*frames, source=lines.source, tail=lines.tail)]
        if events:
            rows = [row for frame in frames for row in frame.iter_slices(1)]
            return decoded, [_keyed(protocol, batch_of(row), EVENT_SECONDS) for row in rows]
        return decoded, [_keyed(protocol, batch_of(*frames), REQUEST_SECONDS)]

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown()


def _keyed(protocol: str, batch: Batch, known_seconds: float) -> Batch:
    """Return ``batch`` with a key by which it is known when it comes again.

    That is made of its records, whatever packed them. Only records that count by their number need
    one: a reading that comes twice counts once.
    """
    if all(stream == "readings" for stream, _, _ in batch.frames):
        return batch
    key = hashlib.blake2b(digest_size=16, person=protocol.encode()[:16])
    for _, _, frame in batch.frames:
        key.update(frame)
    return replace(batch, key=key.digest(), known_seconds=known_seconds)
