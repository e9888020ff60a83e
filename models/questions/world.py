"""Read which variable acts on which: "Gender has a direct effect on treatment and recovery"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.corr2cause.graphs import Dag, ancestors, d_separated

ACTS: Final = re.compile(
    r"^(?P<a>.+?) (?:(?:has|have) an? (?:direct )?(?:causal )?(?:effect|influence|impact) on|"
    r"(?:directly )?(?:affects?|influences?|causes?)|(?:is|are) a direct cause of|→|->) "
    r"(?P<b>.+?)$",
    re.IGNORECASE,
)
HIDDEN: Final = re.compile(
    r"^(?P<a>.+?) (?:is|are) (?:unobserved|hidden|latent|not observed)$", re.IGNORECASE
)
LEAD: Final = re.compile(r"^(?:.*:\s*|and\s+|the\s+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class World:
    """A graph in words.

    Attributes:
        names: The variables, in lower case.
        dag: The parents of each.
        hidden: Those that cannot be observed.
    """

    names: tuple[str, ...]
    dag: Dag
    hidden: frozenset[str] = frozenset()

    def place(self, name: str) -> int | None:
        """Return the number of the variable called ``name``, None where there is none."""
        plain = _plain(name)
        return self.names.index(plain) if plain in self.names else None

    def acts(self, cause: int, effect: int) -> bool:
        """Return whether one variable acts on another, directly or through others."""
        return bool(ancestors(self.dag)[effect] >> cause & 1)

    def is_adjustment(self, cause: int, effect: int, given: frozenset[int]) -> bool:
        """Return whether ``given`` fulfils the back-door criterion.

        Reference: Pearl, "Causal diagrams for empirical research", Biometrika 1995.
        """
        above = ancestors(self.dag)
        if any(above[node] >> cause & 1 for node in given):
            return False
        without = tuple(parents & ~(1 << cause) for parents in self.dag)
        return d_separated(without, cause, effect, sum(1 << node for node in given))


def read_world(sentences: Sequence[str]) -> World | None:
    """Return the graph that some sentences tell; None where they tell none, or a circle."""
    edges: list[tuple[str, str]] = []
    hidden = set()
    for sentence in sentences:
        bare = sentence.strip().rstrip(".;!")
        if "?" in bare:
            continue
        if match := HIDDEN.match(bare):
            hidden.add(_plain(match["a"]))
        elif match := ACTS.match(bare):
            causes = [match["a"]] if " and " not in match["a"] else match["a"].split(" and ")
            effects = re.split(r",? and |, ", match["b"])
            edges += [(_plain(a), _plain(b)) for a in causes for b in effects]
    names = tuple(dict.fromkeys(name for edge in edges for name in edge))
    if not names or len(names) > 12:
        return None
    parents = [0] * len(names)
    for cause, effect in edges:
        parents[names.index(effect)] |= 1 << names.index(cause)
    try:
        ancestors(tuple(parents))
    except ValueError:  # a circle
        return None
    return World(names, tuple(parents), frozenset(hidden))


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", LEAD.sub("", name.strip().strip("\"'")).lower())
