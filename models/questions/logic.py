"""Deterministic counterfactuals: rules such as "a or b causes c", facts, and one thing set."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from models.questions.asked import Asked
from models.questions.phrases import alike, opposite

RULE: Final = re.compile(
    r"^(?:we know that |suppose |it is known that |assume )?(?P<a>.+?) "
    r"(?:causes?|leads? to|results? in|brings? about|makes?) (?P<b>.+)$",
    re.IGNORECASE,
)
FACT: Final = re.compile(
    r"^(?:we|i|they) (?:observed?|saw|see|noticed) (?:that )?(?P<a>.+)$", re.IGNORECASE
)
OR: Final = r",? or (?!higher|lower|more|less|above|below|better|worse)"
LEAST: Final = 0.5  # likeness from which two phrases are about one variable


@dataclass(frozen=True, slots=True)
class Rule:
    """That an effect is there exactly if all, or any, of its causes are.

    Attributes:
        causes: (variable, whether its presence counts).
        every: Whether all are needed.
        effect: (variable, whether the rule makes it present).
    """

    causes: tuple[tuple[int, bool], ...]
    every: bool
    effect: tuple[int, bool]


class Variables:
    """Phrases, each of a variable and of its presence or absence; the first phrase is presence."""

    def __init__(self) -> None:
        self.phrases: list[list[str]] = []

    def number(self, phrase: str, apart: Collection[int] = ()) -> tuple[int, bool]:
        """Return the variable that a phrase is of, a new one if need be, and if it is present.

        Args:
            phrase: In words.
            apart: Variables that it is not of, since they are told of beside it.
        """
        among = [number for number in range(len(self.phrases)) if number not in apart]
        found = self.nearest(phrase, among, LEAST)
        if found is None:
            self.phrases.append([phrase])
            return len(self.phrases) - 1, True
        return found

    def nearest(
        self, phrase: str, among: Sequence[int], least: float = 0.0
    ) -> tuple[int, bool] | None:
        """Return which of some variables a phrase is of, None where it is like none of them."""
        scores = {
            number: max(
                2.0 if phrase == one else alike(phrase, one) for one in self.phrases[number]
            )
            for number in among
        }
        best = max(scores, key=lambda number: scores[number], default=None)
        if best is None or scores[best] < least:
            return None
        first = self.phrases[best][0]
        return best, phrase == first or not opposite(phrase, first)


def decide(sentences: Sequence[str], asked: Asked) -> float | None:
    """Return the probability of yes: 1 or 0, between where it is open; None if nothing is read.

    Args:
        sentences: Rules and facts.
        asked: What would be so (``y``) if ``x`` instead of ``z``.
    """
    variables = Variables()
    bare = [one.strip().rstrip(".;").lower() for one in sentences]
    rules: list[Rule] = []
    for sentence in bare:
        for part in re.split(r", and (?:we know that )?|; ", sentence):
            match = RULE.match(part)
            if match and not FACT.match(sentence):
                rules += _rules(match, variables)
    if not rules:
        return None
    outcome = rules[-1].effect[0]
    others = [number for number in range(len(variables.phrases)) if number != outcome]
    held = _held(asked, variables, others)
    if held is None:
        return None
    made = {rule.effect[0] for rule in rules}
    free = [number for number in others if number not in made and number != held[0]]
    facts = _facts(bare, variables, free)
    found = variables.nearest(asked.y.lower(), [outcome])
    assert found is not None
    return _solve(rules, facts, held, found)


def _rules(match: re.Match[str], variables: Variables) -> list[Rule]:
    """Return one rule for each effect that a sentence names; all that it names are different."""
    every = not re.search(OR, match["a"])
    causes: list[tuple[int, bool]] = []
    for part in re.split(rf",? and |{OR}", match["a"]):
        causes.append(variables.number(part, {number for number, _ in causes}))
    taken = {number for number, _ in causes}
    effects: list[tuple[int, bool]] = []
    for part in re.split(r",? and ", match["b"]):
        effects.append(variables.number(part, taken))
        taken.add(effects[-1][0])
    return [Rule(tuple(causes), every, effect) for effect in effects]


def _held(asked: Asked, variables: Variables, among: Sequence[int]) -> tuple[int, bool] | None:
    """Return the variable that is set and to what; ``x`` and ``z`` are its two sides."""
    x, z = asked.x.lower(), asked.z.lower()
    for number in among:  # the rules' own words count most
        if z == variables.phrases[number][0]:
            return number, False
        if x == variables.phrases[number][0]:
            return number, True
    return variables.nearest(x, among, LEAST)


def _facts(sentences: Sequence[str], variables: Variables, free: Sequence[int]) -> dict[int, bool]:
    """Return what was observed of the variables that no rule makes."""
    facts: dict[int, bool] = {}
    for sentence in sentences:
        match = FACT.match(sentence)
        for part in re.split(r" and ", match["a"]) if match else ():
            left = [number for number in free if number not in facts]
            found = variables.nearest(part, left)
            if found is not None:
                facts[found[0]] = found[1]
    return facts


def _solve(
    rules: Sequence[Rule],
    facts: dict[int, bool],
    held: tuple[int, bool],
    outcome: tuple[int, bool],
) -> float:
    """Return the share of the unknown beginnings under which the outcome is so."""
    made = {rule.effect[0] for rule in rules}
    used = {number for rule in rules for number, _ in rule.causes}
    open_ones = sorted(used - made - facts.keys() - {held[0]})
    hits = []
    for choice in product((False, True), repeat=len(open_ones)):
        state = dict(zip(open_ones, choice, strict=True))
        state.update({number: value for number, value in facts.items() if number not in made})
        state[held[0]] = held[1]
        for _ in rules:
            for rule in rules:
                number, present = rule.effect
                if number != held[0]:
                    met = [state.get(cause, False) == wanted for cause, wanted in rule.causes]
                    state[number] = present == (all(met) if rule.every else any(met))
        hits.append(state.get(outcome[0], False) == outcome[1])
    return sum(hits) / len(hits)
