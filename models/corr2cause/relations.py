"""The things that can be claimed of two variables, and whether a class entails them.

Six of them make up the task; "cause" and "effect" say that one acts on the other in whatever way.
A claim is entailed if it holds in every graph of the class. Effects are read as ancestry: an
indirect effect goes through at least one other variable, whether or not there is a direct effect as
well; a common effect is reached from both, a common cause reaches both, each by any directed path.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Final, Literal, get_args

from models.corr2cause.graphs import Dag, Pattern, ancestors, members, nodes_in

Kind = Literal[
    "parent", "child", "ancestor", "descendant", "collider", "confounder", "cause", "effect"
]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)[:6]  # those that items are made of
TURNED: Final[dict[Kind, Kind]] = {
    "parent": "child",
    "child": "parent",
    "ancestor": "descendant",
    "descendant": "ancestor",
    "collider": "collider",
    "confounder": "confounder",
    "cause": "effect",
    "effect": "cause",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """That ``x`` is the ``kind`` of ``y``: its direct cause (parent), and so on.

    Attributes:
        kind: "collider" and "confounder" say that both have a common effect, a common cause.
        x: Number of one variable.
        y: Number of the other.
    """

    kind: Kind
    x: int
    y: int

    def turned(self) -> "Claim":
        """Return the same claim, told of ``y`` first."""
        return Claim(TURNED[self.kind], self.y, self.x)


def claims(size: int) -> list[Claim]:
    """Return every claim about ``size`` variables: six for each pair."""
    return [Claim(kind, x, y) for x, y in combinations(range(size), 2) for kind in KINDS]


def holding(dag: Dag) -> frozenset[Claim]:
    """Return the claims, x < y, that hold in one graph."""
    above = ancestors(dag)
    below = [sum(1 << b for b in range(len(dag)) if above[b] >> a & 1) for a in range(len(dag))]

    def through_another(a: int, b: int) -> bool:
        return any(above[middle] >> a & 1 for middle in nodes_in(dag[b]))

    found = set()
    for x, y in combinations(range(len(dag)), 2):
        facts: dict[Kind, bool] = {
            "parent": bool(dag[y] >> x & 1),
            "child": bool(dag[x] >> y & 1),
            "ancestor": through_another(x, y),
            "descendant": through_another(y, x),
            "collider": bool(below[x] & below[y]),
            "confounder": bool(above[x] & above[y]),
            "cause": bool(above[y] >> x & 1),
            "effect": bool(above[x] >> y & 1),
        }
        found |= {Claim(kind, x, y) for kind, true in facts.items() if true}
    return frozenset(found)


@lru_cache(4096)
def known(pattern: Pattern) -> tuple[frozenset[Claim], frozenset[Claim]]:
    """Return the claims, x < y, that hold in every graph of the class, and those in any of them.

    Its time is that of listing the graphs: 5,040 where seven variables are all joined.
    """
    every = members(pattern)
    always = sometimes = holding(next(every))
    for dag in every:
        holds = holding(dag)
        always &= holds
        sometimes |= holds
    return always, sometimes


def is_entailed(pattern: Pattern, claim: Claim) -> bool:
    """Return whether ``claim`` holds in every graph of the class."""
    return (claim if claim.x < claim.y else claim.turned()) in known(pattern)[0]
