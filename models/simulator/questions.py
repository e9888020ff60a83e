"""Questions about pairs of concepts whose answer is known: does one act on the other directly?

The answer is that of one site: where sites differ in what they measure, so do their answers, and
then uncertainty is honest. What acts only through something that is measured, and what merely
shares a cause, is "none".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.simulator.concepts import Concept
from models.simulator.topology import links_of, random_topology
from models.simulator.vocabularies import UNSEEN, VOCABULARIES, Vocabulary, has_name, named

Answer = Literal["forward", "backward", "none"]
Case = Literal["direct", "indirect", "confounded", "unrelated"]
Split = Literal["train", "dev", "test"]
Unseen = Literal["test topologies", "test concepts", "test vocabulary"]

# First number and number of the topologies of each split; no two splits share one.
TOPOLOGIES: Final[dict[Split, tuple[int, int]]] = {
    "train": (0, 600),
    "dev": (1_000, 100),
    "test": (2_000, 200),
}
CASES: Final[dict[Case, float]] = {
    "direct": 0.6,
    "indirect": 0.17,
    "confounded": 0.13,
    "unrelated": 0.1,
}
NEAR: Final = 0.6  # share of the indirect pairs that lie two steps apart
OFTEN: Final[dict[Vocabulary, float]] = {
    "product": 0.45,
    "prometheus": 0.15,
    "opentelemetry": 0.1,
    "linux": 0.09,
    "ipmi": 0.05,
    "smart": 0.04,
    "nonsense": 0.12,
}
SWAPPED: Final = 0.5  # share of the questions that name the effect, or the later concept, first

Choice = TypeVar("Choice", bound=str)


@dataclass(frozen=True, slots=True)
class EdgeQuestion:
    """Which of two kinds of signal acts directly on the other, and the answer.

    Attributes:
        first: The kind that is named first; the order is drawn.
        second: The other.
        answer: "forward" where the first acts directly on the second, "backward" where the second
            acts directly on the first, "none" where neither does.
        case: Why: a direct link, a path through others, a shared direct cause, or none of these.
        topology: The site it is about; questions of one site are not independent.
        vocabulary: Whose names the kinds bear.
        split: "train", "dev", or what a test question has that training never meets: "test
            topologies", "test concepts" or "test vocabulary".
    """

    first: Kind
    second: Kind
    answer: Answer
    case: Case
    topology: str
    vocabulary: Vocabulary
    split: str


@dataclass(frozen=True, slots=True, eq=False)
class SitePairs:
    """One site's pairs of concepts.

    Attributes:
        topology: Its name.
        concepts: What it measures.
        held_out: Which of those are kept from training.
        has_name: Which of those a vocabulary has a name for.
        by_case: Rows of two numbers of concepts, cause first where the case is "direct".
    """

    topology: str
    concepts: tuple[Concept, ...]
    held_out: NDArray[np.bool_]
    has_name: dict[Vocabulary, NDArray[np.bool_]]
    by_case: dict[str, NDArray[np.int16]]

    def fitting(self, case: str, split: str, vocabulary: Vocabulary) -> NDArray[np.int16]:
        """Return the pairs of a case that a question of this split and vocabulary may be about."""
        pairs = self.by_case[case]
        unseen = self.held_out[pairs].any(axis=1)
        told = self.has_name[vocabulary][pairs].any(axis=1)
        fits: NDArray[np.bool_] = told & (unseen == (split == "test concepts"))
        return pairs[np.flatnonzero(fits)]


def edge_questions(
    seed: int,
    count: int,
    split: Split,
    vocabularies: Sequence[Vocabulary] = (),
) -> Iterator[EdgeQuestion]:
    """Yield ``count`` questions; the same arguments give the same ones.

    Test questions are by turns about topologies, concepts and a vocabulary that training never
    meets; a concept or the vocabulary that is kept from training occurs in no other question.

    Args:
        seed: Chooses the questions within the split.
        count: How many.
        split: Which topologies, concepts and vocabularies they are about.
        vocabularies: Only these, equally often; all that the split allows, as often as they are
            met, where empty. Questions about the unseen vocabulary use that one.

    Raises:
        ValueError: the vocabulary that is kept from training is among ``vocabularies``.
    """
    if UNSEEN in vocabularies:
        raise ValueError(f"{UNSEEN!r} is kept for the test of unseen vocabularies")
    start, number = TOPOLOGIES[split]
    rng = np.random.default_rng([seed, start, 5])
    splits: tuple[str, ...] = get_args(Unseen) if split == "test" else (split,)
    for i in range(count):
        asked = None
        while asked is None:
            pairs = pairs_of(start + int(rng.integers(number)))
            asked = _question(pairs, splits[i % len(splits)], vocabularies, rng)
        yield asked


def _question(
    pairs: SitePairs, split: str, vocabularies: Sequence[Vocabulary], rng: np.random.Generator
) -> EdgeQuestion | None:
    """Return a question about one of ``pairs``, None where the site has none that fits."""
    vocabulary = _vocabulary(split, vocabularies, rng)
    case = _drawn(CASES, rng)
    near = case == "indirect" and rng.random() < NEAR
    fitting = pairs.fitting("near" if near else case, split, vocabulary)
    if not len(fitting):
        return None
    a, b = (pairs.concepts[i] for i in fitting[rng.integers(len(fitting))])
    answer: Answer = "forward" if case == "direct" else "none"
    if rng.random() < SWAPPED:
        a, b = b, a
        answer = "backward" if case == "direct" else "none"
    first, second = named(a, vocabulary, rng), named(b, vocabulary, rng)
    return EdgeQuestion(first, second, answer, case, pairs.topology, vocabulary, split)


def _vocabulary(split: str, wanted: Sequence[Vocabulary], rng: np.random.Generator) -> Vocabulary:
    """Return whose names a question uses."""
    if split == "test vocabulary":
        return UNSEEN
    return wanted[int(rng.integers(len(wanted)))] if wanted else _drawn(OFTEN, rng)


def _drawn(shares: dict[Choice, float], rng: np.random.Generator) -> Choice:
    """Return one of the keys, as often as its share says."""
    edges = np.cumsum(list(shares.values()))
    return list(shares)[int(np.searchsorted(edges, rng.random() * edges[-1], side="right"))]


@lru_cache(2048)
def pairs_of(number: int, wider: bool = False) -> SitePairs:
    """Return the pairs of the site of that number, by case; "near" are two steps apart.

    Args:
        number: The seed of its topology.
        wider: Whether it also has what only training learns about.
    """
    topology = random_topology(number)
    if wider:
        topology = topology.widened()
    names = topology.present()
    place = {name: i for i, name in enumerate(names)}
    acts = np.zeros((len(names), len(names)), dtype=bool)
    for link in links_of(topology):
        if link.cause != link.effect:
            acts[place[link.cause], place[link.effect]] = True
    reach = _closure(acts)
    linked, joined = acts | acts.T, reach | reach.T
    two_steps = (acts.astype(np.float32) @ acts.astype(np.float32)) > 0
    share_cause = (acts.T.astype(np.float32) @ acts.astype(np.float32)) > 0
    cases = {
        "direct": acts,
        "indirect": reach & ~linked,
        "near": two_steps & ~linked,
        "confounded": np.triu(share_cause & ~joined, 1),
        "unrelated": np.triu(~share_cause & ~joined, 1),
    }
    here = tuple(topology.written[name] for name in names)
    return SitePairs(
        topology.name,
        here,
        np.array([concept.held_out for concept in here]),
        {v: np.array([has_name(concept, v) for concept in here]) for v in VOCABULARIES},
        {case: np.argwhere(which).astype(np.int16) for case, which in cases.items()},
    )


def _closure(acts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return from where a path of one step or more leads where."""
    reach = acts
    while True:
        step = reach.astype(np.float32)
        farther = reach | ((step @ step) > 0)
        if (farther == reach).all():
            return reach
        reach = farther
