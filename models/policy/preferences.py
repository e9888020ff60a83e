"""A reward model: which of two graphs of one incident will an operator find better?

It learns from comparisons. It is told the signals' kinds, what the data say about each pair, and
the graph with the explanation that follows from it; never the truth. A small network looks at each
edge, each pair without one, and each step of the explanation; their means and a few figures of the
whole become one number. The difference of two such numbers is the log-odds of a preference.

References: Bradley and Terry, "Rank Analysis of Incomplete Block Designs", Biometrika 39, 1952;
Christiano et al., "Deep Reinforcement Learning from Human Preferences", NeurIPS 2017.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.evidence import DEPTH
from models.policy.features import DEEPEST, FAR, NAMES, ordered
from models.policy.graphs import Adjacency
from models.policy.incident import Incident, Truth
from models.policy.operators import REPAIRED, Operator, explained, shown_graphs
from models.policy.reward import GraphReward

WIDTH: Final = 16  # of what is seen in one pair
HIDDEN: Final = 32
FIGURES: Final = 9  # of the whole graph, see ``_figures``
SIDES: Final = ("better", "worse")


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """What somebody chose.

    Attributes:
        incident: What both graphs are about.
        better: The graph that was chosen.
        worse: The other.
    """

    incident: Incident
    better: Adjacency
    worse: Adjacency


@dataclass(frozen=True, slots=True)
class PreferencePlan:
    """How long to learn from comparisons.

    Attributes:
        rounds: Through all of them.
        batch: Incidents a step.
        rate: Of AdamW.
        decay: Of the weights.
    """

    rounds: int = 40
    batch: int = 16
    rate: float = 5e-3
    decay: float = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Some graphs of one incident as the reward model takes them.

    Attributes:
        pairs: What the data say, of shape (signals, signals, names).
        graphs: Edges as 0 and 1, of shape (graphs, signals, signals).
        paths: Steps of the explanations, likewise.
        figures: Of the whole graphs, of shape (graphs, ``FIGURES``).
    """

    pairs: Tensor
    graphs: Tensor
    paths: Tensor
    figures: Tensor


class RewardModel(nn.Module):
    """A number for each graph: larger is better liked.

    Args:
        seed: Of the first weights.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.pair = nn.Sequential(nn.Linear(len(NAMES), WIDTH), nn.Tanh())
            self.whole = nn.Sequential(
                nn.Linear(3 * WIDTH + FIGURES, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1)
            )

    def forward(self, seen: Seen) -> Tensor:
        """Return one number a graph, of shape (graphs,)."""
        pairs = self.pair(seen.pairs)
        neither = 1 - torch.maximum(seen.graphs, seen.graphs.transpose(1, 2))
        neither = neither - torch.diag_embed(torch.diagonal(neither, dim1=1, dim2=2))
        means = [
            torch.einsum("gij,ijw->gw", chosen, pairs)
            / chosen.sum(dim=(1, 2)).clamp(min=1)[:, None]
            for chosen in (seen.graphs, neither, seen.paths)
        ]
        return self.whole(torch.cat([*means, seen.figures], dim=1))[:, 0]  # type: ignore[no-any-return]


class LearnedReward:
    """What a reward model thinks of graphs of one incident, 0..1: for where no truth is known.

    Args:
        model: Trained.
        incident: What the graphs are about.
    """

    def __init__(self, model: RewardModel, incident: Incident) -> None:
        self.model = model
        self.incident = incident

    def __call__(self, graph: Adjacency) -> float:
        """Return the worth of ``graph``."""
        with torch.no_grad():
            return float(torch.sigmoid(self.model(see(self.incident, [graph])))[0])


def see(incident: Incident, graphs: Sequence[Adjacency]) -> Seen:
    """Return graphs of one incident as the model takes them."""
    paths = np.zeros((len(graphs), *graphs[0].shape))
    figures = []
    for path, graph in zip(paths, graphs, strict=True):
        said = explained(incident, graph)
        path[list(said.path[:-1]), list(said.path[1:])] = 1
        figures.append(_figures(incident, graph, said.cause, len(said.path)))
    parts = (ordered(incident), np.array(graphs), paths, np.array(figures))
    return Seen(*(torch.from_numpy(np.asarray(part, np.float32)) for part in parts))


def comparisons(
    incidents: Iterable[tuple[Incident, Truth]], each: int, rng: np.random.Generator
) -> list[Comparison]:
    """Return what simulated operators chose, ``each`` times an incident, a new person each time."""
    made = []
    for incident, truth in incidents:
        for _ in range(each):
            person = Operator.drawn(rng)
            one, other = shown_graphs(incident, truth, 2, rng)
            first, second = (
                person.utility(explained(incident, graph), incident, truth)
                for graph in (one, other)
            )
            chosen = person.prefers_first(first - second, rng)
            made.append(Comparison(incident, *((one, other) if chosen else (other, one))))
    return made


def preference_loss(model: RewardModel, better: Seen, worse: Seen) -> Tensor:
    """Return the mean of -log P(what was chosen) over comparisons of one incident."""
    return -nn.functional.logsigmoid(model(better) - model(worse)).mean()


def fit(
    model: RewardModel, made: Sequence[Comparison], plan: PreferencePlan, seed: int
) -> Iterator[float]:
    """Fit ``model`` to comparisons; yield the mean loss of every round through them.

    Args:
        model: Is changed in place.
        made: Comparisons, those of one incident beside each other.
        plan: How long.
        seed: Of the order.
    """
    grouped = [list(of_one) for _, of_one in groupby(made, key=lambda one: one.incident)]
    seen = [
        tuple(see(group[0].incident, [getattr(one, side) for one in group]) for side in SIDES)
        for group in grouped
    ]
    optimiser = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=plan.decay)
    rng = np.random.default_rng(seed)
    for _ in range(plan.rounds):
        losses = []
        for places in np.array_split(rng.permutation(len(seen)), -(-len(seen) // plan.batch)):
            loss = torch.stack([preference_loss(model, *seen[place]) for place in places]).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            losses.append(float(loss.detach()))
        yield float(np.mean(losses))


def agreement(scores: NDArray[np.float64], utility: NDArray[np.float64]) -> float:
    """Return the share of pairs of graphs that ``scores`` order as ``utility`` does.

    Equal utilities are left out; equal scores are half right. NaN where all utilities are equal.

    Example:
        >>> agreement(np.array([0.1, 0.9, 0.9]), np.array([1.0, 2.0, 3.0]))
        0.8333333333333334
    """
    first, second = np.triu_indices(len(scores), 1)
    wanted = np.sign(utility[first] - utility[second])
    said = np.sign(scores[first] - scores[second])
    right = (said * wanted)[wanted != 0] / 2 + 0.5
    return float(right.mean()) if len(right) else float("nan")


def _figures(incident: Incident, graph: Adjacency, cause: int, steps: int) -> NDArray[np.float64]:
    """Return ``FIGURES`` numbers of about 0..1 that describe a graph as a whole."""
    kind, size = incident.signals[cause].kind, len(graph)
    left = [
        incident.residuals.deviation(effect, frozenset(np.flatnonzero(causes).tolist()))
        for effect, causes in enumerate(graph.T)
    ]
    own = incident.residuals.deviation(cause, frozenset())
    return np.array(
        [
            GraphReward(incident).fit(graph),
            graph.sum() / size / 2,
            steps / 4,
            DEPTH.get(kind.tier, 0) / DEEPEST,
            float(kind.tier in REPAIRED and not kind.load),
            float(cause == incident.symptom),
            left[cause] / (left[cause] + FAR),
            own / (own + FAR),
            left[cause] / max(sum(left), 1e-9),
        ]
    )
