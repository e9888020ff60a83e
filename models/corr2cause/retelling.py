"""What a language model wrote of a premise and of a hypothesis, read back into symbols.

The model reads and the solver concludes: only what the premise told again says of (in)dependence
is taken, and of an argument only which claim it is about.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from models.corr2cause.arguments import FORWARD
from models.corr2cause.reasoning import NONE
from models.corr2cause.relations import Claim, Kind
from models.corr2cause.statements import LARGEST, Statement, solve

KINDS: Final[dict[str, Kind]] = {word: kind for kind, word in FORWARD.items()}
CLAIM: Final = re.compile(rf"(?P<kind>{'|'.join(KINDS)}) (?P<x>.+?), (?P<y>.+?)(?:: .*)?")


def concluded(reasoning: str, argument: str) -> bool | None:
    """Return whether the claim of ``argument`` follows from the premise that was told again.

    Args:
        reasoning: In the form of ``models.corr2cause.reasoning``.
        argument: In the form of ``models.corr2cause.arguments.argument``.

    Returns:
        None where no claim was told, or one about whom the premise does not tell.

    Example:
        >>> told = "dependent A - C, B - C; apart A - B; skeleton A - C; v-structures none"
        >>> concluded(told, "direct A, C: none"), concluded(told, "direct A, B: A -> B")
        (True, False)
    """
    steps = dict(sections(reasoning))
    told = [
        *_told(steps.get("dependent", NONE)),
        *_told(steps.get("apart", NONE), independent=True),
    ]
    names = list(dict.fromkeys(name for one in told for name in one.pair))
    found = CLAIM.fullmatch(argument.strip())
    if not found or not 2 <= len(names) <= LARGEST or not {found["x"], found["y"]} <= {*names}:
        return None
    if found["x"] == found["y"]:
        return None
    place = {name: number for number, name in enumerate(names)}
    claim = Claim(KINDS[found["kind"]], place[found["x"]], place[found["y"]])
    return solve(len(names), [one.numbered(place) for one in told if one.fits(names)]).says(claim)


class _Told(NamedTuple):
    """A statement by names."""

    pair: tuple[str, str]
    given: frozenset[str]
    independent: bool

    def fits(self, names: Collection[str]) -> bool:
        """Return whether it says something about these names: a slip of the pen does not."""
        return self.given <= {*names} and not self.given & {*self.pair}

    def numbered(self, place: Mapping[str, int]) -> Statement:
        a, b = sorted(place[name] for name in self.pair)
        return Statement(a, b, sum(1 << place[name] for name in self.given), self.independent)


def _told(step: str, *, independent: bool = False) -> Iterator[_Told]:
    """Yield the statements of a step; what has another form is left out."""
    for text in listed(step):
        pair, _, given = text.partition(" | ")
        a, _, b = pair.partition(" - ")
        if a and b and a != b and " - " not in b:
            yield _Told((a, b), frozenset(given.split(" + ") if given else ()), independent)


def sections(reasoning: str) -> Iterator[tuple[str, str]]:
    """Yield each step's name and what it lists."""
    for part in reasoning.strip().split("; "):
        name, _, rest = part.partition(" ")
        yield name, rest


def listed(step: str) -> list[str]:
    """Return what a step lists, nothing where it says that there is nothing."""
    return [] if step == NONE else step.split(", ")
