"""What is asked of a pair of signal kinds, and who may answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from diagnose.schema import Kind
from diagnose.schema.checks import finite

Pair = tuple[Kind, Kind]


@dataclass(frozen=True, slots=True)
class PairBelief:
    """How far one pair of kinds (a, b) is believed to be causal, as log-odds.

    Each number is the log-odds of one answer against the other two, less those of somebody who has
    no opinion: 0 means "as likely as a third", and the belief moves nothing.

    Attributes:
        forward: For "a acts on b".
        backward: For "b acts on a".
        none: For "neither acts on the other".
        answered: Whether anybody was asked; where not, all three are 0.
    """

    forward: float = 0.0
    backward: float = 0.0
    none: float = 0.0
    answered: bool = True

    def __post_init__(self) -> None:
        """Refuse numbers that would spoil a sum."""
        for name in ("forward", "backward", "none"):
            finite(name, getattr(self, name))

    def reversed(self) -> "PairBelief":
        """Return the same belief about (b, a)."""
        return PairBelief(self.backward, self.forward, self.none, self.answered)


UNANSWERED = PairBelief(answered=False)


class PairScorer(Protocol):
    """Anybody who has an opinion about pairs of kinds.

    Attributes:
        sent: Every text that left the site so far, in order; a local model sends nothing.
    """

    sent: tuple[str, ...]

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return one belief a pair, in order; what was not answered says so.

        Args:
            pairs: The most relevant first, since an answerer may stop after a while.
        """
        ...
