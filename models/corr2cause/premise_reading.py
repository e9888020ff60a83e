"""Read sentences about dependence and independence, whatever their wording.

Each sentence comes with numbers for names. What is held fixed is told by the words around a list of
numbers ("given <2> and <3>", "when <2> is known"); the rest is one pair or more, and whether it is
dependent is told by its words for relations and by how often they are negated.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from models.corr2cause.clause_parts import held_fixed, polarity
from models.corr2cause.naming import PLACE, Numbered
from models.corr2cause.relation_words import (
    ALL_PAIRS,
    ALSO_ALONE,
    ASIDE,
    BETWEEN,
    CLAUSE,
    EVERY_PAIR,
    EXCEPT,
    FIXES,
    GIVEN_EACH,
    HALF_A_PAIR,
    LIST,
    NEXT_PREDICATE,
    OBSERVED,
    OTHER_PAIRS,
    OUTRIGHT,
    PAIRED,
    SCREENING,
    SCREENS,
    THEN_OBSERVED,
    TWO,
    UNLESS,
)
from models.corr2cause.statements import Statement

LONGEST: Final = 2500  # characters of a sentence with numbers for names


@dataclass(frozen=True, slots=True)
class Relations:
    """What was read of a premise.

    Attributes:
        statements: In the order of the text, each once.
        not_understood: Sentences with two names or more that could not be read, as written.
    """

    statements: tuple[Statement, ...]
    not_understood: tuple[str, ...]


def read_relations(text: Numbered) -> Relations:
    """Return the statements in a text; sentences that only introduce the names say nothing."""
    found: dict[Statement, None] = {}
    missed = []
    told = []
    for sentence, original in zip(text.sentences, text.original, strict=True):
        named = len(set(PLACE.findall(sentence)))
        if named > 1 or EVERY_PAIR.search(sentence):
            told.append((sentence, original))
        elif named and polarity(sentence, None) is not None:
            missed.append(original)  # a relation with something that is not known by name
    if len(text.names) == 2 and len(told) > 1:
        told = told[1:]  # the first one names the two, as the last ones do
    for place, (sentence, original) in enumerate(told):
        statements = list(read_sentence(sentence, len(text.names)))
        found.update(dict.fromkeys(statements))
        named = len(set(PLACE.findall(sentence)))
        if named < 2 or introduces(sentence, len(text.names), place == 0):
            continue
        if not statements or loses(sentence, statements):
            missed.append(original)
    for sentence, _ in told:
        found.update(dict.fromkeys(_rest(sentence, list(found), len(text.names))))
    return Relations(tuple(found), tuple(missed))


def _rest(sentence: str, found: Iterable[Statement], count: int) -> Iterator[Statement]:
    """Yield what "all other pairs are correlated" says of those that no other sentence tells."""
    rest = OTHER_PAIRS.search(sentence) if len(sentence) <= LONGEST else None
    independent = polarity(sentence[rest.start() :]) if rest else None
    if independent is None:
        return
    known = {(one.a, one.b) for one in found if not one.given}
    for a, b in combinations(range(count), 2):
        if (a, b) not in known:
            yield Statement(a, b, 0, independent)


def loses(sentence: str, statements: Iterable[Statement]) -> bool:
    """Return whether a sentence names variables that what was read of it leaves out.

    A name that comes twice among what is held fixed was in two sets, which are read as one.
    """
    used = 0
    for one in statements:
        used |= 1 << one.a | 1 << one.b | one.given
    named = {int(one) for one in PLACE.findall(sentence)}
    twice = any(len(set(one)) < len(one) for one in held_fixed(sentence).given)
    return twice or any(not used >> node & 1 for node in named)


def introduces(sentence: str, count: int, first: bool) -> bool:
    """Return whether a sentence that states nothing only tells which variables there are.

    Args:
        sentence: In lower case, with "<0>" and so on for names.
        count: Variables in all.
        first: Whether it is the first to name any; others do so in one list.
    """
    lists = [len(set(PLACE.findall(one[0]))) for one in LIST.finditer(sentence)]
    return count > 2 and (count in lists or (first and sum(lists) == count))


def read_sentence(sentence: str, count: int) -> Iterator[Statement]:
    """Yield what one sentence states.

    Args:
        sentence: In lower case, with "<0>" and so on for names.
        count: Variables in all.
    """
    sentence = sentence.replace("_||_", " ⊥ ").replace("⊥⊥", "⊥").replace("||", "⊥")
    if len(set(PLACE.findall(sentence))) == 2:
        sentence = OBSERVED.sub(r"\g<a> ", sentence)
    sentence = THEN_OBSERVED.sub(r"\g<a> ", sentence)
    if len(sentence) > LONGEST or GIVEN_EACH.match(sentence):
        return
    for screens in SCREENS if SCREENING.search(sentence) else ():
        sentence = screens.sub(r"given \g<by>, \g<a> and \g<b> are independent", sentence)
    excepted = EXCEPT.search(sentence)
    if EVERY_PAIR.search(sentence) and (excepted or not PLACE.search(sentence)):
        yield from _every_pair(sentence, excepted, count)
        return
    if _names_all_first(sentence, count) or ALL_PAIRS.search(sentence):
        return
    yield from _read_clauses(_clauses(sentence))


def _clauses(sentence: str) -> list[str]:
    """Return the parts of a sentence that each state something."""
    sentence = UNLESS.sub(lambda match: f" but {_opposite(sentence)} when ", sentence)
    signs = sentence.split("⊥")
    if len(signs) > 2:  # "<0> ⊥ <1>, <0> ⊥ <2> | <3>"
        parts = re.split(r"(?:,|;|,? and)\s+(?=<\d+>\s*⊥)", sentence)
        lead = "" if "⊥" in parts[0] else f"{parts.pop(0)}, "
        return [lead + part for part in parts]
    return [part for clause in CLAUSE.split(sentence) for part in _predicates(clause)]


def _predicates(clause: str) -> list[str]:
    """Return the parts of a clause of which each says something of its own pair.

    Two denials in one clause would else be read as none.
    """
    parts = [clause]
    for match in reversed(list(NEXT_PREDICATE.finditer(clause))):
        before = clause[: match.start()]
        _, words, groups = _apart(before)
        whole = sum(map(len, groups)) > 1 and not HALF_A_PAIR.search(before)
        if polarity(words) is not None and whole:
            parts[:1] = [before, parts[0][match.end() :]]
    return parts


def _opposite(sentence: str) -> str:
    return "dependent" if polarity(sentence) else "independent"


def _read_clauses(clauses: Iterable[str]) -> Iterator[Statement]:
    """Yield what clauses state; each takes up from the one before what it leaves out."""
    subject: Sequence[int] = ()
    sides: list[tuple[Sequence[int], ...]] = []
    before: bool | None = None
    for clause in clauses:
        sets, words, groups = _apart(clause)
        independent = polarity(words, before)
        if independent is None or not (groups or (sets != [[]] and sides)):
            continue
        before = independent if before is None else before
        sides = _sides(groups, subject, clause) if groups else sides
        subject = sides[0][0] if sides else subject
        if sets != [[]] and ALSO_ALONE.search(clause):
            sets = [[], *sets]
        for given in sets:
            condition = sum(1 << node for node in set(given))
            for a, b in _pairs(sides):
                if a != b and not condition & (1 << a | 1 << b):
                    yield Statement(min(a, b), max(a, b), condition, independent)


def _names_all_first(sentence: str, count: int) -> bool:
    """Return whether a sentence lists all variables, and says of the list no relation."""
    lists = [one for one in LIST.finditer(sentence) if len(set(PLACE.findall(one[0]))) == count]
    if count <= 2 or not lists or FIXES.search(sentence[: lists[0].start()]):
        return False
    after = sentence[lists[0].end() :]
    return (
        not re.match(r" (?:are|all|do|depend|correlate)\b", after) or polarity(after, None) is None
    )


def _rule(sentence: str, excepted: re.Match[str] | None) -> tuple[str, str]:
    """Return a sentence's rule and its exceptions, whichever comes first."""
    if excepted is None:
        main = ASIDE.split(sentence, maxsplit=1)[0]
        return (main if OUTRIGHT.search(main) else sentence), ""
    behind = sentence[excepted.end() :]
    last = behind.rfind(">") + 1
    rule = (
        EVERY_PAIR.search(behind, last) if polarity(sentence[: excepted.start()]) is None else None
    )
    if rule:
        return behind[rule.start() :], behind[:last]
    return sentence[: excepted.start()], behind


def _every_pair(sentence: str, excepted: re.Match[str] | None, count: int) -> Iterator[Statement]:
    """Yield what a sentence says of all pairs but those that it excepts."""
    rule, exceptions = _rule(sentence, excepted)
    independent = polarity(rule, None)
    if independent is None:
        return
    left = [int(one) for one in PLACE.findall(exceptions)]
    apart = {tuple(sorted(pair)) for pair in zip(left[::2], left[1::2], strict=False)}
    for a, b in combinations(range(count), 2):
        if (a, b) in apart:
            yield Statement(a, b, 0, not independent)
        elif excepted or OUTRIGHT.search(rule):
            yield Statement(a, b, 0, independent)


def _apart(clause: str) -> tuple[list[list[int]], str, list[list[int]]]:
    """Return the sets that are held fixed in turn, the words that say the relation, and lists."""
    held = held_fixed(clause)
    before, groups = held.before, held.groups
    # "Given <2>, <0> and <1> are ...": one list in writing, of which the pair is the end.
    # Only words behind it can say so; "they are independent given <2>, <0> and <1>" has no pair.
    needed = 2 - sum(map(len, groups)) if polarity(held.last) is not None else 0
    if needed == 2 and len(before) > needed and all(len(one) == 1 for one in before):
        return before[:-2], held.words, [[node for one in before[-2:] for node in one]]
    if needed > 0 and before and len(before[-1]) > needed:
        groups = [before[-1][-needed:], *groups]
        before = [*before[:-1], before[-1][:-needed]]
    elif needed > 0 and held.behind and len(held.behind[-1]) > needed:
        groups = [held.behind[-1][-needed:], *groups]
        both = [node for one in held.behind for node in one][:-needed]
        return [both], held.words, groups
    # "Given <2>, <0> and <1> are independent given <3>": both; "given <2>, given <3>": each.
    if len(before) > 1 and not held.behind:
        return before, held.words, groups
    common = [node for one in before for node in one]
    return [common + one for one in held.behind] or [common], held.words, groups


def _sides(
    groups: list[list[int]], subject: Sequence[int], clause: str
) -> list[tuple[Sequence[int], ...]]:
    """Return who is related with whom: pairs of lists, or one list that is related within."""
    flat = [node for group in groups for node in group]
    between = len(BETWEEN.findall(clause)) == len(groups)
    if len(flat) > 2 and all(len(group) == 2 for group in groups) and between:
        return [((a,), (b,)) for a, b in zip(flat[::2], flat[1::2], strict=True)]
    paired = _in_pairs(clause, flat) if len(flat) > 2 and PAIRED.search(clause) else []
    if paired:
        return paired
    if len(groups) == 1:
        (only,) = groups
        if subject and len(only) >= 1 and len(only) != 2:
            return [(subject, only)]
        return [(only,)] if len(only) > 1 and len(set(only)) == len(only) else []
    if len(groups) == 2:
        return [] if _is_apart(clause) else [(groups[0], groups[1])]
    inner = groups[1:-1]
    if all(len(group) == 2 for group in inner):  # "<0> goes with <1> and <2> goes with <3>"
        return [((a,), (b,)) for a, b in zip(flat[::2], flat[1::2], strict=False)]
    return []


def _is_apart(clause: str) -> bool:
    """Return whether the first of two lists stands in a clause of its own ahead of the relation.

    What it is there for cannot be told: it may be held fixed, or the pair may be the first.
    """
    first, second = list(LIST.finditer(clause))[-2:]
    ahead, between = clause[: first.start()], clause[first.end() : second.start()]
    return bool(
        re.search(r"\w", ahead)
        and re.search(r"\w[^<]*,", between)
        and polarity(ahead + between) is None
        and len(PLACE.findall(second[0])) > 1
    )


def _in_pairs(clause: str, flat: Sequence[int]) -> list[tuple[Sequence[int], ...]]:
    """Return the pairs of "<0> and <1>, <0> and <2>"; a list of other names may stand before."""
    pairs = [(int(one["a"]), int(one["b"])) for one in TWO.finditer(clause)]
    paired = [node for pair in pairs for node in pair]
    before = flat[: len(flat) - len(paired)]
    if [*before, *paired] != list(flat) or len(set(before)) < len(before):
        return []
    return [((a,), (b,)) for a, b in pairs]


def _pairs(sides: Iterable[tuple[Sequence[int], ...]]) -> Iterator[tuple[int, int]]:
    for side in sides:
        if len(side) == 1:
            yield from combinations(side[0], 2)
        else:
            yield from ((a, b) for a in side[0] for b in side[1])
