"""From a premise and a hypothesis in words to symbols, and what the solver says of them."""

import re
from dataclasses import dataclass
from typing import Final

from models.corr2cause.consistency import made_complete
from models.corr2cause.generate import structure
from models.corr2cause.hypothesis_reading import ReadClaim, read_hypothesis
from models.corr2cause.naming import find_names, number_names
from models.corr2cause.premise_reading import read_relations
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


@dataclass(frozen=True, slots=True)
class Reading:
    """A premise and a hypothesis as they were understood.

    Attributes:
        names: The variables, by number.
        statements: What the premise says.
        claim: What the hypothesis says; None where it was not understood.
        not_understood: Sentences with two names or more that could not be read, as written.
    """

    names: tuple[str, ...]
    statements: tuple[Statement, ...]
    claim: ReadClaim | None
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
    names = find_names(premise, hypothesis)
    told = number_names(premise, names)
    relations = made_complete(told, read_relations(told))
    asked = number_names(hypothesis, names)
    claim = read_hypothesis(" ".join(asked.sentences))
    missed = relations.not_understood
    return Reading(
        names,
        relations.statements,
        claim,
        missed if claim else (*missed, *asked.original),
    )


def answer(reading: Reading) -> SolvedAnswer | None:
    """Return what follows from what was read; None where it is not enough for an answer."""
    solution = reading.solved()
    if solution is None or reading.claim is None:
        return None
    holds = solution.says(reading.claim.claim, reading.claim.denied)
    sure = SURE["contradictory"] if reading.not_understood else SURE[solution.basis]
    steps = structure(solution.pattern, reading.names, holds) if solution.pattern else ""
    return SolvedAnswer(sure if holds else 1 - sure, solution.basis, steps)
