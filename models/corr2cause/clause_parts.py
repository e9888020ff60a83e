"""The parts of a clause: what it holds fixed, of which names it tells, and which relation.

What is held fixed is told by the words around a list of numbers ("given <2> and <3>", "when <2> is
known"), or by a clause of its own ahead of the pair; whether a relation is dependence, by the words
for it and by how often they are negated.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from models.corr2cause.naming import PLACE
from models.corr2cause.relation_words import (
    ANY_OF,
    CLOSES,
    DEPENDENT,
    FIXES,
    INDEPENDENT,
    LEAD_ENDS,
    LEADS,
    LIST,
    NEGATION,
    OPENS,
)


@dataclass(frozen=True, slots=True)
class Held:
    """A clause in parts.

    Attributes:
        before: What is held fixed ahead of the pair.
        behind: The same behind it: one set after the other, each makes a statement.
        words: Those that say the relation.
        groups: The other lists of names.
        last: The words behind the last list that is held fixed.
    """

    before: list[list[int]] = field(default_factory=list)
    behind: list[list[int]] = field(default_factory=list)
    words: str = ""
    groups: list[list[int]] = field(default_factory=list)
    last: str = ""

    @property
    def given(self) -> list[list[int]]:
        """All that is held fixed."""
        return [*self.before, *self.behind]


def held_fixed(clause: str) -> Held:
    """Return what a clause holds fixed, the words that say the relation, and the other lists."""
    before: list[list[int]] = []
    behind: list[list[int]] = []
    groups: list[list[int]] = []
    words, end, last = "", 0, ""
    for match in LIST.finditer(clause):
        ahead, after = clause[end : match.start()], clause[match.end() :]
        fixed = FIXES.search(ahead)
        opened = OPENS.search(ahead)
        closes = CLOSES.match(after) if opened else None
        leads = None if fixed or closes or end else _leads(ahead, match[0], after)
        if leads is not None:
            before.append([int(one) for one in PLACE.findall(match[0])])
            end = match.end() + leads
            last = clause[end:]
        elif fixed or closes:
            marker = fixed or opened
            any_of = bool(marker and ANY_OF.search(marker[0])) and " or " not in match[0]
            (behind if groups else before).extend(_alternatives(match[0], any_of))
            words += (ahead[: marker.start()] if marker else ahead) + " "
            end = match.end() + (closes.end() if closes else 0)
            last = clause[end:]
        else:
            groups.append([int(one) for one in PLACE.findall(match[0])])
            words += ahead + " <> "
            end = match.end()
    return Held(before, behind, words + clause[end:], groups, last)


def _leads(ahead: str, listed: str, after: str) -> int | None:
    """Return how far a clause goes on behind the list that it holds fixed ahead of the pair.

    "As long as <0> and <1> took one value, <2> and <3> had no relation": whatever the words, a
    list in a clause of its own that tells of no relation is what is held fixed.

    Returns:
        None where the list is no such one.
    """
    opening = LEADS.match(ahead)
    if opening is None or polarity(ahead) is not None:
        return None
    comma = LEAD_ENDS.match(after)
    if comma and polarity(comma[0]) is None:
        pair = len(set(PLACE.findall(after[comma.end() :]))) >= 2
        return comma.end() if pair and polarity(after[comma.end() :]) is not None else None
    # "Factoring in <0>, <1> and <2> are unrelated": one list in writing, the pair at its end.
    if opening["clause"] is None or "," in ahead or polarity(after) is None:
        return None
    inside, behind = len(PLACE.findall(listed)), len(PLACE.findall(after))
    of_pair = 2 - behind
    return 0 if of_pair in (1, 2) and "," in listed and inside > of_pair else None


def _alternatives(listed: str, any_of: bool) -> Iterator[list[int]]:
    """Yield the sets that a list names: one, or several where "or" stands between them."""
    for part in re.split(r"\bor\b", listed):
        members = [int(one) for one in PLACE.findall(part)]
        yield from ([one] for one in members) if any_of else [members]


def polarity(words: str, before: bool | None = None) -> bool | None:
    """Return whether the words say "independent"; None where they tell of no relation.

    Args:
        words: Of a clause, without what it holds fixed.
        before: What the clause before said, which "but not with <3>" takes up.
    """
    denials = [one for one in NEGATION.findall(words) if one != "nor"]
    negated = len(denials or NEGATION.findall(words)) % 2 == 1
    if INDEPENDENT.search(words):
        return not negated
    if DEPENDENT.search(words):
        return negated
    return None if before is None else before != negated
