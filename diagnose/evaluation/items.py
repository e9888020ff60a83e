"""Answer items about causes, each by the surest way that understands it.

Symbols first: a premise of statistical relations goes to the exact solver, a question with a graph,
probabilities or rules to a calculation, a question about two known kinds of signals to what is
believed about these kinds. The language model is asked beside, and alone where nothing else
understands; its own answer is always told apart.
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from diagnose.failure import Failure
from models.causal_lm.belief import PairScorer
from models.corr2cause.reading import answer as solved
from models.corr2cause.reading import read
from models.kinds import UNKNOWN, kind_of_metric
from models.questions.reader import answer as calculated

By = Literal["solver", "calculation", "kinds", "model", "nobody"]
Found = tuple[float, By, str]  # probability of yes, who says so, and how the item was read
Done = Callable[[int], None]

TOGETHER: Final = 8  # items that are answered at once
MEASURED: Final = 40  # the same where a model is measured: some eight premises
SHAPE: Final = 'write {"id", "premise", "hypothesis"} or {"id", "question"}, one object a line'
YES: Final = {"1", "true", "yes", "entailment", "entailed"}
NO: Final = {"0", "false", "no", "neutral", "contradiction", "not entailed"}
PARTS: Final = re.compile(
    r"premise\s*:\s*(?P<premise>.+?)\s*(?:hypothesis|question|conclusion)\s*:\s*(?P<hypothesis>.+)",
    re.IGNORECASE | re.DOTALL,
)
PAIR: Final = re.compile(
    r"^(?:does|do|can|could|will|would) (?:an? |the )?(?P<a>.+?) (?:directly |usually |ever )?"
    r"(?:cause|affect|influence|act on|drive|lead to|impact|increase|raise|trigger) "
    r"(?:an? |the )?(?P<b>.+?)\?*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a file.

    Attributes:
        id: As written.
        question: The question, or the hypothesis of ``premise``.
        premise: What a hypothesis is held against; "" where the item is a question.
        label: The right answer, None where the file does not tell it.
        group: Items of the same group are not independent; the id where none is told.
    """

    id: str
    question: str
    premise: str = ""
    label: bool | None = None
    group: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to an item.

    Attributes:
        id: The item's.
        probability: Of yes.
        by: Who gave it: the solver, a calculation, beliefs about kinds, the model, or nobody.
        read: How the item was understood, or what was not.
        model_probability: What the language model says; None where it was not asked.
    """

    id: str
    probability: float
    by: By
    read: str
    model_probability: float | None = None


class Model(Protocol):
    """A language model that answers yes or no."""

    def questions(self, texts: Sequence[str], progress: Done = ...) -> list[float]:
        """Return the probability of yes to each question."""
        ...

    def entailments(self, asked: Sequence[tuple[str, str]], progress: Done = ...) -> list[float]:
        """Return the probability that each hypothesis follows from its premise."""
        ...


def read_items(file: Path) -> tuple[Item, ...]:
    """Return the items of a file, one JSON object a line.

    Raises:
        Failure: it cannot be read, or a line is no item; the message tells which.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} cannot be read: {error}", "give a text file of items") from error
    items, seen = [], set()
    for number, line in enumerate(lines, start=1):
        if line.strip():
            item = _item(line, f"{file}, line {number}")
            if item.id in seen:
                raise Failure(f"{file}, line {number}: id {item.id!r:.80} comes twice", SHAPE)
            seen.add(item.id)
            items.append(item)
    if not items:
        raise Failure(f"{file} holds no items", SHAPE)
    return tuple(items)


def _item(line: str, where: str) -> Item:
    try:
        tree = json.loads(line)
    except ValueError as error:
        raise Failure(f"{where} is no JSON: {error}", SHAPE) from error
    if not isinstance(tree, dict) or "id" not in tree:
        raise Failure(f"{where} is no object with an id", SHAPE)
    if "premise" in tree and "hypothesis" in tree:
        question, premise = tree["hypothesis"], tree["premise"]
    elif "question" in tree:
        question, premise = tree["question"], tree.get("given_info") or tree.get("context") or ""
    else:
        raise Failure(f"{where} has neither a premise and a hypothesis nor a question", SHAPE)
    if not isinstance(question, str) or not isinstance(premise, str) or not question.strip():
        raise Failure(f"{where}: a text is empty or no text", SHAPE)
    if "hypothesis" not in tree:
        question, premise = f"{premise} {question}".strip(), ""
    group = str(tree.get("group", tree["id"]))
    return Item(str(tree["id"]), question, premise, _label(tree, where), group)


def _label(tree: Mapping[str, Any], where: str) -> bool | None:
    told = tree.get("label", tree.get("answer"))
    if told is None:
        return None
    word = str(int(told) if isinstance(told, bool) else told).strip().lower()
    if word not in YES | NO:
        raise Failure(f"{where}: {told!r:.80} is neither yes nor no", "write 1 or 0 as the label")
    return word in YES


def answer_items(
    items: Sequence[Item],
    model: Model | None,
    kinds: PairScorer | None,
    progress: Callable[[int, int], None] = lambda done, of: None,
    beside_seconds: float = inf,
) -> Iterator[Answer]:
    """Yield an answer to each item, in order; one that nobody understands is a half.

    Args:
        items: What to answer.
        model: Asked about every item that nothing else understands, and about others while there is
            time; None asks none.
        kinds: Who has beliefs about kinds of signals; None for nobody.
        progress: Told after each item.
        beside_seconds: Time in which the model is asked beside another's answer.
    """
    spent = 0.0
    for start in range(0, len(items), TOGETHER):
        some = items[start : start + TOGETHER]
        found = [by_symbols(item, kinds) for item in some]
        beside = spent < beside_seconds
        asked = [place for place, known in enumerate(found) if known is None or beside]
        told: dict[int, float] = {}
        if model is not None:
            began = time.monotonic()
            told = dict(zip(asked, opinions(model, [some[i] for i in asked]), strict=True))
            spent += time.monotonic() - began
        for place, (item, known) in enumerate(zip(some, found, strict=True)):
            yield _answer(item, known, told.get(place))
            progress(start + place + 1, len(items))


def opinions(
    model: Model, items: Sequence[Item], progress: Done = lambda done: None
) -> list[float]:
    """Return how probable a language model holds yes, item by item.

    Args:
        model: Who is asked.
        items: Questions, or hypotheses with their premises.
        progress: Told how many are done.
    """
    claims = [place for place, item in enumerate(items) if item.premise]
    others = [place for place, item in enumerate(items) if not item.premise]
    follows = model.entailments(
        [(items[place].premise, items[place].question) for place in claims], progress
    )
    holds = model.questions(
        [items[place].question for place in others], lambda done: progress(len(claims) + done)
    )
    said = dict(zip((*claims, *others), (*follows, *holds), strict=True))
    return [said[place] for place in range(len(items))]


def opinions_within(
    seconds: float, model: Model, items: Sequence[Item], progress: Done = lambda done: None
) -> list[float]:
    """Return ``opinions`` on as many of the first items as there is time for, at least a few.

    Args:
        seconds: Time that no more items are begun after.
        model: Who is asked.
        items: In random order, so that the first are a sample of all.
        progress: Told how many are done.
    """
    said: list[float] = []
    began = time.monotonic()
    while len(said) < len(items) and (not said or time.monotonic() - began < seconds):
        said += opinions(model, items[len(said) : len(said) + MEASURED])
        progress(len(said))
    return said


def _answer(item: Item, known: Found | None, opinion: float | None) -> Answer:
    """Return the surest of what is known of an item."""
    if known is not None:
        probability, by, how = known
        return Answer(item.id, probability, by, how, opinion)
    if opinion is not None:
        return Answer(item.id, opinion, "model", _not_understood(item), opinion)
    return Answer(item.id, 0.5, "nobody", _not_understood(item))


def by_symbols(item: Item, kinds: PairScorer | None = None) -> Found | None:
    """Return probability, who answers and how it was read; None where no symbols were found."""
    if item.premise:
        return _solved(item.premise, item.question)
    match = PARTS.search(item.question)
    if match:
        return _solved(match["premise"], match["hypothesis"])
    amount = calculated(item.question)
    if amount is not None:
        return amount.probability, "calculation", amount.read
    premise, hypothesis = _parts(item)
    found = _solved(premise, hypothesis, understood=True) if premise else None
    return found or (_believed(item.question, kinds) if kinds else None)


def _solved(premise: str, hypothesis: str, understood: bool = False) -> Found | None:
    """Return what the solver says; of a hypothesis that is not ``understood`` where it need not."""
    reading = read(premise, hypothesis)
    result = solved(reading)
    if result is None or (understood and reading.claim is None):
        return None
    if reading.claim is None:
        missed = f"not understood: {hypothesis}"
        return result.probability, "solver", f"{result.basis}; any claim of these two; {missed}"
    claim = reading.claim.claim
    told = f"{reading.names[claim.x]} is {claim.kind} of {reading.names[claim.y]}"
    denied = "not so that " if reading.claim.denied else ""
    missed = "".join(f"; not understood: {one}" for one in reading.not_understood)
    steps = f"{result.basis}; {denied}{told}; {result.structure}{missed}"
    return result.probability, "solver", steps


def _parts(item: Item) -> tuple[str, str]:
    """Return premise and hypothesis; of a question, all before its last sentence is a premise."""
    if item.premise:
        return item.premise, item.question
    before, _, last = item.question.strip().rpartition(". ")
    return before + "." if before else "", last


def _believed(question: str, kinds: PairScorer) -> Found | None:
    """Return what is believed about two kinds of signals that a question names."""
    match = PAIR.match(question.strip())
    if match is None:
        return None
    a, b = kind_of_metric(match["a"]), kind_of_metric(match["b"])
    if UNKNOWN.name in (a.name, b.name) or a.name == b.name:
        return None
    (belief,) = kinds.score([(a, b)])
    if not belief.answered:
        return None
    odds = exp(belief.forward)  # against the other two answers, 1 where nothing is known
    return odds / (2 + odds), "kinds", f"{a.name} -> {b.name}"


def _not_understood(item: Item) -> str:
    premise, hypothesis = _parts(item)
    missed = read(premise, hypothesis).not_understood if premise else (item.question,)
    return f"not understood: {' '.join(missed) or item.question:.300}"
