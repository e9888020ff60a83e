"""How well pairs of signal kinds are told: three answers, direction, calibration, beside peers.

Questions come from sites, concepts and a vocabulary that training never met, since what was seen
can be learned by heart. Peers see the same questions: chance, the rule of tiers, what names alone
tell (letters of the two names, fitted to the same training questions), and the model as it came.

Intervals are bootstrapped over sites: questions of one site are not independent.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import Estimate
from diagnose.evaluation.score_table import Progress, ScoreRow, ScoreTable
from models.causal_lm.prompt import ANSWERS, described
from models.simulator.questions import edge_questions
from models.training.answers import Probabilities, answered, truth_of

if TYPE_CHECKING:
    from models.causal_lm.encoder import Encoder
    from models.causal_lm.questions import Questions
    from models.simulator.questions import EdgeQuestion

SEED: Final = 2026
LEARNED: Final = 20_000  # training questions that the peer who knows letters only is fitted to
DRAWS: Final = 1000
BINS: Final = 10
MEASURES: Final = ("right of three", "direction", "calibration error")
DEPTH: Final = ("user", "service", "platform", "os", "hardware", "environment")
ACTS: Final = 0.6  # probability that the rule of tiers gives to "the deeper acts on the higher"


def edge_tables(
    models: "Mapping[str, Encoder | Questions]",
    count: int,
    progress: Progress = lambda done, of: None,
) -> Iterator[ScoreTable]:
    """Yield a table for each thing that training had not met: sites, concepts, a vocabulary.

    Args:
        models: Who can be asked about pairs, by name.
        count: Questions of each table.
        progress: Told how many of the models have answered.
    """
    questions = list(edge_questions(SEED, 3 * count, "test"))
    told = {
        "chance": by_chance(questions),
        "tiers": by_tiers(questions),
        "names alone": by_names(list(edge_questions(SEED, LEARNED, "train")), questions),
    }
    for done, (name, model) in enumerate(models.items(), start=1):
        told[name] = answered(model, questions)
        progress(done, len(models))
    splits = np.array([each.split for each in questions])
    for split in sorted(set(splits)):
        here = np.flatnonzero(splits == split)
        asked = [questions[i] for i in here]
        rows = tuple(edge_row(who, asked, said[here]) for who, said in told.items())
        unseen = split.removeprefix("test ")
        yield ScoreTable(f"Which of two signals acts on the other: unseen {unseen}", MEASURES, rows)


def edge_row(who: str, questions: "Sequence[EdgeQuestion]", told: Probabilities) -> ScoreRow:
    """Return how one way of answering does.

    "Direction" is over linked pairs: whether the true direction is held likelier than its reverse.

    Args:
        who: Name of the row.
        questions: What was asked.
        told: How probable each answer is.
    """
    truth = truth_of(questions)
    names, sites = np.unique([each.topology for each in questions], return_inverse=True)
    right = told.argmax(axis=1) == truth
    linked = truth < 2
    way = (told[:, 0] > told[:, 1]) == (truth == 0)
    error = calibration_error(told.max(axis=1), right)
    scores = (
        _share(right, sites),
        _share(way[linked], sites[linked]) if linked.any() else None,
        Estimate(error, *_error_interval(told.max(axis=1), right, sites)),
    )
    return ScoreRow(who, len(questions), len(names), scores)


def share_right(questions: "Sequence[EdgeQuestion]", told: Probabilities) -> Estimate:
    """Return the share of right answers, its interval bootstrapped over sites.

    Args:
        questions: What was asked.
        told: How probable each answer is.
    """
    names = np.unique([each.topology for each in questions], return_inverse=True)[1]
    return _share(told.argmax(axis=1) == truth_of(questions), names)


def calibration_error(said: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean distance between what was said and what came true, weighed by bin."""
    place = np.minimum((said * BINS).astype(int), BINS - 1)
    size = np.bincount(place, minlength=BINS)
    gap = np.abs(np.bincount(place, said, BINS) - np.bincount(place, right, BINS))
    return float(gap.sum() / size.sum())


def _share(right: NDArray[np.bool_], cluster: NDArray[np.intp]) -> Estimate:
    """Return the share of what is right, its interval bootstrapped over clusters."""
    hits, size = np.bincount(cluster, right), np.bincount(cluster)
    drawn = np.random.default_rng(SEED).choice(np.flatnonzero(size), (DRAWS, (size > 0).sum()))
    low, high = np.quantile(hits[drawn].sum(axis=1) / size[drawn].sum(axis=1), (0.025, 0.975))
    return Estimate(float(right.mean()), float(low), float(high))


def _error_interval(
    said: NDArray[np.float64], right: NDArray[np.bool_], cluster: NDArray[np.intp]
) -> tuple[float, float]:
    """Return the interval of the calibration error, bootstrapped over clusters."""
    rng = np.random.default_rng(SEED)
    members = [np.flatnonzero(cluster == c) for c in np.unique(cluster)]
    errors = []
    for _ in range(DRAWS // 5):
        rows = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        errors.append(calibration_error(said[rows], right[rows]))
    low, high = np.quantile(errors, (0.025, 0.975))
    return float(low), float(high)


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
