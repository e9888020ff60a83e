"""What is acknowledged as one: the frames of a request, or of some lines of a stream."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from diagnose.schema import EDGES, LOGS, READINGS

Stream = Literal["readings", "logs", "edges"]

STREAMS: Final[Mapping[Stream, pl.Schema]] = {"readings": READINGS, "logs": LOGS, "edges": EDGES}


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are acknowledged together, encoded, so that they can be made durable at once.

    Attributes:
        frames: (stream, number of records, Arrow IPC stream) of each frame.
        key: What a repetition of the same request has in common with it; None where repeating does
            no harm.
        known_seconds: For how long a repetition is known.
        source: Who sent a stream of lines; None for a request.
        tail: Keys of the last lines of ``source``, 8 bytes each, by which a line that is sent again
            after a broken connection is known.
    """

    frames: tuple[tuple[Stream, int, bytes], ...]
    key: bytes | None = None
    known_seconds: float = 3600.0
    source: str | None = None
    tail: bytes = b""

    @property
    def size(self) -> int:
        """Return the number of bytes of all frames."""
        return sum(len(frame) for _, _, frame in self.frames)


def batch_of(
    *frames: pl.DataFrame, key: bytes | None = None, source: str | None = None, tail: bytes = b""
) -> Batch:
    """Return ``frames`` as one batch; each has schema READINGS, LOGS or EDGES, and tells which."""
    encoded = tuple(
        (stream_of(frame), frame.height, encoded_frame(frame)) for frame in frames if frame.height
    )
    return Batch(encoded, key, source=source, tail=tail)


def stream_of(frame: pl.DataFrame) -> Stream:
    """Return the stream that ``frame`` belongs to, which its schema tells.

    Raises:
        ValueError: it has none of the schemas.
    """
    for stream, schema in STREAMS.items():
        if frame.schema == schema:
            return stream
    raise ValueError(f"a frame has schema READINGS, LOGS or EDGES, not {frame.schema}")


def encoded_frame(frame: pl.DataFrame) -> bytes:
    """Return ``frame`` as an Arrow IPC stream.

    Polars' own form of texts may drag along what they were cut out of or replaced in: a secret that
    was redacted, say. The older form holds the texts alone.
    """
    buffer = io.BytesIO()
    frame.write_ipc_stream(buffer, compression="lz4", compat_level=pl.CompatLevel.oldest())
    return buffer.getvalue()


def decoded_frame(frame: bytes) -> pl.DataFrame:
    """Return the frame that was encoded."""
    return pl.read_ipc_stream(io.BytesIO(frame))
