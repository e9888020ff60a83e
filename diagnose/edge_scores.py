"""How well pairs of signal kinds are told: three answers, direction, calibration, beside peers.

Questions come from sites, concepts and a vocabulary that training never met, since what was seen
can be learned by heart. Peers see the same questions: chance, the rule of tiers, what names alone
tell (letters of the two names, fitted to the same training questions), and the model as it came.

Intervals are bootstrapped over sites: questions of one site are not independent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from models.causal_lm.prompt import ANSWERS, described
from models.training.answers import Probabilities, truth_of

if TYPE_CHECKING:
    from models.simulator.questions import EdgeQuestion

DRAWS: Final = 1000
BINS: Final = 10
DEPTH: Final = ("user", "service", "platform", "os", "hardware", "environment")
ACTS: Final = 0.6  # probability that the rule of tiers gives to "the deeper acts on the higher"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of questions, with its interval of 95 %.

    Attributes:
        value: Of all.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class EdgeScore:
    """How one way of answering does on one kind of questions.

    Attributes:
        by: Who answered.
        unseen: What training had not met: topologies, concepts or vocabulary.
        questions: How many.
        right: Share of the right answer among three.
        direction: Of the pairs that are linked, share whose direction is likelier than its reverse.
        calibration_error: Expected, of the first answer, over ``BINS`` bins.
    """

    by: str
    unseen: str
    questions: int
    right: Share
    direction: Share
    calibration_error: float


def edge_scores(
    questions: "Sequence[EdgeQuestion]", answered: Mapping[str, Probabilities], seed: int = 0
) -> list[EdgeScore]:
    """Return a score for each way of answering and each kind of unseen questions.

    Args:
        questions: Of the test split.
        answered: Who answered, and how probable each answer is.
        seed: Of the bootstrap.
    """
    truth = truth_of(questions)
    sites = np.unique([each.topology for each in questions], return_inverse=True)[1]
    split = np.array([each.split for each in questions])
    scores = []
    for by, told in answered.items():
        for unseen in sorted(set(split)):
            here = split == unseen
            linked = here & (truth < 2)
            right = told[here].argmax(axis=1) == truth[here]
            way = (told[linked, 0] > told[linked, 1]) == (truth[linked] == 0)
            scores.append(
                EdgeScore(
                    by,
                    unseen.removeprefix("test "),
                    int(here.sum()),
                    share(right, sites[here], seed),
                    share(way, sites[linked], seed),
                    calibration_error(told[here].max(axis=1), right),
                )
            )
    return scores


def share(right: NDArray[np.bool_], cluster: NDArray[np.int64], seed: int) -> Share:
    """Return the share of what is right, its interval bootstrapped over clusters."""
    rng = np.random.default_rng(seed)
    number = int(cluster.max()) + 1
    hits = np.bincount(cluster, right, number)
    size = np.bincount(cluster, minlength=number)
    present = np.flatnonzero(size)
    drawn = rng.choice(present, (DRAWS, len(present)))
    values = hits[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(values, (0.025, 0.975))
    return Share(float(right.mean()), float(low), float(high))


def calibration_error(said: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean distance between what was said and what came true, weighed by bin."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    gaps = [abs(said[place == b].mean() - right[place == b].mean()) for b in np.unique(place)]
    return float(np.average(gaps, weights=[(place == b).sum() for b in np.unique(place)]))


def by_chance(questions: "Sequence[EdgeQuestion]") -> Probabilities:
    """Return a third for each answer, told apart by a coin."""
    rng = np.random.default_rng(0)
    noise = rng.uniform(0, 1e-6, (len(questions), len(ANSWERS)))
    return np.asarray(1 / len(ANSWERS) + noise)


def by_tiers(questions: "Sequence[EdgeQuestion]") -> Probabilities:
    """Return what tiers alone say: the deeper of two acts on the higher; load acts on all."""
    told = np.full((len(questions), len(ANSWERS)), 1 / 3)
    for row, each in zip(told, questions, strict=True):
        if each.first.tier in DEPTH and each.second.tier in DEPTH:
            deeper = DEPTH.index(each.first.tier) - DEPTH.index(each.second.tier)
            rest = (1 - ACTS) / 2
            if deeper:
                row[:] = (ACTS, rest, rest) if deeper > 0 else (rest, ACTS, rest)
            else:
                row[:] = (rest, rest, ACTS)
    return told


def by_names(
    learned: "Sequence[EdgeQuestion]", questions: "Sequence[EdgeQuestion]"
) -> Probabilities:
    """Return what the letters of the two names tell, without any language model.

    Args:
        learned: Training questions, which are also learned in the other order.
        questions: What is answered.
    """
    from scipy.sparse import hstack, vstack
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    def names(asked: "Sequence[EdgeQuestion]") -> tuple[list[str], list[str]]:
        return [described(q.first) for q in asked], [described(q.second) for q in asked]

    first, second = names(learned)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=5, sublinear_tf=True)
    letters.fit(first + second)
    a, b = letters.transform(first), letters.transform(second)
    truth = truth_of(learned)
    turned = np.array([1, 0, 2])[truth]
    model = LogisticRegression(C=3.0, max_iter=200)
    model.fit(vstack([hstack([a, b]), hstack([b, a])]), np.concatenate([truth, turned]))
    c, d = (letters.transform(each) for each in names(questions))
    straight = model.predict_proba(hstack([c, d]))
    other = model.predict_proba(hstack([d, c]))[:, [1, 0, 2]]
    return np.asarray((straight + other) / 2)
