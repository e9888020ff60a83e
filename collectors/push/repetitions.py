"""What the latest requests held, where decoding one twice would count it twice."""

from typing import Final

from collectors.push import Decoded

LARGEST: Final = 16 << 20  # bytes of all that is remembered; of usual requests some thousands
OVERHEAD: Final = 4096  # bytes that a small frame takes beside its values


class Repetitions:
    """Remembers the latest requests; the oldest are forgotten first.

    A sender repeats what was not answered, or was answered with "come again". Whether its records
    were kept is not known here: so a repetition holds what the first one held, and whoever keeps
    records knows them again.

    Args:
        largest: Bytes that are remembered.
    """

    def __init__(self, largest: int = LARGEST) -> None:
        self.largest = largest
        self._held: dict[bytes, Decoded] = {}
        self._bytes = 0

    def first(self, said: bytes) -> Decoded | None:
        """Return what a request held when it came first; None where it is new.

        Args:
            said: What tells it from others.
        """
        return self._held.get(said)

    def add(self, said: bytes, decoded: Decoded) -> None:
        """Remember what a new request held."""
        self._held[said] = decoded
        self._bytes += _size(decoded)
        while self._bytes > self.largest:
            self._bytes -= _size(self._held.pop(next(iter(self._held))))


def _size(decoded: Decoded) -> int:
    return OVERHEAD + sum(OVERHEAD + int(frame.estimated_size()) for frame in decoded.frames)
