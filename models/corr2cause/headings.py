"""Entries of a list get the words of the heading under which they stand.

"Independent pairs:" is followed by pairs that say nothing by themselves; "Given <2>:" by sentences
that leave out what they all hold fixed. Each entry becomes a whole sentence.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

from models.corr2cause.clause_parts import held_fixed, polarity
from models.corr2cause.graphs import nodes_in
from models.corr2cause.naming import PLACE, Numbered
from models.corr2cause.premise_reading import read_sentence
from models.corr2cause.relation_words import EXCEPT, GIVEN_EACH

NAME: Final = r"<\d+>"
JOIN: Final = r"\s*(?:\band\b|\bwith\b|\bvs\b\.?|\bversus\b|\bto\b|&|<?[-–—/~↔]+>?)\s*"
ITEM: Final = re.compile(rf"(?P<a>{NAME}){JOIN}(?P<b>{NAME})")
CONDITION: Final = re.compile(
    r"[\s,]*(?:\||\b(?:when |if |once |after )?(?:given|conditional(?:ly)? on|conditioned on|"
    r"conditioning on|controlling for|adjusting for|holding|knowing|by)\b)"
)
SEPARATORS: Final = re.compile(r"(?:[\s,;.]|\band\b|\balso\b)*")
ONLY_NAMES: Final = re.compile(rf"(?:{NAME}|{JOIN}|[\s,;.])+")
# "Of <0>, <1> and <2>, the following pairs show a correlation:" names them first.
AHEAD: Final = re.compile(r"^.*<\d+>[^<]*?,\s+(?=the (?:following )?pairs\b[^<]*:$)")
NAMED_FIRST: Final = re.compile(rf"(?:also |and |so )?{NAME}")
SUBJECT: Final = re.compile(rf"({NAME})\s*:")


@dataclass(frozen=True, slots=True)
class _Heading:
    """What the entries below are told by.

    Attributes:
        independent: What it says of them; None where only what is held fixed.
        given: What it holds fixed, as names.
    """

    independent: bool | None
    given: tuple[int, ...]


def headed(text: Numbered) -> Numbered:
    """Return a text in which what stands under a heading is a sentence of its own."""
    for told_by in (_conditioned, _told):
        told = list(told_by(text))
        text = replace(
            text,
            sentences=tuple(sentence for sentence, _ in told),
            original=tuple(original for _, original in told),
        )
    return text


def _conditioned(text: Numbered) -> Iterator[tuple[str, str]]:
    """Yield sentences that leave out what they hold fixed, or whom they are about, with it.

    "<0> and <1> are independent given each of these: <2>; <3>." and "Given <2>, <0> is independent
    of <1>; <0> is independent of <3>."
    """
    pair, held = "", ""
    below = (*text.sentences, "")[1:]
    for sentence, original, after in zip(text.sentences, text.original, below, strict=True):
        sets = GIVEN_EACH.match(sentence)
        if sets and ONLY_NAMES.fullmatch(after):
            pair = sets["pair"]
            continue
        if pair and ONLY_NAMES.fullmatch(sentence):
            yield f"{pair} given {sentence}", original
            continue
        pair = ""
        if CONDITION.match(sentence):
            given = {one.given for one in read_sentence(sentence, len(text.names)) if one.given}
            held = f"given {_listed(list(nodes_in(given.pop())))}, " if len(given) == 1 else ""
        elif not (NAMED_FIRST.match(sentence) and not held_fixed(sentence).given):
            held = ""
        yield (sentence if CONDITION.match(sentence) else held + sentence), original
        held = held if sentence.endswith(";") else ""


def _told(text: Numbered) -> Iterator[tuple[str, str]]:
    heading: _Heading | None = None
    exceptions = ""  # a sentence whose exceptions come below it
    subject = ""
    for sentence, original in zip(text.sentences, text.original, strict=True):
        entry = f"{subject} with {sentence}" if subject else sentence
        subject = ""
        if exceptions and ONLY_NAMES.fullmatch(entry):
            exceptions += f" {entry}"
            continue
        if exceptions:
            yield exceptions, exceptions
            exceptions = ""
        begun = _heading(sentence)
        if begun and EXCEPT.search(sentence):
            exceptions, heading = sentence.rstrip(":"), None
        elif begun:
            heading = begun
        elif heading and SUBJECT.fullmatch(sentence):
            subject = sentence.rstrip(" :")
        elif heading and heading.independent is not None and polarity(entry) is None:
            entries = list(_entries(entry, heading, len(text.names)))
            yield from ((one, original) for one in entries or [sentence])
        elif heading and heading.independent is None and len(PLACE.findall(sentence)) > 1:
            yield f"given {_listed(heading.given)}, {sentence}", original
            heading = None if sentence.endswith(".") else heading
        else:
            heading = heading if not PLACE.search(sentence) else None
            yield sentence, original
    if exceptions:
        yield exceptions, exceptions


def _heading(sentence: str) -> _Heading | None:
    """Return what a sentence says of what comes below it; None where it is no heading."""
    if not sentence.endswith(":"):
        return None
    behind = AHEAD.sub("", sentence)
    held = held_fixed(behind.rstrip(":"))
    independent = polarity(held.words)
    if held.groups or (independent is None and not held.given):
        return None
    return _Heading(independent, tuple(node for one in held.given for node in one))


def _entries(entry: str, heading: _Heading, count: int) -> Iterator[str]:
    """Yield a sentence for each pair of an entry; nothing where it holds other words.

    A list of all ``count`` variables tells which there are, and not what they are.
    """
    condition = CONDITION.search(entry)
    pairs = entry[: condition.start()] if condition else entry
    behind = entry[condition.end() :] if condition else ""
    if not ONLY_NAMES.fullmatch(pairs) or len(PLACE.findall(pairs)) < 2:
        return
    if len(set(PLACE.findall(pairs))) == len(PLACE.findall(pairs)) == count > 2:
        return
    fixed = behind.strip(" .;,") if condition else ""
    if heading.given:
        fixed = " and ".join([*([fixed] if fixed else []), _listed(heading.given)])
    relation = "independent" if heading.independent else "dependent"
    for a, b in _pairs(pairs):
        yield f"{a} and {b} are {relation}{f' given {fixed}' if fixed else ''}"


def _pairs(text: str) -> Sequence[tuple[str, str]]:
    """Return the pairs in a list of names: "a and b, c and d", "a with b, c and d", "a, b, c"."""
    names = re.findall(NAME, text)
    items = list(ITEM.finditer(text))
    left = ITEM.sub(" ", text)
    if 2 * len(items) == len(names) and SEPARATORS.fullmatch(left):
        return [(item["a"], item["b"]) for item in items]
    if re.search(r"\bwith\b|\bto\b", text):
        return [(names[0], other) for other in names[1:]]
    return list(combinations(names, 2))


def _listed(nodes: Sequence[int]) -> str:
    return " and ".join(f"<{node}>" for node in nodes)
