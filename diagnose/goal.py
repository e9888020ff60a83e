"""The smallest interventions that reach a goal: one signal, or two where no single one does it.

Everything that acts on the goal's signal is tried at values that normal life showed, from what it
is now to either end. A way counts where it reaches the goal nine times in ten, and is the smaller
the less it moves its signals, in widths of their normal ranges.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Final

import numpy as np

from diagnose.causal.rehearsal import Floats, Stage, averages, staged
from diagnose.causal.scene import Scene, scene
from diagnose.schema import CausalGraph, Goal, Node, Plan, Setting, Way, Window
from diagnose.whatif import asked, effect_on
from diagnose.wording import printable

SURE: Final = 0.9  # chance of the goal from which a way counts
VALUES: Final = 12  # at which a signal is tried on either side of what it is
PAIRED: Final = 6  # values of each of two
PARTNERS: Final = 5  # signals that are tried in pairs: those that come nearest alone
MOST: Final = 5  # ways that are told
COUNTED: Final = ("template", "change", "absence")  # what is counted of a signal nobody can set


def plan(incident: str, graph: CausalGraph, window: Window, symptom: Node, goal: Goal) -> Plan:
    """Return the smallest interventions that reach ``goal``, or why none does.

    Args:
        incident: Its identifier.
        graph: After its tests.
        window: Mechanisms are fitted on its baseline; the goal is to be reached on its recent part.
        symptom: What is explained; the goal is judged while it is affected.
        goal: On any signal of the graph.
    """
    seen = scene(graph, window, symptom)
    units = {signal.node: signal.kind.unit for signal in window.signals}
    counted = {signal.node for signal in window.signals if signal.source in COUNTED}
    ways: dict[int, str | None] = {}
    for place, node in enumerate(seen.acting.nodes):
        if node != goal.node and node not in counted:
            ways[place] = seen.no_way(node, goal.node)
    causes = [place for place, why in ways.items() if why is None]
    moved = [
        f"{printable(str(seen.acting.nodes[place]))}: {why}."
        for place, why in ways.items()
        if why and "no edge" not in why
    ]
    if not causes:
        none = f"nothing is known to act on {goal.node} that could be held"
        return Plan(incident, goal, refused=none, not_told=tuple(moved))
    stage = staged(seen, causes, seen.acting.nodes.index(goal.node))
    search = _Search(stage, goal, units)
    alone = {place: search.singles(place) for place in causes}
    reaching = [way for found in alone.values() if (way := smallest(found))]
    if not reaching:
        # One that cannot be judged alone may be so because of the other.
        told = sorted(causes, key=lambda p: -max((way.chance for way in alone[p]), default=0.0))
        reaching = [
            way
            for pair in combinations(told[:PARTNERS], 2)
            if (way := smallest(search.pairs(pair)))
        ]
    moved += [
        f"{printable(str(seen.acting.nodes[place]))}: {search.refused[place]}."
        for place in causes
        if not alone[place]
    ]
    if reaching:
        reaching.sort(key=lambda way: way.size)
        return Plan(incident, goal, tuple(reaching[:MOST]), not_told=tuple(moved))
    tried = [way for found in alone.values() for way in found]
    closest = _closest(tried, goal) if tried else None
    none = "no value that normal life showed, of one signal or of two, reaches it nine times in ten"
    if not tried:
        none = "nothing can be said of any signal that acts on it"
    return Plan(incident, goal, closest=closest, refused=none, not_told=tuple(moved))


class _Search:
    """Ways that are tried on one incident.

    Attributes:
        refused: For each place of which nothing could be said, why.
    """

    def __init__(self, stage: Stage, goal: Goal, units: Mapping[Node, str]) -> None:
        self.stage, self.goal, self.units = stage, goal, units
        self.refused: dict[int, str] = {}

    def singles(self, place: int) -> list[Way]:
        """Return the ways that hold one signal."""
        ways = (self._way({place: value}) for value in self._values(place, VALUES))
        return [way for way in ways if way]

    def pairs(self, places: Sequence[int]) -> list[Way]:
        """Return the ways that hold two."""
        values = [list(self._values(place, PAIRED)) for place in places]
        ways = (self._way(dict(zip(places, both, strict=True))) for both in product(*values))
        return [way for way in ways if way]

    def _values(self, place: int, count: int) -> Iterator[float]:
        """Yield values in support, from what the signal shows now to either end."""
        low, high = self.stage.reach(place)
        now = float(np.clip(_now(self.stage.incident, place), low, high))
        for end in (low, high):
            yield from (float(value) for value in np.linspace(now, end, count + 1)[1:])

    def _way(self, held: dict[int, float]) -> Way | None:
        """Return what comes of it; None where nobody can tell."""
        incident, target = self.stage.incident, self.stage.effect
        shown, refused = asked(self.stage, held, self.units)
        if refused:
            self.refused.update(dict.fromkeys(held, refused))
            return None
        if target not in shown:
            return None
        nodes = incident.acting.nodes
        settings = tuple(
            Setting(nodes[place], value, self.units.get(nodes[place], ""))
            for place, value in held.items()
        )
        size = sum(_widths(incident, place, value) for place, value in held.items())
        average = averages(self.stage, target, shown[target])
        effect = effect_on(self.stage, target, shown[target], self.units)
        return Way(settings, size, effect, _chance(average, self.goal))


def smallest(ways: Sequence[Way]) -> Way | None:
    """Return the smallest of ``ways`` that reaches its goal surely enough; None where none does."""
    return min((way for way in ways if way.chance >= SURE), key=lambda way: way.size, default=None)


def _closest(ways: Sequence[Way], goal: Goal) -> Way:
    """Return the way that is likeliest to reach the goal, then the one that comes nearest."""
    sign = 1.0 if goal.at_most else -1.0
    return min(ways, key=lambda way: (-way.chance, sign * way.effect.expected))


def _chance(average: Floats, goal: Goal) -> float:
    reached = average <= goal.bound if goal.at_most else average >= goal.bound
    return float(reached.mean())


def _now(incident: Scene, place: int) -> float:
    return float(incident.recent[incident.asked, place].mean())


def _widths(incident: Scene, place: int, value: float) -> float:
    """Return how far ``value`` is from what was, in widths of the signal's normal range."""
    width = float(incident.high[place] - incident.low[place])
    return abs(value - _now(incident, place)) / max(width, 1e-12)
