"""How near proposed causal graphs come to the truth, with and without a language model.

The truth is known of simulated systems, whose signals obey a graph; each is drawn from another
topology, so that intervals over systems are intervals over topologies. All ways see the same rows.
With *scrambled* names the model is told of each signal the kind of another one: what it says then
is wrong, and a graph that trusts it blindly gets worse.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import difference, estimate
from diagnose.evaluation.graph_peers import Patience, by_chance, by_ges, by_pc, within_rules
from diagnose.evaluation.score_table import Progress, ScoreRow, ScoreTable
from diagnose.schema import Anomaly, Kind, Window
from models.causal_lm.belief import Pair, PairBelief, PairScorer
from models.proposer import GraphProposer
from models.simulator.concepts import links
from models.simulator.questions import TOPOLOGIES
from models.simulator.simulate import simulate
from models.simulator.system import System, system_of
from models.simulator.topology import random_topology

Array = NDArray[np.float64]
Way = Callable[["Scene"], Array | None]  # None where no graph was found in time

NO_MODEL: Final = "no model (weight 0)"
MEASURES: Final = ("edge F1", "direction", "distance", "nearer than no model")
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
class Size:
    """How large the graphs of a table are.

    Attributes:
        nodes: Signals of each graph.
        samples: Rows that each graph is found in.
        systems: Graphs, each of another topology that training never meets.
    """

    nodes: int
    samples: int
    systems: int


def graph_tables(
    ways: Mapping[str, Way],
    sizes: Sequence[Size],
    searches: Mapping[str, Way],
    progress: Progress = lambda done, of: None,
) -> Iterator[ScoreTable]:
    """Yield a table for each size; ``NO_MODEL`` is measured in any case.

    Args:
        ways: What finds graphs within the rules of tiers and calls; see ``proposers``.
        sizes: Of the tables.
        searches: What knows no rules; measured as it is and with what rules rule out taken away.
        progress: Told how many systems are done of all.
    """
    done, total = 0, sum(size.systems for size in sizes)
    for size in sizes:
        fits: dict[str, dict[int, Fit]] = {}
        first = TOPOLOGIES["test"][0]
        for number in range(first, first + size.systems):
            scene = scene_of(system_of(random_topology(number), size.nodes, number), size.samples)
            for name, graph in _found(scene, ways, searches):
                finished = fits.setdefault(name, {})
                if graph is not None:
                    finished[number] = fit(graph, scene.truth)
            done += 1
            progress(done, total)
        rows = tuple(_row(name, found, fits[NO_MODEL]) for name, found in fits.items())
        title = f"Graphs of {size.nodes} signals from {size.samples} rows"
        yield ScoreTable(title, MEASURES, rows)


def _found(
    scene: Scene, ways: Mapping[str, Way], searches: Mapping[str, Way]
) -> Iterator[tuple[str, Array | None]]:
    """Yield the graphs that were found in a scene, by the way's name; None where one was not."""
    for name, way in ({NO_MODEL: proposed(None, 0.0)} | dict(ways)).items():
        yield name, way(scene)
    for name, search in searches.items():
        graph = search(scene)
        yield name, graph
        ruled = None if graph is None else within_rules(graph, scene.window)
        yield f"{name}, within our rules", ruled


def scene_of(system: System, samples: int) -> Scene:
    """Return a scene of which ``samples`` rows may choose a graph."""
    seen = simulate(system, 2 * samples, system.seed)  # the later half is the judge's
    place = seen.window.index()
    truth = np.zeros((len(place), len(place)), dtype=bool)
    for cause, effect in seen.edges:
        truth[place[cause], place[effect]] = True
    return Scene(seen.window, truth, system.seed)


def peers(patience: Patience) -> dict[str, Way]:
    """Return the ways that are not ours; an edge without direction counts as drawn by lot.

    Args:
        patience: With which searches are waited for.
    """
    return {
        "random graph": lambda scene: by_chance(
            len(scene.truth), int(scene.truth.sum()), scene.seed
        ),
        "PC": lambda scene: patience.wait(by_pc, scene.window),
        "GES": lambda scene: patience.wait(by_ges, scene.window),
    }


def proposers(scorers: Mapping[str, PairScorer], weight: float) -> dict[str, Way]:
    """Return our proposer with each scorer, told the real names and scrambled ones.

    Args:
        scorers: Language models by name.
        weight: What their log-odds count.
    """
    ways: dict[str, Way] = {}
    for name, scorer in scorers.items():
        who = f"{name}, weight {weight:g}"
        ways[who] = proposed(scorer, weight)
        ways[f"{who}, names scrambled"] = proposed(scorer, weight, scrambled=True)
    return ways


def proposed(scorer: PairScorer | None, weight: float, scrambled: bool = False) -> Way:
    """Return our proposer as a way to find a graph over all signals of a scene."""

    def way(scene: Scene) -> Array | None:
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


def _row(name: str, fits: Mapping[int, Fit], without: Mapping[int, Fit]) -> ScoreRow:
    """Return one way's row; the graphs that it did not finish are left out on both sides."""
    found = list(fits.values())
    if not found:
        return ScoreRow(name, 0, 0, (None,) * len(MEASURES))
    distance = np.array([each.distance for each in found])
    plain = np.array([without[number].distance for number in fits])
    direction = np.array([each.direction for each in found if not np.isnan(each.direction)])
    scores = (
        estimate(np.array([each.f1 for each in found])),
        estimate(direction) if len(direction) else None,
        estimate(distance),
        difference(plain, distance) if name != NO_MODEL else None,
    )
    return ScoreRow(name, len(found), len(found), scores)
