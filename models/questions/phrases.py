"""Whether two phrases speak of the same thing, and whether of its presence or of its absence."""

import re
from collections.abc import Sequence
from typing import Final

STEM: Final = 4  # letters that two forms of a word share at least
_EMPTY: Final = """
a an the of to in on for by with and or is are was were be been being has have had it its that this
those these who whom which people person individual individuals patient patients student students
would will do does did if when had chance probability taking getting having going level status next
there one they them their he she his her my your our gets get experiences experience
"""
EMPTY: Final = frozenset(_EMPTY.split())
NEGATION: Final = re.compile(
    r"\bnot\b|\bno\b|n't\b|\bnon-?|\bnever\b|\bwithout\b|\black|\babsen|\bun(?=[a-z]{4})|"
    r"\brefus|\bcannot\b|\bdeficien|\bsilent|\bin(?=active|suffic)|\bdis(?=courag)|\bfree of\b|"
    r"\bout of\b|\brecover\w* from|\bcured? of"
)
# Either side of one scale: a phrase with one of the second is the other end of one with the first.
OPPOSITES: Final = tuple(
    (re.compile(rf"\b(?:{one})"), re.compile(rf"\b(?:{other})"))
    for one, other in (
        ("high|increas|rais", "low|reduc|decreas|declin"),
        ("normal\\b", "low|high|abnormal"),
        ("large|big", "small|little"),
        ("long", "short"),
        ("dark", "bright|light"),
        ("wet|rain|flood", "dry|drought"),
        ("alive|surviv|liv(?:e|ing|es)", "dea|die|dying|kill"),
        ("accept|admi(?:t|ss)|approv", "reject|declin|refus"),
        ("healthy|recover|well\\b|good", "ill\\b|sick|problem|poor|bad"),
        ("execut|fir(?:e|ed|ing)\\b", "releas|retain|keep"),
        ("hard|diligent", "lazy|idle"),
        ("kind", "mean"),
        ("happ(?:y|i)|cheerful", "sad|unhappy"),
        ("near|close", "far"),
        ("old", "young|youth"),
        ("on\\b", "off\\b"),
        ("obes", "normal weight|slim"),
        ("clean", "pollut|dirty"),
        ("global", "local"),
        ("white-collar", "blue-collar"),
        ("in-state", "out-of-state"),
        ("college degree", "high school"),
        ("many|more", "few|less"),
        ("start|up\\b|run", "stop|down\\b|halt"),
        ("fast", "slow"),
        ("open", "clos(?:ed|ing)"),
        ("take the elevator|elevator", "stairs"),
        ("ring", "silent"),
        ("tan", "pale|white skin"),
    )
)


def stems(phrase: str) -> list[str]:
    """Return the words of a phrase that say something, in lower case.

    A negation that is part of a word is left out: "nonsmokers" -> "smokers".
    """
    plain = re.sub(r"\b(?:non-?|un(?=[a-z]{5}))", "", phrase.lower())
    words = re.findall(r"[\w'-]+", plain)
    return [word for word in words if word not in EMPTY and not NEGATION.fullmatch(word)]


def alike(one: str, other: str) -> float:
    """Return how far two phrases speak of the same thing: 0 not at all, 1 in the same words.

    Words of a scale ("high", "dead") do not tell what a phrase is about; that both are on the same
    scale, or on different ones, does.

    Example:
        >>> alike("studying hard", "students who do not study hard")
        1.0
    """
    scales = [
        {i for i, scale in enumerate(OPPOSITES) if _side(text, *scale)} for text in (one, other)
    ]
    first, second = _content(one), _content(other)
    same_scale = bool(scales[0] & scales[1])
    if not first or not second:
        return 0.6 if same_scale else 0.0
    shared = sum(any(_same(a, b) for b in second) for a in first)
    likeness = min(1.0, shared / min(len(first), len(second)))
    if all(scales) and not same_scale:
        likeness *= 0.4
    return min(1.0, likeness + 0.2 * same_scale)


def opposite(one: str, other: str) -> bool:
    """Return whether one phrase says that something is so, and the other that it is not.

    Example:
        >>> opposite("high blood pressure", "low blood pressure")
        True
        >>> opposite("smokers", "nonsmokers")
        True
    """
    turned = len(NEGATION.findall(one.lower())) % 2 != len(NEGATION.findall(other.lower())) % 2
    for positive, negative in OPPOSITES:
        a, b = _side(one, positive, negative), _side(other, positive, negative)
        if a and b and a != b:
            return not turned
    return turned


def _content(phrase: str) -> list[str]:
    """Return the words that tell what a phrase is about."""
    return [
        word
        for word in stems(phrase)
        if not any(one.match(word) or other.match(word) for one, other in OPPOSITES)
    ]


def closest(phrase: str, candidates: Sequence[str], least: float = 0.3) -> int | None:
    """Return the place of the candidate that is most alike, None where none is."""
    scores = [alike(phrase, candidate) for candidate in candidates]
    best = max(scores, default=0.0)
    return scores.index(best) if best >= least else None


def _side(phrase: str, positive: re.Pattern[str], negative: re.Pattern[str]) -> int:
    text = phrase.lower()
    return bool(positive.search(text)) - bool(negative.search(text))


def _same(a: str, b: str) -> bool:
    if a == b:
        return True
    least = min(len(a), len(b))
    shared = next((i for i in range(least) if a[i] != b[i]), least)
    return (
        least >= STEM - 1 and shared >= max(STEM - 1, least - 2) and shared >= STEM - (least < STEM)
    )
