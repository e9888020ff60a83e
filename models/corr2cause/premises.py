"""Wordings of a premise: the list of all statistical relations in a closed system.

Each wording is complete in itself; those at the end are held out, to see what a new wording costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from models.corr2cause.graphs import nodes_in
from models.corr2cause.statements import Statement


@dataclass(frozen=True, slots=True)
class PremiseWording:
    """How one author tells statistical relations.

    Attributes:
        opening: What comes first; "{n}" and "{names}" are filled in.
        dependent: One dependent pair, "{a}" and "{b}".
        independent: One pair that is independent without any condition.
        separated: One pair that is independent given "{given}".
        turn: What comes before the first independence.
        comma: What stands between the last two of a list.
    """

    opening: str
    dependent: str
    independent: str
    separated: str
    turn: str = ""
    comma: str = " and "


PREMISES: Final = (
    PremiseWording(
        "A closed system has {n} variables: {names}. Its statistical relations are these:",
        "{a} correlates with {b}.",
        "{a} is independent of {b}.",
        "{a} and {b} are independent given {given}.",
        "However, ",
    ),
    PremiseWording(
        "We observe {n} variables, {names}, and nothing outside acts on them. What the data show:",
        "{a} and {b} are correlated.",
        "{a} and {b} are not correlated.",
        "Given {given}, {a} and {b} are independent.",
        "On the other hand, ",
    ),
    PremiseWording(
        "Take {names}, {n} quantities without hidden causes. These are all the relations found.",
        "{a} depends statistically on {b}.",
        "{a} does not depend statistically on {b}.",
        "{a} does not depend statistically on {b} after learning {given}.",
        "But ",
    ),
    PremiseWording(
        "Variables: {names}. No other variable matters. Tests of association gave:",
        "There is an association between {a} and {b}.",
        "There is no association between {a} and {b}.",
        "There is no association between {a} and {b} conditional on {given}.",
    ),
    PremiseWording(
        "Suppose the only variables are {names}. The following list of relations is complete.",
        "{a} is associated with {b}.",
        "{a} is unrelated to {b}.",
        "{a} is unrelated to {b} when controlling for {given}.",
        "Yet ",
        ", and ",
    ),
    PremiseWording(
        "{names} make up the whole system. Knowing one tells something about another as follows:",
        "{a} carries information about {b}.",
        "{a} carries no information about {b}.",
        "{a} carries no information about {b} beyond that in {given}.",
        "In contrast, ",
    ),
    PremiseWording(
        "A study measured {names}; there are no latent factors. All its findings:",
        "{a} is statistically linked to {b}.",
        "{a} is not statistically linked to {b}.",
        "Conditioned on {given}, {a} is not statistically linked to {b}.",
        "",
        ", and ",
    ),
    PremiseWording(
        "Dependences and independences among {names} (a complete list):",
        "{a} and {b} are dependent.",
        "{a} and {b} are independent.",
        "{a} and {b} are conditionally independent given {given}.",
    ),
    PremiseWording(
        "Imagine {n} variables named {names}, all of them observed. Their relations are known.",
        "{a} varies together with {b}.",
        "{a} does not vary together with {b}.",
        "{a} does not vary together with {b} when we hold {given} fixed.",
        "Still, ",
    ),
    PremiseWording(
        "Here is all that is known of {names}.",
        "A correlation exists between {a} and {b}.",
        "No correlation exists between {a} and {b}.",
        "No correlation exists between {a} and {b} after adjusting for {given}.",
        "",
        ", and ",
    ),
    PremiseWording(
        "An analyst looked at {n} series ({names}) that no outside series influences and noted:",
        "{b} is correlated with {a}.",
        "{b} is uncorrelated with {a}.",
        "{b} is uncorrelated with {a} given {given}.",
        "Nevertheless, ",
    ),
    PremiseWording(
        "The system consists of {names} alone. Every statistical relation is listed below.",
        "{a} has a statistical relationship with {b}.",
        "{a} has no statistical relationship with {b}.",
        "Taking {given} into account, {a} has no statistical relationship with {b}.",
        "Meanwhile, ",
    ),
    PremiseWording(
        "Let {names} be variables without common causes outside. Observed relations:",
        "{a} and {b} are statistically dependent.",
        "{a} and {b} are statistically independent.",
        "{a} and {b} are statistically independent conditional on {given}.",
        "Besides, ",
    ),
    PremiseWording(
        "For {names}, which form a self-contained system, measurements say the following.",
        "{a} moves with {b}.",
        "{a} does not move with {b}.",
        "With {given} held constant, {a} does not move with {b}.",
        "Note that ",
    ),
    PremiseWording(
        "Monitoring recorded {names}. Nothing else is part of the system. In short:",
        "{a} is related to {b}.",
        "{a} is not related to {b}.",
        "Controlling for {given}, {a} is not related to {b}.",
        "By contrast, ",
        ", and ",
    ),
    PremiseWording(
        "All pairwise and conditional relations of the {n} variables {names} follow.",
        "{a} and {b} are associated.",
        "{a} and {b} are not associated.",
        "{a} and {b} are not associated given {given}.",
        "Although this is so, ",
    ),
    PremiseWording(
        "{names}: {n} variables, fully observed. The relations that hold are:",
        "{a} is dependent on {b}.",
        "{a} is independent from {b}.",
        "{a} is independent from {b} given the values of {given}.",
        "Conversely, ",
    ),
    PremiseWording(
        "Someone collected data on {names} and nothing was left out. The data tell:",
        "{a} and {b} are linked.",
        "{a} and {b} are not linked.",
        "{a} and {b} are not linked after conditioning on {given}.",
        "However, ",
        ", and ",
    ),
    # held out
    PremiseWording(
        "There are {n} factors at play, namely {names}. A statistician reports every finding.",
        "{a} tends to go along with {b}.",
        "{a} and {b} show no correlation.",
        "{a} and {b} show no correlation as soon as we know {given}.",
        "That said, ",
    ),
    PremiseWording(
        "Think of a world with just {names} in it. What can be seen there:",
        "A statistical dependence holds between {a} and {b}.",
        "{a} tells us nothing about {b}.",
        "{a} tells us nothing about {b} for fixed {given}.",
        "At the same time, ",
        ", and ",
    ),
    PremiseWording(
        "Exactly {n} things were measured: {names}. We report all (in)dependencies.",
        "{b} and {a} are not independent.",
        "{b} and {a} have nothing to do with each other.",
        "After accounting for {given}, {b} and {a} have nothing to do with each other.",
    ),
    PremiseWording(
        "Based on a large sample of {names}, with no unmeasured variables, we conclude:",
        "The variables {a} and {b} exhibit a correlation.",
        "The variables {a} and {b} exhibit no dependence.",
        "The variables {a} and {b} exhibit no dependence if we condition on {given}.",
        "Interestingly, ",
    ),
    PremiseWording(
        "Data on {names} were analysed; the system has no further parts. Results in full:",
        "{a} is predictive of {b}.",
        "{a} is not predictive of {b}.",
        "Knowing {given}, {a} is not predictive of {b}.",
        "",
        ", and ",
    ),
    PremiseWording(
        "Consider {names}. Assume that no variable is missing and each relation is reported.",
        "Between {a} and {b} there is a dependency.",
        "Between {a} and {b} there is no dependency.",
        "Holding {given} constant, there is no dependency between {a} and {b}.",
        "Then again, ",
    ),
)
HELD_OUT_PREMISES: Final = 6  # the last ones


def told(wording: PremiseWording, names: Sequence[str], facts: Sequence[Statement]) -> str:
    """Return ``facts`` about variables called ``names`` in words.

    Args:
        wording: How.
        names: In the order of the variables' numbers.
        facts: Dependent pairs first, as they are to be told.
    """
    parts = [wording.opening.format(n=len(names), names=_listed(names, wording.comma))]
    turned = False
    for fact in facts:
        a, b = names[fact.a], names[fact.b]
        given = _listed([names[node] for node in nodes_in(fact.given)], wording.comma)
        form = wording.dependent
        if fact.independent:
            form = wording.separated if fact.given else wording.independent
        sentence = form.format(a=a, b=b, given=given)
        if fact.independent and not turned:
            turned = True
            sentence = wording.turn + _lowered(sentence, names) if wording.turn else sentence
        parts.append(sentence if sentence.startswith(tuple(names)) else _raised(sentence))
    return " ".join(parts)


def _listed(names: Sequence[str], last: str) -> str:
    """Return names as a list in words: "A, B and C"."""
    if len(names) <= 2:
        return " and ".join(names)
    return ", ".join(names[:-1]) + last + names[-1]


def _lowered(sentence: str, names: Sequence[str]) -> str:
    if sentence.startswith(tuple(names)):
        return sentence
    return sentence[0].lower() + sentence[1:]


def _raised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]
