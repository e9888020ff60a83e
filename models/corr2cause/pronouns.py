"""Sentences that take up the pair or the relation of what was said before name it themselves.

"<0> and <1> are dependent, but they are independent given <2> and <3>": without a name for "they",
what is held fixed would be the only list of names, and could be taken for the pair.
"""

import re
from dataclasses import replace
from typing import Final

from models.corr2cause.clause_parts import held_fixed, polarity
from models.corr2cause.naming import PLACE, Numbered
from models.corr2cause.relation_words import CLAUSE

LONGEST: Final = 2500  # characters of a sentence with numbers for names
THEY: Final = re.compile(
    r"(?P<comma>,\s*(?:(?:and|but|though|"
    r"although) )?)?\b(?P<between>between )?(?:they(?: (?:both|two))?|them|"
    r"(?:the|this|that|these|those) (?:two|pair)"
    r"(?: of (?:them|variables))?|both(?: of (?:them|these))?(?=,? (?:are|were|become|became|get|"
    r"remain|stay|turn)\b))(?! (?:all|pairs?|<)| of <)\b(?: variables)?(?! <)"
)
# ", which vanishes given <2>": the dependence of which the clause before tells.
WHICH: Final = re.compile(
    r",\s*(?:(?:and|but) )?(?:which|this|that|it) (?=(?:\w+ )?(?:vanish|disappear|ceas|"
    r"goes away|is gone|"
    r"is lost|stops|breaks|is broken|is removed)[^<]*<)"
)
IT: Final = re.compile(
    r"\bit(?= (?:\w+ )?(?:is|was|becomes|became|remains|gets|does|correlates|depends)\b[^<]*"
    r"\b(?:of|from|with|to|on) (?:the )?<\d+>)"
)
AND_BETWEEN: Final = re.compile(
    r"^(?:(?:and|or|also|as well as|likewise|nor|finally|further|one|so|similarly|too),? )*"
    r"(?:between (?=<)|(?<=[a-z] )(?:(?:is|are|do|does|were|was|did) )?(?=<\d+> and <\d+>))"
)


def taken_up(text: Numbered) -> Numbered:
    """Return a text in which no sentence leaves out its pair because the one before named it."""
    told = []
    before = ""
    for sentence in text.sentences:
        whole = sentence
        if len(sentence) <= LONGEST:
            whole = _with_relation(_with_names(sentence, before), before)
        told.append(whole)
        before = whole if PLACE.search(whole) and len(whole) <= LONGEST else ""
    return replace(text, sentences=tuple(told))


def _with_names(sentence: str, before: str) -> str:
    """Return a sentence with the pair that was named last in the place of a pronoun."""
    which = WHICH.search(sentence)
    if which and (one := _last_pair(sentence[: which.start()])):
        link = f"; the dependence between <{one[0]}> and <{one[1]}> "
        return sentence[: which.start()] + link + sentence[which.end() :]
    they = THEY.search(sentence)
    found = they or IT.search(sentence)
    if found is None or polarity(sentence) is None:
        return sentence
    said, after = sentence[: found.start()], sentence[found.end() :]
    clause = CLAUSE.split(said)[-1]
    within = _last_pair(said)
    pair = within or _last_pair(before)
    groups = [node for one in held_fixed(f"{clause} and {after}").groups for node in one]
    if pair is None or (they and groups and not within):  # "they" and others
        return sentence
    if they is None:
        other = [node for node in pair if [node] != groups]
        return f"{said}<{other[0]}>{after}" if len(other) == 1 else sentence
    # A clause that has told its own relation ends here; one that only holds fixed goes on.
    ends = they["comma"] and polarity(held_fixed(clause).words) is not None
    comma = "; " if ends else they["comma"] or ""
    return f"{said}{comma}{they['between'] or ''}<{pair[0]}> and <{pair[1]}>{after}"


def _last_pair(text: str) -> tuple[int, int] | None:
    """Return the pair of which the last clause tells that tells of one; None without a single."""
    for clause in reversed(CLAUSE.split(text)):
        held = held_fixed(clause)
        named = list(dict.fromkeys(node for group in held.groups for node in group))
        if polarity(held.words) is not None and named:
            return (named[0], named[1]) if len(named) == 2 else None
    return None


def _with_relation(sentence: str, before: str) -> str:
    """Return "and between <2> and <3>" with the relation of the sentence before."""
    begun = AND_BETWEEN.match(sentence)
    if begun is None or not before.endswith(";") or polarity(sentence) is not None:
        return sentence
    held = held_fixed(before.rstrip(";"))
    independent = polarity(held.words)
    if independent is None or any(held.given):
        return sentence  # whether what was held fixed is so still cannot be told
    relation = "independence" if independent else "dependence"
    return f"{relation} between {sentence[begun.end() :]}"
