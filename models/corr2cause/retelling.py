"""What a language model wrote of a premise and of a hypothesis, read back into symbols.

The model reads and the solver concludes: only what the premise told again says of (in)dependence
is taken, and of an argument only which claim it is about.
"""

from collections.abc import Iterator
from typing import Final

from models.corr2cause.arguments import FORWARD
from models.corr2cause.relations import Claim, Kind
from models.corr2cause.statements import LARGEST, Statement, solve

NONE: Final = "none"
JOINED: Final = " - "
GIVEN: Final = " | "
KINDS: Final[dict[str, Kind]] = {word: kind for kind, word in FORWARD.items()}


def concluded(reasoning: str, argument: str) -> bool | None:
    """Return whether the claim of ``argument`` follows from the premise that was told again.

    Args:
        reasoning: In the form of ``models.corr2cause.generate.reasoning``.
        argument: In the form of ``models.corr2cause.arguments.argument``.

    Returns:
        None where one of them has another form, or names what the other does not.

    Example:
        >>> told = "dependent A - C, B - C; apart A - B; skeleton A - C; v-structures none"
        >>> concluded(told, "direct A, C: none"), concluded(told, "direct A, B: A -> B")
        (True, False)
    """
    steps = dict(sections(reasoning))
    try:
        dependent = [_pair(text) for text in listed(steps["dependent"])]
        apart = [_apart(text) for text in listed(steps["apart"])]
        kind, x, y = _claim(argument)
        names = list(dict.fromkeys(name for pair in dependent for name in pair))
        names += dict.fromkeys(name for (a, b), _ in apart for name in (a, b) if name not in names)
        if not 2 <= len(names) <= LARGEST:
            return None
        place = {name: number for number, name in enumerate(names)}
        told = [_statement(place, pair, (), independent=False) for pair in dependent]
        told += [_statement(place, pair, given, independent=True) for pair, given in apart]
        claim = Claim(kind, place[x], place[y])
    except (KeyError, ValueError):
        return None
    return solve(len(names), told).says(claim)


def sections(reasoning: str) -> Iterator[tuple[str, str]]:
    """Yield each step's name and what it lists."""
    for part in reasoning.strip().split("; "):
        name, _, rest = part.partition(" ")
        yield name, rest


def listed(step: str) -> list[str]:
    """Return what a step lists, nothing where it says that there is nothing."""
    return [] if step == NONE else step.split(", ")


def _pair(text: str) -> tuple[str, str]:
    a, b = text.split(JOINED)
    return a, b


def _apart(text: str) -> tuple[tuple[str, str], tuple[str, ...]]:
    pair, _, given = text.partition(GIVEN)
    return _pair(pair), tuple(given.split(" + ")) if given else ()


def _claim(argument: str) -> tuple[Kind, str, str]:
    head = argument.strip().partition(": ")[0]
    word = next((word for word in KINDS if head.startswith(f"{word} ")), "")
    x, y = head.removeprefix(f"{word} ").split(", ")
    return KINDS[word], x, y


def _statement(
    place: dict[str, int], pair: tuple[str, str], given: tuple[str, ...], *, independent: bool
) -> Statement:
    a, b = sorted(place[name] for name in pair)
    return Statement(a, b, sum(1 << place[name] for name in set(given)), independent)
