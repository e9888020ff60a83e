"""What others push to us: bytes of one protocol -> frames, and what of it was not kept.

Each decoder is a function or a class of the bytes alone: no network, no clock but the one it is
given, no state but what it remembers of series, all of it bounded. What is damaged or hostile ends
in ``Malformed``, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from diagnose.failure import Failure

# Counted and never kept: no table holds them, and nothing that was measured is lost.
BY_DESIGN: Final = frozenset({"stale_marker", "native_histogram", "exemplar"})


class Malformed(Failure, ValueError):  # noqa: N818 - it reads "raise Malformed(what)"
    """What was sent is not what its protocol says; the sender must not send it again.

    Attributes:
        what: Which protocol, where, and what is wrong; nothing that was sent is quoted.

    Example:
        >>> str(Malformed("remote write: no valid protobuf at byte 17"))
        'remote write: no valid protobuf at byte 17'
    """


class TooLarge(Malformed):
    """It would unpack to, or holds, more than is taken at once; smaller pieces are welcome."""


class Unsupported(Malformed):
    """It is of a kind that is not read here."""


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """What one request held.

    Attributes:
        frames: Of schema READINGS, LOGS or EDGES; none is empty.
        rejected: How many records are not in ``frames``, by reason.
        written: What a sender of remote write 2.0 must be told: how many "samples", "histograms"
            and "exemplars" were taken; empty for every other protocol.
    """

    frames: tuple[pl.DataFrame, ...] = ()
    rejected: Mapping[str, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> Mapping[str, int]:
        """Return how many records were not kept that a sender takes for kept, by reason."""
        return {why: number for why, number in self.rejected.items() if why not in BY_DESIGN}
