"""The exact solver: from statements of (in)dependence to what every fitting graph has in common.

Assumes:
    The variables are all there are (no hidden common cause), and exactly the independences hold
    that the graph implies (faithfulness). A pair of which no independence is stated is joined,
    which holds where a premise lists all relations, or one separating set for each separable pair.
    Where no graph fits that reading, nothing is assumed of what is not stated, and what holds in
    every class that fits the statements is entailed; that search is made up to five variables.

Reference: Verma and Pearl, "Equivalence and synthesis of causal models", UAI 1990, for skeleton and
v-structures from separating sets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import Final, Literal

from models.corr2cause.classes import classes, renamed
from models.corr2cause.graphs import (
    Collider,
    Nodes,
    Pattern,
    ancestors,
    independences,
    members,
    oriented,
    pattern_of,
)
from models.corr2cause.relations import Claim, known

Basis = Literal["exact", "completed", "searched", "contradictory"]

SEARCHED: Final = 5  # variables up to which all classes are tried
LARGEST: Final = 8  # variables up to which all graphs of a class are listed


@dataclass(frozen=True, slots=True, order=True)
class Statement:
    """That two variables are (in)dependent, given others.

    Attributes:
        a: Number of one variable.
        b: Number of the other, which is larger.
        given: Set of the variables that are held fixed.
        independent: Whether they are independent then.
    """

    a: int
    b: int
    given: Nodes = 0
    independent: bool = True

    def __post_init__(self) -> None:
        """Refuse what says nothing."""
        if not 0 <= self.a < self.b or self.given >> self.a & 1 or self.given >> self.b & 1:
            raise ValueError("a statement is about two variables a < b, neither of them given")


@dataclass(frozen=True, slots=True)
class Solution:
    """What a premise says about causes.

    Attributes:
        entailed: Claims, x < y, that hold in every graph that fits.
        possible: Those that hold in at least one.
        pattern: The class that fits; None where several do, or none.
        basis: "exact": the statements are all relations of that class. "completed": they are
            some of them, and the rest follows. "searched": several classes may fit, all were tried.
            "contradictory": none fits, or too many variables to try; claims are those of the class
            that separating sets suggest, as far as there is one.
    """

    entailed: frozenset[Claim]
    possible: frozenset[Claim]
    pattern: Pattern | None
    basis: Basis

    def says(self, claim: Claim, denied: bool = False) -> bool:
        """Return whether ``claim`` is entailed; where it is ``denied``, whether its opposite is."""
        upwards = claim if claim.x < claim.y else claim.turned()
        return upwards not in self.possible if denied else upwards in self.entailed


def statements_of(pattern: Pattern) -> list[Statement]:
    """Return all that a premise lists of a class.

    Dependent pairs come first, then independent ones, then those that others separate.
    """
    found = _implied(pattern)
    pairs = list(combinations(range(pattern.size), 2))
    dependent = [Statement(a, b, 0, False) for a, b in pairs if (a, b, 0) not in found]
    rest = sorted(found, key=lambda one: (one[2] != 0, one[0], one[1], one[2].bit_count(), one[2]))
    return dependent + [Statement(*one) for one in rest]


def solve(size: int, statements: Iterable[Statement]) -> Solution:
    """Return what follows from ``statements`` about ``size`` variables.

    Raises:
        ValueError: there are more variables than can be reasoned about.
    """
    if not 2 <= size <= LARGEST:
        raise ValueError(f"{size} variables cannot be reasoned about, 2 to {LARGEST} can")
    told = list(statements)
    pattern = _suggested(size, told)
    if pattern is None:
        nothing: frozenset[Claim] = frozenset()
        return _searched(size, told) or Solution(nothing, nothing, None, "contradictory")
    implied = _implied(pattern)
    if _fits(implied, told):
        listed = {(one.a, one.b, one.given) for one in told if one.independent}
        basis: Basis = "exact" if len(listed) == len(implied) else "completed"
        return Solution(*known(pattern), pattern, basis)
    return _searched(size, told) or Solution(*known(pattern), pattern, "contradictory")


def class_of(size: int, statements: Iterable[Statement]) -> Pattern | None:
    """Return the class whose relations are all told by ``statements``, None where there is none."""
    told = list(statements)
    pattern = _suggested(size, told)
    if pattern is None:
        return None
    implied = _implied(pattern)
    listed = {(one.a, one.b, one.given) for one in told if one.independent}
    return pattern if len(listed) == len(implied) and _fits(implied, told) else None


def _suggested(size: int, told: Sequence[Statement]) -> Pattern | None:
    """Return the class that the stated separating sets make, None where they make none."""
    apart: dict[tuple[int, int], Nodes] = {}
    for one in sorted(told, key=lambda one: one.given.bit_count()):
        if one.independent:
            apart.setdefault((one.a, one.b), one.given)
    joined = [0] * size
    for a, b in combinations(range(size), 2):
        if (a, b) not in apart:
            joined[a] |= 1 << b
            joined[b] |= 1 << a
    found: set[Collider] = {
        (a, middle, b)
        for (a, b), given in apart.items()
        for middle in range(size)
        if joined[a] & joined[b] & ~given & 1 << middle
    }
    pattern = oriented(joined, found)
    dag = next(members(pattern))
    try:
        ancestors(dag)
    except ValueError:  # the v-structures go round in a circle
        return None
    return pattern if pattern_of(dag) == pattern else None


def _implied(pattern: Pattern) -> frozenset[tuple[int, int, Nodes]]:
    return independences(next(members(pattern)))


def _fits(implied: frozenset[tuple[int, int, Nodes]], told: Iterable[Statement]) -> bool:
    return all(((one.a, one.b, one.given) in implied) == one.independent for one in told)


def _searched(size: int, told: Sequence[Statement]) -> Solution | None:
    """Return what all classes that fit have in common; None where none was found."""
    if size > SEARCHED:
        return None
    fitting = [pattern for pattern, implied in _everything(size) if _fits(implied, told)]
    if not fitting:
        return None
    common = frozenset.intersection(*(known(pattern)[0] for pattern in fitting))
    possible = frozenset.union(*(known(pattern)[1] for pattern in fitting))
    return Solution(common, possible, fitting[0] if len(fitting) == 1 else None, "searched")


@cache
def _everything(size: int) -> tuple[tuple[Pattern, frozenset[tuple[int, int, Nodes]]], ...]:
    """Return every class of ``size`` named variables with the independences that it implies."""
    found: dict[Pattern, None] = {}
    for pattern in classes(size):
        for order in permutations(range(size)):
            found.setdefault(renamed(pattern, list(order)))
    return tuple((pattern, _implied(pattern)) for pattern in found)
