"""Candidates for the fault, ranked without any causal claim.

Signals of one kind are compared with each other, entity against entity: that one of fifty services
has a busy processor says much, that forty of them are slow says little of each. Each kind is a
ballot that shares one vote among the entities by how far and how surprisingly their signals moved;
the ballots are weighted by their family's worth as evidence and by how surprising their strongest
signal is. What a mixture of them says of an entity is its probability, with a share that no ballot
claims: "other / not observed".

Two witnesses tell how abnormal a signal is: how far it moved (logarithm of its deviation), and how
rarely it does (root of its surprise: the difference between one in a thousand and one in a million
matters, that beyond does not). Lines of log are judged by what requests write in turn
(``models.log_evidence``). Which moved first counts within an entity only: between services it says
nothing at steps of a minute.

Reference: Jacobs, Jordan, Nowlan, Hinton, "Adaptive mixtures of local experts", Neural Computation
3 (1991), with gates that see no more than the strongest surprise.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Node, RootCause, Window
from models.deviation import Array, measure
from models.families import Family, ballot_of, family_of
from models.log_evidence import CEILING, log_surprise

Groups = NDArray[np.intp]

FARTHEST: Final = 100.0  # deviation beyond which farther says nothing more: scales can be tiny
SIGMA: Final = float(np.sqrt(2 * np.log(10)))  # times the root of a surprise: deviation of a normal
SURE: Final = 2.2  # root of a surprise beyond which a ballot weighs no more
SHARP: Final = 4.0  # within an entity, how much more the likeliest signal gets than the next


@dataclass(frozen=True, slots=True)
class RankWeights:
    """What the ranking rests on; fitted by ``python -m tests.bench.fit``.

    Attributes:
        size: Weight of the logarithm of the deviation.
        surprise: Weight of the root of -log10 of its chance.
        symptom: Of being the entity that complains: the fault is more often below it.
        earliest: Of having moved first, among the signals of one entity.
        strength: Of a ballot, for the root of its largest surprise.
        alike: Of a ballot, for being of the symptom's kind.
        family: Of a ballot, for its family.
        other: Of "other / not observed", beside the ballots.
        most: Candidates to name; beyond them each entity's best is kept, up to ``entities``.
        entities: Entities to name.
    """

    size: float = 0.75
    surprise: float = 2.25
    symptom: float = -1.2
    earliest: float = 1.0
    strength: float = 2.7
    alike: float = 0.95
    family: dict[Family, float] = field(
        default_factory=lambda: {
            "resource": 0.5,
            "latency": -1.0,
            "error": 0.0,
            "demand": -1.2,
            "log": 0.8,
            "complaint": -0.5,
            "absence": 0.0,
            "other": 0.6,
        }
    )
    other: float = 2.8
    most: int = 20
    entities: int = 10


@dataclass(frozen=True, slots=True, eq=False)
class Witnesses:
    """What speaks for each signal of a window; one value a signal, in the window's order.

    Attributes:
        size: Logarithm of 1 + deviation.
        surprise: Root of the surprise.
        written: Whether it is a line of log.
        early: Share of the recent part that was still to come at the onset, 0..1.
        entity: Number of its entity.
        ballot: Number of its ballot.
        entities: Names of the entities.
        families: Family of each ballot.
        alike: Whether each ballot is of the symptom's kind.
        symptom: Number of the symptom's entity; -1 where none is known.
    """

    size: Array
    surprise: Array
    written: NDArray[np.bool_]
    early: Array
    entity: Groups
    ballot: Groups
    entities: tuple[str, ...]
    families: tuple[Family, ...]
    alike: NDArray[np.bool_]
    symptom: int


class MixtureRanker:
    """Rank every signal by how far it moved, how rarely it does, and how few of its kind did.

    Args:
        weights: What the ranking rests on.
    """

    def __init__(self, weights: RankWeights = RankWeights()) -> None:
        self.weights = weights

    def rank(self, window: Window, symptom: Node | None = None) -> tuple[RootCause, ...]:
        """Return the candidates, most probable first; never empty where any signal exists.

        Args:
            window: What was seen.
            symptom: What is complained of, where somebody does.
        """
        found = witnesses(window, symptom)
        share, scores = probabilities(found, self.weights)
        order = np.lexsort((np.arange(len(share)), -share))
        chosen = self._diverse([found.entities[found.entity[i]] for i in order])
        nodes = [window.signals[i].node for i in order[chosen]]
        return tuple(
            RootCause(node.entity, node.signal, float(share[i]), score=float(scores[i]))
            for node, i in zip(nodes, order[chosen], strict=True)
        )

    def _diverse(self, ordered: list[str]) -> list[int]:
        """Return which places to name: the first, and each further entity's first."""
        first: dict[str, int] = {}
        for place, entity in enumerate(ordered):
            first.setdefault(entity, place)
        best = sorted(first.values())[: self.weights.entities]
        return sorted({*range(min(self.weights.most, len(ordered))), *best})


def witnesses(window: Window, symptom: Node | None) -> Witnesses:
    """Return what speaks for each signal of ``window``."""
    found = measure(window)
    shared = _shared(window)
    families = [family_of(signal, shared) for signal in window.signals]
    names = [ballot_of(*each) for each in zip(window.signals, families, strict=True)]
    written = np.array([signal.source == "template" for signal in window.signals], dtype=bool)
    logged = log_surprise(window)
    surprise = np.sqrt(np.minimum(np.where(written, logged, found.surprise), CEILING))
    size = np.where(written, SIGMA * surprise, np.minimum(found.largest, FARTHEST))
    entities, entity = np.unique(
        np.array([signal.node.entity for signal in window.signals], dtype=object).astype(str),
        return_inverse=True,
    )
    ballots, first, ballot = np.unique(
        np.array(names, dtype=object).astype(str), return_index=True, return_inverse=True
    )
    index = window.index()
    asked = ballot[index[symptom]] if symptom in index else -1
    held = [i for i, name in enumerate(entities) if symptom is not None and name == symptom.entity]
    return Witnesses(
        np.log1p(size),
        surprise,
        written,
        np.where(found.onset >= 0, 1 - found.onset / max(window.recent.height, 1), 0.0),
        entity.astype(np.intp),
        ballot.astype(np.intp),
        tuple(map(str, entities)),
        tuple(families[i] for i in first),
        np.arange(len(ballots)) == asked,
        held[0] if held else -1,
    )


def _shared(window: Window) -> set[str]:
    """Return the entities that several others, which tell of themselves, are parts of.

    What one part alone leaves on its whole, as a container on its pod, may be told nowhere else.
    """
    telling = {signal.node.entity for signal in window.signals}
    parts = Counter(whole for whole, part in window.contains if part in telling)
    return {whole for whole, number in parts.items() if number > 1}


def probabilities(found: Witnesses, weights: RankWeights) -> tuple[Array, Array]:
    """Return the probability and the score of each signal; what is left is "other".

    An entity's probability is shared among its signals, the likeliest of which gets nearly all.
    """
    scores = (
        weights.size * found.size
        + weights.surprise * found.surprise
        + weights.symptom * (found.entity == found.symptom)
    )
    worth = np.array([weights.family[family] for family in found.families])
    vote, gate = _ballots(found, scores, worth, weights)
    inside = scores + worth[found.ballot] / 2 + weights.earliest * found.early
    # Counts of lines are surprising without end; what an entity is shown by is a metric if it can.
    beyond = np.maximum(found.surprise - SURE, 0.0)
    inside -= np.where(found.written, weights.surprise * beyond, 0.0)
    sharp = np.exp(SHARP * (inside - _maximum(inside, found.entity)[found.entity]))
    total = np.bincount(found.entity, sharp, minlength=len(found.entities))
    return (gate @ vote)[found.entity] * sharp / total[found.entity], scores


def _ballots(
    found: Witnesses, scores: Array, worth: Array, weights: RankWeights
) -> tuple[Array, Array]:
    """Return each ballot's votes, of shape (ballots, entities), and each ballot's weight.

    What the weights lack to 1 is that of "other / not observed", which votes for nobody.
    """
    best = np.full((len(found.families), len(found.entities)), -np.inf)
    np.maximum.at(best, (found.ballot, found.entity), scores)
    vote = np.exp(best - best.max(axis=1, initial=-np.inf, keepdims=True))
    vote /= vote.sum(axis=1, keepdims=True)
    strongest = _maximum(found.surprise, found.ballot)
    gate = worth + weights.strength * np.minimum(strongest, SURE) + weights.alike * found.alike
    gate = np.append(gate, weights.other)
    gate = np.exp(gate - gate.max())
    return vote, gate[:-1] / gate.sum()


def _maximum(values: Array, group: Groups) -> Array:
    """Return the largest of ``values`` in each group."""
    largest = np.full(int(group.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(largest, group, values)
    return largest
