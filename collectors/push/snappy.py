"""Snappy, unpacked no further than its limit: it says first how long it will be."""

import cramjam

from collectors.push import Malformed, TooLarge


def claimed_size(body: bytes) -> int:
    """Return to how many bytes ``body`` says it unpacks; 0 where it says nothing."""
    try:
        return int(cramjam.snappy.decompress_raw_len(body))
    except cramjam.DecompressionError:
        return 0


def unpacked(protocol: str, body: bytes, most: int) -> bytes:
    """Return ``body`` without its packing.

    Args:
        protocol: What the sender is told that it speaks.
        body: As it was sent.
        most: Bytes that it may unpack to.

    Raises:
        TooLarge: it says more than ``most`` bytes.
        Malformed: it is damaged.
    """
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > most:
            raise TooLarge(f"{protocol}: a request unpacks to at most {most} bytes")
        return bytes(cramjam.snappy.decompress_raw(body, output_len=size))
    except cramjam.DecompressionError as error:
        raise Malformed(f"{protocol}: the body is no valid snappy") from error
