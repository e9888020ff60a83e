"""From a premise and a hypothesis in words to symbols, and what the solver says of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.corr2cause.aliases import with_one_name
from models.corr2cause.consistency import made_complete
from models.corr2cause.generate import structure
from models.corr2cause.headings import headed
from models.corr2cause.hypothesis_reading import DENIED, ReadClaim, read_hypothesis
from models.corr2cause.naming import PLACE, Numbered, find_names, number_names
from models.corr2cause.notation import in_words
from models.corr2cause.premise_reading import read_relations
from models.corr2cause.pronouns import taken_up
from models.corr2cause.relations import KINDS, Claim
from models.corr2cause.statements import LARGEST, Basis, Solution, Statement, solve

LABEL: Final = re.compile(
    r"^\s*(?:premise|hypothesis|question|context|claim|conclusion|statement)\s*:\s*", re.IGNORECASE
)
# How sure an answer is that is true of what was read: reading may have gone wrong.
SURE: Final[dict[Basis, float]] = {
    "exact": 0.99,
    "completed": 0.95,
    "searched": 0.9,
    "contradictory": 0.7,
}
AN_ARTICLE: Final = re.compile(r"A (?!(?:is|was|and|or|has|does|did|can|may|will)\b)")
NAMED: Final = 2  # variables that a hypothesis is about
UNREAD: Final = 0.05  # of a hypothesis that is not understood: least probability of either answer
GUESSED: Final = 0.9  # most that a claim is believed which holds words that are not known
TRUSTED: Final = 0.7  # share of a claim as it was read, where it holds words that are not known


@dataclass(frozen=True, slots=True)
class Reading:
    """A premise and a hypothesis as they were understood.

    Attributes:
        names: The variables, by number.
        statements: What the premise says.
        claim: What the hypothesis says; None where it was not understood.
        about: The two variables that the hypothesis names; None where it names others.
        not_understood: Sentences with two names or more that could not be read, as written.
    """

    names: tuple[str, ...]
    statements: tuple[Statement, ...]
    claim: ReadClaim | None
    about: tuple[int, int] | None
    not_understood: tuple[str, ...]

    def solved(self) -> Solution | None:
        """Return what follows from the premise; None where too little, or too much, was read."""
        if not self.statements or not 2 <= len(self.names) <= LARGEST:
            return None
        return solve(len(self.names), self.statements)


@dataclass(frozen=True, slots=True)
class SolvedAnswer:
    """What the solver answers to what was read.

    Attributes:
        probability: That the hypothesis follows; far from 0 and 1 where the reading has gaps.
        basis: How the premise was solved.
        structure: The steps: skeleton, v-structures, answer; "" where several classes may fit.
    """

    probability: float
    basis: Basis
    structure: str


def read(premise: str, hypothesis: str) -> Reading:
    """Return a premise and a hypothesis in symbols, as far as they were understood."""
    premise, hypothesis = LABEL.sub("", premise), LABEL.sub("", hypothesis)
    premise, hypothesis, long = with_one_name(in_words(premise), hypothesis)
    names = find_names(premise, hypothesis)
    told = taken_up(headed(number_names(premise, names)))
    relations = made_complete(told, read_relations(told))
    asked = _asked(hypothesis, names)
    claim = read_hypothesis(" ".join(asked.sentences))
    missed = relations.not_understood
    return Reading(
        tuple(long.get(name, name) for name in names),
        relations.statements,
        claim,
        _pair(" ".join(asked.sentences)),
        missed if claim else (*missed, *asked.original),
    )


def _asked(hypothesis: str, names: Sequence[str]) -> Numbered:
    """Return a hypothesis in numbers; an A before two other names is an article."""
    asked = number_names(hypothesis, names)
    if (
        AN_ARTICLE.match(hypothesis)
        and len(set(PLACE.findall(" ".join(asked.sentences)))) == NAMED + 1
    ):
        return number_names(hypothesis.replace("A ", "Some ", 1), names)
    return asked


def answer(reading: Reading) -> SolvedAnswer | None:
    """Return what follows from what was read; None where it is not enough for an answer.

    Of a hypothesis whose words say nothing it is told how many of the claims follow that it may
    make of its two variables.
    """
    solution = reading.solved()
    if solution is None:
        return None
    if reading.claim is None:
        return None if reading.about is None else _of_any_claim(solution, *reading.about)
    holds = solution.says(reading.claim.claim, reading.claim.denied)
    sure = SURE["contradictory"] if reading.not_understood else SURE[solution.basis]
    steps = structure(solution.pattern, reading.names, holds) if solution.pattern else ""
    if not reading.claim.sure:
        sure = min(sure, GUESSED)
    probability = sure if holds else 1 - sure
    if not reading.claim.sure:  # words that are not known may make it any other claim
        other = _of_any_claim(solution, reading.claim.claim.x, reading.claim.claim.y)
        probability = TRUSTED * probability + (1 - TRUSTED) * other.probability
    return SolvedAnswer(probability, solution.basis, steps)


def _of_any_claim(solution: Solution, x: int, y: int) -> SolvedAnswer:
    """Return how likely a claim of unknown kind about two variables follows."""
    share = sum(solution.says(Claim(kind, x, y)) for kind in KINDS) / len(KINDS)
    return SolvedAnswer(UNREAD + (1 - 2 * UNREAD) * share, solution.basis, "")


def _pair(sentence: str) -> tuple[int, int] | None:
    """Return the two variables that a sentence with numbers for names is about."""
    places = list(dict.fromkeys(int(one) for one in PLACE.findall(sentence)))
    return (places[0], places[1]) if len(places) == 2 and not DENIED.search(sentence) else None
