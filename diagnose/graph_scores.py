"""How near proposed causal graphs come to the truth, with and without a language model.

The truth is known of simulated systems, whose signals obey a graph; each is drawn from another
topology, so that intervals over systems are intervals over topologies. All ways see the same rows.
With *scrambled* names the model is told of each signal the kind of another one: what it says then
is wrong, and a graph that trusts it blindly gets worse.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.accuracy import Estimate, difference, estimate
from diagnose.graph_peers import by_chance, by_ges, by_pc, within_rules
from diagnose.schema import Anomaly, Kind, Window
from models.causal_lm.belief import Pair, PairBelief, PairScorer
from models.proposer import GraphProposer
from models.simulator.concepts import links
from models.simulator.questions import TOPOLOGIES
from models.simulator.simulate import simulate
from models.simulator.system import System, system_of
from models.simulator.topology import random_topology

Array = NDArray[np.float64]
Way = Callable[["Scene"], Array]

NO_MODEL: Final = "Aitia, no model"
SURE: Final = 3.0  # log-odds of somebody who knows the simulator's own links


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Telemetry of one simulated system, and its true graph as causes by effects."""

    window: Window
    truth: NDArray[np.bool_]
    seed: int


@dataclass(frozen=True, slots=True)
class Fit:
    """How near one graph is to the truth.

    Attributes:
        f1: Harmonic mean of precision and recall of directed edges.
        direction: Share of right directions among true edges that were found either way; NaN where
            none was.
        distance: Structural Hamming distance: pairs of signals with another edge than in truth.
    """

    f1: float
    direction: float
    distance: float


@dataclass(frozen=True, slots=True)
class GraphScore:
    """How one way fares at one size and number of rows.

    Attributes:
        way: Its name.
        nodes: Signals of each graph.
        samples: Rows that each graph was found in.
        systems: Graphs, each of another topology.
        f1: See ``Fit``.
        direction: See ``Fit``; None where no graph found a true edge.
        distance: See ``Fit``.
        nearer: By how much the distance is smaller than that of the proposer without a model.
    """

    way: str
    nodes: int
    samples: int
    systems: int
    f1: Estimate
    direction: Estimate | None
    distance: Estimate
    nearer: Estimate


def graph_scores(
    ways: Mapping[str, Way],
    nodes: Sequence[int] = (20, 50),
    samples: Sequence[int] = (100, 500, 5000),
    topologies: Sequence[int] = range(TOPOLOGIES["test"][0], TOPOLOGIES["test"][0] + 20),
) -> Iterator[GraphScore]:
    """Yield how each way fares, size by size; ``NO_MODEL`` is measured in any case.

    Args:
        ways: What finds graphs, by name; see ``peers`` and ``proposers``.
        nodes: Signals of a system.
        samples: Rows to find a graph in.
        topologies: Numbers of the topologies that systems are drawn from.
    """
    ways = {NO_MODEL: proposed(None, 0.0), **ways}
    for size in nodes:
        systems = [system_of(random_topology(number), size, number) for number in topologies]
        for rows in samples:
            fits: dict[str, list[Fit]] = {name: [] for name in ways}
            for system in systems:
                scene = scene_of(system, rows)
                for name, way in ways.items():
                    fits[name].append(fit(way(scene), scene.truth))
            for name in ways:
                yield _score(name, size, rows, fits[name], fits[NO_MODEL])


def scene_of(system: System, samples: int) -> Scene:
    """Return a scene of which ``samples`` rows may choose a graph."""
    seen = simulate(system, 2 * samples, system.seed)  # the later half is the judge's
    place = seen.window.index()
    truth = np.zeros((len(place), len(place)), dtype=bool)
    for cause, effect in seen.edges:
        truth[place[cause], place[effect]] = True
    return Scene(seen.window, truth, system.seed)


def peers() -> dict[str, Way]:
    """Return the ways that are not ours; an edge without direction counts as drawn by lot."""
    return {
        "random graph": lambda scene: by_chance(
            len(scene.truth), int(scene.truth.sum()), scene.seed
        ),
        "PC": lambda scene: by_pc(scene.window),
        "PC within our rules": lambda scene: within_rules(by_pc(scene.window), scene.window),
        "GES": lambda scene: by_ges(scene.window),
        "GES within our rules": lambda scene: within_rules(by_ges(scene.window), scene.window),
    }


def proposers(scorers: Mapping[str, PairScorer], weight: float | None = None) -> dict[str, Way]:
    """Return our proposer with each scorer, told the real names and scrambled ones.

    Args:
        scorers: Language models by name.
        weight: What their log-odds count; the shipped weight where None.
    """
    ways: dict[str, Way] = {}
    for name, scorer in scorers.items():
        ways[f"Aitia, {name}"] = proposed(scorer, weight)
        ways[f"Aitia, {name}, names scrambled"] = proposed(scorer, weight, scrambled=True)
    return ways


def proposed(scorer: PairScorer | None, weight: float | None, scrambled: bool = False) -> Way:
    """Return our proposer as a way to find a graph over all signals of a scene."""

    def way(scene: Scene) -> Array:
        window = scene.window
        asked: PairScorer | None = scorer
        if scorer is not None and scrambled:
            asked = Scrambled(scorer, [signal.kind for signal in window.signals], scene.seed)
        everything = len(window.signals)
        alike = tuple(Anomaly(signal.node, window.alert_time, 1.0) for signal in window.signals)
        proposer = GraphProposer(asked, weight, max_nodes=everything, max_considered=everything)
        found = proposer.propose(window, alike, window.signals[0].node)
        place = window.index()
        graph = np.zeros(scene.truth.shape)
        for edge in found.edges:
            graph[place[edge.cause], place[edge.effect]] = 1.0
        return graph

    return way


class Scrambled:
    """A scorer that is told of each kind another one of the same window.

    Args:
        scorer: Who is asked.
        kinds: The kinds that change places.
        seed: Draws which takes whose place.
    """

    def __init__(self, scorer: PairScorer, kinds: Sequence[Kind], seed: int) -> None:
        self.scorer = scorer
        self.sent: tuple[str, ...] = ()  # the scorer under it tells what left the site
        names = sorted(set(kinds), key=lambda kind: kind.name)
        order = np.random.default_rng([seed, 47]).permutation(len(names))
        self._told = {names[order[i - 1]]: names[order[i]] for i in range(len(names))}

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return what the scorer believes of the kinds that it is told instead."""
        return self.scorer.score([(self._told[a], self._told[b]) for a, b in pairs])


class LinkKnower:
    """Somebody who knows what acts on what in simulated sites: the most that a model can bring.

    Not everything that may act does so in a given system, and some of what does nobody knows.
    """

    sent: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._known = {(link.cause, link.effect) for link in links()}

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return what is known of each pair."""
        return tuple(self._belief(a.name, b.name) for a, b in pairs)

    def _belief(self, a: str, b: str) -> PairBelief:
        forward, backward = (a, b) in self._known, (b, a) in self._known
        said = (forward, backward, not forward and not backward)
        toward, back, none = (SURE if so else -SURE for so in said)
        return PairBelief(toward, back, none)


def fit(graph: Array, truth: NDArray[np.bool_]) -> Fit:
    """Return how near ``graph`` is to ``truth``, both causes by effects.

    Args:
        graph: 1 for an edge, one half either way where its direction is open.
        truth: The true edges.
    """
    right = float(graph[truth].sum())
    found = (graph + graph.T) > 0
    met = int((truth & found).sum())
    wrong = np.triu(found & ~(truth | truth.T)).sum()
    return Fit(
        f1=2 * right / max(float(graph.sum()) + float(truth.sum()), 1.0),
        direction=right / met if met else float("nan"),
        distance=float(wrong + truth.sum() - right),
    )


def graph_table(scores: Iterable[GraphScore]) -> Iterator[str]:
    """Yield the scores as lines of a table in Markdown."""
    yield "| signals | rows | way | edge F1 | direction | distance | nearer than no model |"
    yield "|---|---|---|---|---|---|---|"
    for score in scores:
        yield (
            "| "
            + " | ".join(
                (
                    str(score.nodes),
                    str(score.samples),
                    score.way,
                    _told(score.f1, 2),
                    _told(score.direction, 2) if score.direction else "-",
                    _told(score.distance, 1),
                    "" if score.way == NO_MODEL else _told(score.nearer, 1),
                )
            )
            + " |"
        )


def _score(
    name: str, nodes: int, samples: int, fits: Sequence[Fit], without: Sequence[Fit]
) -> GraphScore:
    distance = np.array([each.distance for each in fits])
    direction = np.array([each.direction for each in fits if not np.isnan(each.direction)])
    return GraphScore(
        name,
        nodes,
        samples,
        len(fits),
        estimate(np.array([each.f1 for each in fits])),
        estimate(direction) if len(direction) else None,
        estimate(distance),
        difference(np.array([each.distance for each in without]), distance),
    )


def _told(value: Estimate, digits: int) -> str:
    """Return a number with its interval, as tables show it."""
    return f"{value.value:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"
