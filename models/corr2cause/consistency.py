"""Read sentences whose words are unknown by what the others leave for them to say.

A premise that lists every relation checks itself: each pair is told to be dependent or independent,
and the independences are those of one class of graphs and of no other. So where words say nothing,
or cannot be right, sentences get the meaning that makes the list complete. Sentences of one shape
mean the same, whatever variables they are about.

Assumes:
    The premise lists all relations. Where it does not, hardly ever does a reading complete it, and
    the words alone decide.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from models.corr2cause.graphs import Pattern
from models.corr2cause.naming import PLACE, Numbered
from models.corr2cause.premise_reading import Relations, introduces, read_sentence
from models.corr2cause.relation_words import LIST, NEGATION
from models.corr2cause.statements import LARGEST, Statement, class_of, solve

PAIR: Final = 2
SMALLEST: Final = 3  # variables: two leave nothing to check
TRIED: Final = 3000  # readings of one cost, dead ends included
UNLIKELY: Final = 1  # cost of a meaning that is not what a negation, or none, suggests
OVERRULED: Final = 2  # cost of a meaning other than that of the words
MOST: Final = 4  # cost of a reading
TURN: Final = (
    r"(?:but|yet|while|whereas|however|still|nevertheless|nonetheless|conversely|in contrast|"
    r"by contrast|on the (?:other hand|contrary)|that said|at the same time|then again)"
)
LEAD: Final = re.compile(
    rf"^(?:{TURN}|and|also|so|besides|further|furthermore|moreover|meanwhile|additionally|"
    r"similarly|likewise|finally|in (?:addition|turn|fact)|note that|interestingly),?\s+"
)
NEGATED: Final = re.compile(rf"^{TURN}\b|{NEGATION.pattern}")

Meaning = tuple[Statement, ...]
Alone = Mapping[tuple[int, int], bool]  # pairs without a condition, and whether independent


@dataclass(frozen=True, slots=True)
class _Shape:
    """Sentences that differ in their variables only.

    Attributes:
        meanings: What the sentences may say, each with its cost, the cheapest first.
    """

    meanings: tuple[tuple[int, Meaning], ...]

    @property
    def alone(self) -> bool:
        """Whether the likeliest meaning tells of pairs without a condition."""
        return any(not one.given for _, meaning in self.meanings[:1] for one in meaning)


def made_complete(text: Numbered, told: Relations) -> Relations:
    """Return what a text says where its words are read so that it lists every relation.

    Args:
        text: With numbers for names.
        told: What its words say.

    Returns:
        ``told`` where the words do that already, or where no reading does. Where several do, the
        likeliest; what was not understood is then not understood still.
    """
    count = len(text.names)
    if not SMALLEST <= count <= LARGEST:
        return told
    basis = solve(count, told.statements).basis if told.statements else "contradictory"
    if not told.not_understood and basis in ("exact", "completed"):
        return told
    shapes = _shapes(text)
    most = MOST if basis in ("contradictory", "searched") else OVERRULED - 1
    for cost in range(most + 1):
        found = _complete(shapes, cost, count)
        if found:
            rivals = len(found) > 1 or _complete(shapes, cost + 1, count).keys() - found.keys()
            return Relations(next(iter(found.values())), told.not_understood if rivals else ())
    return told


def _complete(shapes: Sequence[_Shape], cost: int, count: int) -> dict[Pattern, Meaning]:
    """Return the readings of some cost that list all relations of a class, by that class."""
    found: dict[Pattern, Meaning] = {}
    for reading in islice(_readings(shapes, cost, {}, count), TRIED):
        pattern = None if reading is None else class_of(count, reading)
        if pattern is not None and reading is not None:
            found.setdefault(pattern, reading)
    return found


def _readings(
    shapes: Sequence[_Shape], cost: int, alone: Alone, count: int
) -> Iterator[Meaning | None]:
    """Yield the meanings of all shapes that cost so much together and tell each pair alike.

    Args:
        shapes: What is still to be read.
        cost: Of these.
        alone: Pairs that the others tell without a condition.
        count: Variables.

    Yields:
        A reading, or None for each dead end, so that whoever waits can count them.
    """
    if not shapes:
        yield () if not cost and len(alone) == count * (count - 1) // 2 else None
        return
    for price, meaning in shapes[0].meanings:
        pairs = {(one.a, one.b): one.independent for one in meaning if not one.given}
        if price > cost or any(alone.get(pair, how) != how for pair, how in pairs.items()):
            yield None
            continue
        for rest in _readings(shapes[1:], cost - price, {**alone, **pairs}, count):
            yield None if rest is None else (*meaning, *rest)


def _shapes(text: Numbered) -> list[_Shape]:
    """Return the shapes of a text's sentences, those first that soon show a reading to fail."""
    count = len(text.names)
    alike: dict[str, list[str]] = {}
    for sentence in text.sentences:
        if len(set(PLACE.findall(sentence))) >= 2 or list(read_sentence(sentence, count)):
            alike.setdefault(_shape(sentence), []).append(sentence)
    found = []
    for place, sentences in enumerate(alike.values()):
        told = [tuple(read_sentence(one, count)) for one in sentences]
        words = tuple(each for one in told for each in one) if all(told) else None
        if words is None and introduces(sentences[0], count, place == 0):
            continue
        meanings = {words: 0} if words else {}
        for cost, meaning in _meanings(sentences):
            meanings.setdefault(meaning, cost if words is None else OVERRULED)
        ordered = sorted(((cost, each) for each, cost in meanings.items()), key=lambda one: one[0])
        found.append(_Shape(tuple(ordered)))
    return sorted(found, key=lambda shape: (not shape.alone, len(shape.meanings)))


def _shape(sentence: str) -> str:
    """Return a sentence without its variables and without the number of its words."""
    bare = LIST.sub("<>", LEAD.sub("", sentence))
    bare = re.sub(r"\bare\b", "is", re.sub(r"\bhave\b", "has", bare))
    return re.sub(r"(?<=\w\w)s\b", "", bare).strip(" .;,")


def _meanings(sentences: Sequence[str]) -> Iterator[tuple[int, Meaning]]:
    """Yield what sentences of one shape may say where their words do not tell, with its cost.

    Of more than two variables two are a pair that the others separate.
    """
    rows = [[int(one) for one in PLACE.findall(sentence)] for sentence in sentences]
    if not all(len(set(row)) == len(row) >= PAIR for row in rows):
        return
    negated = any(NEGATED.search(one) for one in sentences)
    alone = all(len(row) == PAIR for row in rows)
    for first, second in ((0, 1), (-2, -1), (0, -1)):
        made = []
        for row in rows:
            a, b = sorted((row[first], row[second]))
            made.append(Statement(a, b, sum(1 << one for one in row if one not in (a, b))))
        yield 0 if negated or not alone else UNLIKELY, tuple(made)
        if alone:
            dependent = tuple(Statement(one.a, one.b, 0, independent=False) for one in made)
            yield UNLIKELY if negated else 0, dependent
