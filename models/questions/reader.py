"""From a question in words to symbols, and what they say: the whole way."""

import re
from dataclasses import dataclass
from typing import Final

from models.corr2cause.graphs import d_separated
from models.corr2cause.hypothesis_reading import read_hypothesis
from models.corr2cause.naming import number_names
from models.corr2cause.relations import holding
from models.questions.asked import Asked, read_question
from models.questions.effects import calculate
from models.questions.figures import Figures, read_figures
from models.questions.logic import decide
from models.questions.phrases import closest
from models.questions.world import World, read_world

SENTENCE: Final = re.compile(r"(?<=[.?!:;])\s+|\n+")
SURE: Final = 0.97
GUESSED: Final = 0.8  # where a claim holds words that are not known, which may say otherwise
CASE_BY_CASE: Final = re.compile(
    r"case by case according to (?P<z>.+)|"
    r"(?:separately|stratified|broken down|for each|within each) "
    r"(?:by|for|value of|level of|group of)?\s*(?P<z2>.+)",
    re.IGNORECASE,
)
METHOD: Final = re.compile(r"method (\d)\s*[:.]\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Calculated:
    """An answer that symbols gave.

    Attributes:
        probability: Of yes.
        read: How the question was understood.
    """

    probability: float
    read: str


def answer(text: str) -> Calculated | None:
    """Return what a text with a question at its end amounts to; None where it is not understood."""
    sentences = [part.strip() for part in SENTENCE.split(text) if part.strip()]
    asking = [one for one in sentences if one.endswith("?")]
    if not asking:
        return None
    question = asking[-1]
    told = [one for one in sentences if one is not question]
    world = read_world(told)
    asked = read_question(question)
    if asked is None:
        return _of_graph(question, world)
    if asked.quantity == "adjustment":
        return _adjustment(asked, text, question, world)
    if asked.quantity == "selection":
        return _selection(asked, world)
    if asked.quantity == "logic":
        share = decide(told, asked)
        if share is None:
            return None
        return Calculated(0.5 + (SURE - 0.5) * (2 * share - 1), f"rules, with {asked.x} set")
    if asked.quantity == "correlation" and world is not None and _unrelated(asked, world):
        return Calculated(1 - SURE, "correlation = 0, as the graph implies: neither way")
    figures = read_figures(told)
    result = calculate(asked, figures, world)
    if result is None:
        return _of_graph(question, world)
    value = result.value if asked.upwards else -result.value
    if asked.quantity == "effect on the treated" and _imagines_absence(asked, figures):
        value = -value
    sure = SURE if abs(value) > 1e-9 else 0.5
    return Calculated(
        sure if value > 0 else 1 - sure,
        f"{asked.quantity} = {result.formula} = {result.value:+.3f}",
    )


def _imagines_absence(asked: Asked, figures: Figures) -> bool:
    """Return whether those asked about are treated, and are imagined not to be.

    Where the words do not tell, they are.
    """
    people = asked.condition.lower()
    return not any(people == absent for table in figures.tables for absent, _ in table.conditions)


def _unrelated(asked: Asked, world: World) -> bool:
    """Return whether the graph implies that both are independent, whatever rounded figures say."""
    x, y = _variable(asked.x, world), _variable(asked.y, world)
    return x is not None and y is not None and x != y and d_separated(world.dag, x, y, 0)


def _adjustment(asked: Asked, text: str, question: str, world: World | None) -> Calculated | None:
    """Return which of two ways to look at a correlation is right, by the back-door criterion."""
    if world is None:
        return None
    methods = dict(METHOD.findall(text.replace("Method", "\nMethod")))
    cause, effect = _variable(asked.x, world), _variable(asked.y, world)
    if cause is None or effect is None or not {"1", "2"} <= methods.keys():
        return None
    valid = {}
    for number in ("1", "2"):
        match = CASE_BY_CASE.search(methods[number])
        given: frozenset[int] = frozenset()
        if match:
            place = _variable((match["z"] or match["z2"]).strip(" ."), world)
            if place is None:
                return None
            given = frozenset({place})
        valid[number] = (world.is_adjustment(cause, effect, given), not given)
    first = valid["1"] > valid["2"]  # where both are right, the one that needs nothing else
    asks_first = not re.search(r"method 2\b.*\bthan\b.*method 1", question, re.IGNORECASE)
    return Calculated(
        SURE if first == asks_first else 1 - SURE,
        f"back-door criterion: method 1 {_right(valid['1'][0])}, method 2 {_right(valid['2'][0])}",
    )


def _right(valid: bool) -> str:
    return "holds" if valid else "fails"


def _variable(phrase: str, world: World) -> int | None:
    place = world.place(phrase)
    return place if place is not None else closest(phrase, world.names)


def _selection(asked: Asked, world: World | None) -> Calculated:
    """Return whether a correlation within a selection means an effect; a graph can say so."""
    acts = False
    if world is not None:
        cause, effect = _variable(asked.x, world), _variable(asked.y, world)
        acts = cause is not None and effect is not None and world.acts(cause, effect)
    return Calculated(
        SURE if acts == asked.upwards else 1 - SURE, "a correlation within a selection"
    )


def _of_graph(question: str, world: World | None) -> Calculated | None:
    """Return whether a causal claim holds in the graph that is told."""
    if world is None:
        return None
    claim = read_hypothesis(" ".join(number_names(question, world.names).sentences))
    if claim is None:
        return None
    wanted = claim.claim if claim.claim.x < claim.claim.y else claim.claim.turned()
    holds = (wanted in holding(world.dag)) != claim.denied
    sure = SURE if claim.sure else GUESSED
    return Calculated(sure if holds else 1 - sure, f"{claim.claim.kind} in the graph that is told")
