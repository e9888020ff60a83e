"""One name for each variable of a text that gives it two: "poor sleep (A)", "A = poor sleep".

A text that names its variables twice goes on to use either name, or both at once. Before anything
is read, the short one is put everywhere.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from models.corr2cause.naming import SEPARATOR, is_name

SHORT: Final = r"(?P<short>[A-Za-z][A-Za-z]?\d?)"
LONG: Final = r"(?P<long>[^\s,;:()\[\].=\n][^,;:()\[\]=\n]{1,80}?)"
CALLED: Final = (
    r"(?:(?:denoted|called|labell?ed|written|abbreviated|henceforth|hereafter|variable|or|as|"
    r"by) )*"
)
# What tells both names at once, the longer first or the shorter.
BOTH_NAMES: Final = (
    re.compile(rf"{LONG}\s+[(\[]{CALLED}[\"'‘“]?{SHORT}[\"'’”]?[)\]]"),
    re.compile(rf"(?<![\w(]){SHORT}\s+\((?P<long>[^()|=<>≠]{{3,80}})\)"),
    re.compile(
        r"(?<![\w(])(?P<short>[A-Z]\d?)(?:\s*=|:| be| denotes?| stands? for| represents?)\s+"
        r"(?P<long>[a-z][^,;.()=:|\n]{2,80}?)(?=\s*(?:[,;.\n]|,? and [A-Z]\d?\b|$))"
    ),
)
# No name holds these: "A: correlated with B" tells of no second name.
TELLS: Final = re.compile(
    r"correlat|depend|associat|relat|given|\b[A-Z]\b|[≠<>|⊥]|\b(?:is|are|was|were|not)\b"
)
OPENS: Final = re.compile(
    r"^(?:.*\b(?:and|or|are|is|of|on|has|have|namely|let|consider|say|track|study|covers?|includes?|"
    r"measured?|recorded?)\s+)?(?:the |an? )?",
    re.IGNORECASE,
)
LED: Final = re.compile(
    r"^(?:.*\b(?:denot(?:e|ing)|writ(?:e|ing)|call(?:ing)?|label|"
    r"abbreviat(?:e|ing)|nam(?:e|ing)|us(?:e|ing)|let|refer)\s+)?(?:to )?(?:the |an? )?",
    re.IGNORECASE,
)
TO: Final = re.compile(r"^(?:to|by)\s+")
BEGUN: Final = re.compile(
    r"^.*\b(?:are|is|namely|consider|track|measured?|recorded|study|have)\s+", re.IGNORECASE
)
FIRST: Final = re.compile(r"^(?:(?:and|or|the|an?)\s+)+", re.IGNORECASE)
# "Let A denote heat and B ice": what tells that letters are given to names, and then each of them.
GIVES: Final = re.compile(
    r"\b(?:let|denot\w+|writ(?:e|es|ing|ten)|stands?|call|called|short for|represents?|"
    r"refers?|means?|us(?:e|es|ing)|put|set|abbreviat\w+|label\w*|nam(?:e|es|ing))\b",
    re.IGNORECASE,
)
IS_GIVEN: Final = re.compile(r"^\W*(?:[Hh]ere,? |[Ww]here )?[A-Z]\d? is (?:the )?[a-z]")
LETTER: Final = r"(?P<short>[A-Z]\d?)"
JOINS: Final = r"(?:\s*[,;]\s*(?:and\s+)?|\s+and\s+)(?:(?:let|with|by)\s+)?"
STANDS: Final = (
    r"(?:\s+(?:we|denote|is|be|will|shall|stands?|denotes?|denoting|represents?|representing|refers?|to|means?|"
    r"meaning|short|written|for|as|the|a|an|variable)\b|\s*[=:])*\s+"
)
WRITTEN: Final = (
    r"(?:\s+(?:is|are|will|shall|be|being|written|denoted|called|labell?ed|abbreviated|named|by|as|"
    r"with|to|the|letter|variable|symbol))*\s+"
)
NAME: Final = r"(?P<long>[^\W\d_](?!\s)[^,;:()\[\].=\n]{1,60}?)"
GIVEN_EACH: Final = (
    re.compile(rf"(?<!\w){LETTER}{STANDS}{NAME}(?={JOINS}[A-Z]\d?\b|\s*(?:[.,;\n]|$))"),
    re.compile(rf"(?:(?<=^)|(?<=\s)){NAME}{WRITTEN}[\"']?{LETTER}[\"']?(?=\s*(?:[.,;\n]|and\b|$))"),
)
LETTERS: Final = r"(?P<shorts>[A-Z]\d?(?:(?:,? and |, )[A-Z]\d?){1,7})"
IN_TURN: Final = re.compile(
    rf"(?<!\w){LETTERS}{STANDS}(?P<longs>[^:()\[\].=\n]{{3,400}}?)(?:,?\s+respectively)?(?=[.\n;]|$)"
)
TURNED: Final = re.compile(
    rf"(?P<longs>[^:()\[\].=\n]{{3,400}}?),?(?: which| that| we| are| will be)*"
    rf" (?:call|called|denoted?|write|written|label|labell?ed|named?)(?: by| as)? {LETTERS}"
)
SAID: Final = re.compile(r"[^.;\n]{8,600}(?:[.;\n]|$)")
FIRST_SENTENCES: Final = 6
FEWEST: Final = 2  # variables with two names
MOST_WORDS: Final = 6


class TwoNames(NamedTuple):
    """A variable's short name and its long one."""

    short: str
    long: str


def with_one_name(premise: str, rest: str) -> tuple[str, str, Mapping[str, str]]:
    """Return a premise and a further text in short names, and the long name of each.

    Args:
        premise: May tell two names of each variable; where it does not, all stays as it is.
        rest: May use either.

    Example:
        >>> with_one_name("Heat (A) and ice (B) count. Heat correlates with B.", "Heat causes ice.")
        ('A and B count. A correlates with B.', 'A causes B.', {'A': 'Heat', 'B': 'ice'})
    """
    for pattern in BOTH_NAMES:
        named = list(_named(pattern, premise, rest))
        shorts = {one.short for one in named}
        longs = {one.long.casefold() for one in named}
        if len(named) >= FEWEST and len(shorts) == len(longs) == len(named):
            return _in_short(premise, named), _in_short(rest, named), dict(named)
    for place, match in enumerate(SAID.finditer(premise)):
        if place == FIRST_SENTENCES:
            break
        given = _given(match[0], premise[: match.start()] + premise[match.end() :])
        if given:
            named, end = given
            letters = " and ".join(one.short for one in named)
            before, after = premise[: match.start()], premise[match.start() + end :].lstrip(" ,.;")
            told = f"{_in_short(before, named)} The variables are {letters}. "
            return told + _in_short(after, named), _in_short(rest, named), dict(named)
    return premise, rest, {}


def _given(sentence: str, elsewhere: str) -> tuple[list[TwoNames], int] | None:
    """Return the letters that a sentence gives to names, and where it is done with that.

    "Let A denote heat and B ice": but for the first, the words between both names may be left out.
    """
    if not GIVES.search(sentence) and not IS_GIVEN.search(sentence):
        return None
    for turn in filter(None, (IN_TURN.search(sentence), TURNED.search(sentence))):
        first, *others = SEPARATOR.split(turn["longs"])
        longs = [FIRST.sub("", BEGUN.sub("", first)), *others]
        shorts = SEPARATOR.split(turn["shorts"])
        if len(shorts) == len(longs) and _are_names(made := list(map(TwoNames, shorts, longs))):
            return made, turn.end()
    for pattern in GIVEN_EACH:
        matches = list(pattern.finditer(sentence))
        named = [
            TwoNames(one["short"], FIRST.sub("", TO.sub("", one["long"].strip())))
            for one in matches
        ]
        if named and pattern is GIVEN_EACH[1]:  # words that introduce the list stand before it
            begun = LED.sub("", named[0].long)
            named[0] = TwoNames(named[0].short, FIRST.sub("", begun))
        used = sum(bool(re.search(rf"(?<!\w){one.short}(?!\w)", elsewhere)) for one in named)
        if used >= FEWEST and _are_names(named):
            return named, matches[-1].end()
    return None


def _are_names(named: list[TwoNames]) -> bool:
    """Return whether each of two variables or more has two names of its own."""
    shorts = {one.short for one in named}
    longs = {one.long.casefold() for one in named}
    return (
        len(named) >= FEWEST
        and len(shorts) == len(longs) == len(named)
        and all(
            is_name(one.long) and len(one.long.split()) <= MOST_WORDS and not TELLS.search(one.long)
            for one in named
        )
    )


def _named(pattern: re.Pattern[str], premise: str, rest: str) -> Iterator[TwoNames]:
    """Yield the variables of which a text tells two names, each once."""
    seen: set[str] = set()
    for match in pattern.finditer(premise):
        long = FIRST.sub("", match["long"].strip(" \"'‘’“”*-"))
        if not seen:  # words that introduce the list may stand before the first
            elsewhere = f"{premise[: match.start()]} {premise[match.end() :]} {rest}"
            long = _last_words(long, elsewhere)
        if match["short"] not in seen and not TELLS.search(long):
            seen.add(match["short"])
            yield TwoNames(match["short"], long)


def _last_words(text: str, elsewhere: str) -> str:
    """Return the most last words of a text that are used elsewhere; else all but how it opens."""
    words = text.split()
    tails = (" ".join(words[-count:]) for count in range(min(MOST_WORDS, len(words)), 0, -1))
    used = (one for one in tails if is_name(one) and _any_of([one]).search(elsewhere))
    return next(used, OPENS.sub("", text))


def _in_short(text: str, named: list[TwoNames]) -> str:
    """Return a text in which each variable has its short name."""
    for short, long in sorted(named, key=lambda one: -len(one.long)):
        name = _any_of([long]).pattern
        sign = re.escape(short)
        text = re.sub(rf"{name}\s*[(\[][^()\[\]]{{0,20}}?\b{sign}\W?[)\]]", short, text, flags=re.I)
        text = re.sub(
            rf"(?<!\w){sign}\s*(?:\({name}\)|(?:=|:| be| denotes?| stands? for|"
            rf" represents?)\s+(?:the |an? )?{name})",
            short,
            text,
            flags=re.I,
        )
        text = re.sub(rf"(?<!\w)(?:the )?{name}", short, text, flags=re.I)
    return text


def _any_of(names: list[str]) -> re.Pattern[str]:
    inside = "|".join(re.escape(name) for name in names)
    return re.compile(rf"(?<![\w<])(?:{inside})(?![\w>])", re.IGNORECASE)
