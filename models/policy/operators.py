"""Simulated operators: shown two explanations of one incident, which do they find better?

An explanation is what a graph amounts to for whoever was woken: the signal that its own causes
leave unexplained and from which a path leads to the symptom, and that path. An operator who knows
what really happened likes it the better the more of it is right, if something can be done about the
cause, and if it is short. How much each counts differs from one to the next, their judgement is
noisy, and now and then they answer without looking.

Assumes:
    People compare by utility plus logistic noise (Bradley and Terry, "Rank Analysis of Incomplete
    Block Designs", Biometrika 39, 1952). Real ones do so only roughly: nothing that is learned here
    says how people judge, only that a model can learn a taste from noisy comparisons.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

from models.policy.graphs import Adjacency, is_acyclic, reach
from models.policy.incident import Incident, Truth

REPAIRED: Final = {"hardware", "os", "platform", "service"}  # tiers in which something can be done
MOST_EDITS: Final = 8  # edges by which a shown graph may differ from the truth


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a graph says of an incident.

    Attributes:
        cause: Place of the signal that it blames.
        path: Places from the cause to the symptom, both included.
    """

    cause: int
    path: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operator:
    """What one person wants of an explanation, and how steadily.

    Attributes:
        right: Weight of the cause and the path being true.
        actionable: Weight of a cause that can be repaired.
        concise: Weight of a short path.
        noise: Scale of the logistic noise between two explanations.
        careless: Share of the answers that are given without looking.
    """

    right: float = 1.0
    actionable: float = 0.4
    concise: float = 0.2
    noise: float = 0.15
    careless: float = 0.05

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> "Operator":
        """Return somebody: each weight half to twice the usual."""
        right, actionable, concise, noise = 2 ** rng.uniform(-1, 1, 4)
        return cls(right, 0.4 * actionable, 0.2 * concise, 0.15 * noise, rng.uniform(0, 0.1))

    def utility(self, said: Explanation, incident: Incident, truth: Truth) -> float:
        """Return how good this person finds an explanation, knowing what really happened."""
        kind = incident.signals[said.cause].kind
        told = said.cause != incident.symptom
        repairable = told and kind.tier in REPAIRED and not kind.load
        steps = list(zip(said.path, said.path[1:], strict=False))
        true_steps = [bool(truth.edges[a, b]) for a, b in steps]
        path = float(np.mean(true_steps)) if steps else float(not told and said.cause == truth.root)
        right = (float(said.cause == truth.root) + path) / 2
        return (
            self.right * right
            + self.actionable * repairable
            + self.concise / max(len(said.path), 1)
        )

    def prefers_first(self, gap: float, rng: np.random.Generator) -> bool:
        """Return whether the first of two is chosen.

        Args:
            gap: Its utility less the other's.
            rng: Source of the noise.
        """
        if rng.random() < self.careless:
            return bool(rng.random() < 0.5)
        return bool(gap + self.noise * rng.logistic() > 0)


def explained(incident: Incident, graph: Adjacency) -> Explanation:
    """Return what ``graph`` says of ``incident``; no truth is needed for that.

    Args:
        incident: Whose shifts are explained.
        graph: Acyclic.
    """
    symptom = incident.symptom
    leads = reach(graph)[:, symptom]
    ranked = incident.residuals.ranking(graph)
    cause = next(place for place in ranked if place == symptom or leads[place])
    drawn = nx.from_numpy_array(graph, create_using=nx.DiGraph)
    return Explanation(cause, tuple(nx.shortest_path(drawn, cause, symptom)))


def corrupted(truth: Truth, allowed: Adjacency, edits: int, rng: np.random.Generator) -> Adjacency:
    """Return an acyclic, allowed graph that is ``edits`` random changes of one pair away.

    A change adds, drops or turns round one edge; the later may undo the earlier. As many hit pairs
    with an edge as pairs without.
    """
    graph = truth.edges & allowed
    for _ in range(edits):
        choices = np.argwhere(np.triu(graph | graph.T) == (rng.random() < 0.5))
        choices = choices[choices[:, 0] < choices[:, 1]]
        if not len(choices):
            continue
        a, b = choices[rng.integers(len(choices))]
        others = [pair for pair in ((a, b), (b, a), None) if pair is None or not graph[pair]]
        if not (graph[a, b] or graph[b, a]):
            others.remove(None)
        wanted = others[rng.integers(len(others))]
        changed = graph.copy()
        changed[a, b] = changed[b, a] = False
        if wanted is not None:
            changed[wanted] = True
        if is_acyclic(changed) and not (changed & ~allowed).any():
            graph = changed
    return graph


def shown_graphs(
    incident: Incident, truth: Truth, count: int, rng: np.random.Generator
) -> Iterator[Adjacency]:
    """Yield graphs of very different quality, as a proposer that learns would show them."""
    for _ in range(count):
        yield corrupted(truth, incident.allowed, int(rng.integers(0, MOST_EDITS + 1)), rng)
