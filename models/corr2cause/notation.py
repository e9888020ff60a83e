"""Formulas, pairs in brackets, sets and tables of a premise, put into plain sentences.

One sentence for each statement: "A and B are independent given C and D." What is in words already
stays as it is, so that all that follows has words only to read.
"""

import re
from collections.abc import Sequence
from typing import Final

ZERO: Final = r"(?:0(?:\.0*)?(?![.\d]*[1-9])|zero\b)"
UNEQUAL: Final = (
    r"(?:≠|!=|=/=|/=|<>|\\neq?\b|>|≫|is not|isn't|does not equal|"
    r"(?:is )?(?:\w+ly )?(?:different|differs)(?: \w+ly)? from)"
)
VALUE: Final = (
    rf"\s*(?:(?P<unequal>{UNEQUAL}\s*{ZERO}|"
    r"(?:=|is|>)?\s*(?:non-?zero|positive)|(?:=|==|≈|is)\s*[-−+]?0?\.\d{0,6}[1-9]\d{0,6})|"
    rf"(?:==?|≈|≃|≅|~=|\\approx\b|is|equals)\s*{ZERO}|vanishes)"
)
# "I(A; B | C) = 0", "r_{AB|C} > 0": a measure of dependence, and whether it is nothing.
MEASURE: Final = re.compile(
    rf"(?<![\w(])[^\W\d]\w{{0,15}}\s?(?:\((?P<inside>[^()=<>≠\n]{{3,200}})\)|"
    rf"_\{{?(?P<below>[A-Z][A-Z](?:[|.·∣][A-Z]{{1,8}})?)\}}?){VALUE}"
)
# "Indep(A, B | C)": a word for the relation, and of what it is said.
SAID: Final = re.compile(
    r"(?P<no>\bnot |[¬!~])?\b(?P<word>(?:cond(?:itionally)?_?)?(?:indep\w*|ind|d_?sep\w*|"
    r"dep\w*)|ci|"
    r"uncorrelated|unrelated|correlated|corr|associated|related|linked)"
    r"\((?P<inside>[^()=<>\n]{3,200})\)(?!\s*(?:[=<>≠≈!]|is\b))",
    re.IGNORECASE,
)
INDEPENDENT: Final = re.compile(r"(?:cond[a-z]*_?)?(?:ind|ci$|d_?sep|un)", re.IGNORECASE)
BETWEEN_FORMULAS: Final = re.compile(r"[\s,;&∧.]*(?:\b(?:and|that|also)\b[\s,;]*)*")
INNER: Final = r"[^()\[\]{}|,;:=∣\n]{1,60}"
# "(A, B | C)", '["A", "B"]': a pair, perhaps with what is held fixed.
PAIR: Final = re.compile(
    rf"(?<!\w)[(\[{{](?P<a>{INNER})[,;](?P<b>{INNER})"
    r"(?:[|∣;]\s*(?:[\[{(](?P<set>[^()\[\]{}|∣\n]{0,200})[\]})]|"
    r"(?P<given>[^()\[\]{}|∣\n]{0,200})))?\s*[)\]}]"
)
LISTED: Final = re.compile(
    r"(?P<key>[A-Za-z][\w -]{2,60})[\"']?\s*[=:]\s*[\[{(](?P<inner>[^\[\]{}]{3,9000})[\]})],?"
)
BRACES: Final = r"(?:\{[^{}\n]{0,200}\}|∅)"
SETS: Final = re.compile(
    rf"{BRACES}(?:[\s,;]{{0,3}}(?:(?:or|and|given|also|by)\s+){{0,3}}{BRACES})+"
)
# What announces sets: "any of the following sets:".
ANNOUNCED: Final = re.compile(
    r"(?:\b(?:for|any|each|every|either|all|one|both|of|the|these|following|conditioning|possible|"
    r"separating|sub-?sets?|sets?|choices?|variables?|which)\s*)*:?\s*$",
    re.IGNORECASE,
)
HOLDS_FIXED: Final = re.compile(
    r"\b(?:given|condition\w*|control\w*|adjust\w*|hold\w*|held|fix\w*|stratif\w*|know\w*|by|"
    r"when|once|"
    r"if)\b",
    re.IGNORECASE,
)
LAST_FIXED: Final = re.compile(r",?\s*(?:\bconditional(?:ly)? )?\b\w+(?: on| for| by)?\s*$")
# A line that ends within a sentence; lines of symbols never do.
WRAPPED: Final = re.compile(r"(?<=[^\n|=_⊥(){}]{50})(?<![.;:!?\n])[ \t]*\n(?=[a-z][^\n|=_⊥]{25})")
SIGNS: Final = (
    (re.compile(r"\$|\\left|\\right|\\[,;!]"), ""),
    (re.compile(r"\\(?:perp|indep|Perp)(?:\s*\\perp)?|⊥\s*⊥|[⟂⫫]|_\|\|_|\bd-sep(?=\s)"), "⊥"),
    (re.compile(r"\\mid\b"), "|"),
    (re.compile(r"\\(?:rho|sigma)\b"), "corr"),
    (re.compile(r"⊥\u0338|(?:\\not|[!¬/]|\bnot)\s*⊥|⊥/"), " is dependent on "),
)
# "P(A | B, C) = P(A | C)", "P(A, B | C) = P(A | C) P(B | C)"
LESS_GIVEN: Final = re.compile(
    rf"\b[Pp]r?\((?P<a>{INNER})\|(?P<more>[^()|=\n]{{1,200}})\)\s*(?P<op>=|≠|!=)\s*"
    rf"[Pp]r?\((?P<a2>{INNER})(?:\|(?P<less>[^()|=\n]{{1,200}}))?\)"
)
PRODUCT: Final = re.compile(
    rf"\b[Pp]r?\((?P<a>{INNER}),(?P<b>{INNER})(?:\|(?P<given>[^()|=\n]{{1,200}}))?\)\s*(?P<op>=|"
    rf"≠|!=)"
    rf"\s*[Pp]r?\([^()=\n]{{1,200}}\)\s*[·*×⋅]?\s*[Pp]r?\([^()=\n]{{1,200}}\)"
)
ROW: Final = re.compile(r"^[ \t]*\|(?P<cells>[^\n]{3,400})\|[ \t]*$", re.MULTILINE)
RELATION: Final = re.compile(r"depend|correlat|associat|relat|linked|indep", re.IGNORECASE)
NOTHING: Final = re.compile(r"\W*(?:none|nothing|no|n/a|empty)?\W*", re.IGNORECASE)


def in_words(text: str) -> str:
    """Return a text whose formulas, pairs, sets and tables are sentences."""
    for sign, plain in SIGNS:
        text = sign.sub(plain, text)
    text = PRODUCT.sub(_product, LESS_GIVEN.sub(_less_given, text))
    text = ROW.sub(_row, WRAPPED.sub(" ", text))
    text = _formulas(_formulas(text, MEASURE), SAID)
    text = _each_set(text)
    pairs = list(PAIR.finditer(text))
    if len(pairs) > 1 or any(pair["given"] or pair["set"] for pair in pairs):
        text = PAIR.sub(_pair, text)
    return LISTED.sub(_headed, text)


def _row(match: re.Match[str]) -> str:
    """Return a table's row as a sentence: its first cells are the pair, others what is given."""
    cells = [cell.strip() for cell in match["cells"].split("|")]
    told = [cell for cell in cells if RELATION.search(cell)]
    others = [cell for cell in cells if cell not in told and not NOTHING.fullmatch(cell)]
    if len(told) != 1 or not 2 <= len(others) <= 3:
        return match[0]
    return _sentence(others[0], others[1], told[0], others[2] if len(others) > 2 else "")


def _formulas(text: str, pattern: re.Pattern[str]) -> str:
    """Return a text with a sentence for each formula; what they all stand under is told in each."""
    done, end, under = "", 0, ""
    for match in pattern.finditer(text):
        said = _formula(match)
        if said is None:
            continue
        between = text[end : match.start()]
        if not end or not BETWEEN_FORMULAS.fullmatch(between):
            begin = max(between.rfind(mark) for mark in (". ", ".\n", "; ", "\n", "! "))
            lead = between[begin + 1 :].strip()
            under = f"{lead} " if HOLDS_FIXED.search(lead) else ""
            between = between[: begin + 1] if under else between
        done += f"{between.rstrip(',;& ')}\n{under}{said}\n"
        end = match.end()
    return done + text[end:]


def _formula(match: re.Match[str]) -> str | None:
    """Return what a formula says; None where it is not about two variables."""
    groups = match.groupdict()
    if groups.get("below"):
        pair, _, given = re.sub(r"[.·∣]", "|", groups["below"]).partition("|")
        a, b = pair[0], pair[1]
        rest = list(given)
    else:
        inside = re.sub(r"[∣‖]|\bgiven\b\s*=?|\bcond\w*\s*=", "|", groups["inside"])
        left, _, given = inside.partition("|")
        names = [
            one.strip(" {}[]\"'") for one in re.split(r"[,;:⊥⟂⫫]+", left) if one.strip(" {}[]\"'")
        ]
        if len(names) < 2:
            return None
        a, b, *rest = names
        rest += [
            one.strip(" {}[]\"'")
            for one in re.split(r"[,;]|\band\b", given)
            if one.strip(" {}[]\"'")
        ]
    if "word" in groups:
        independent = bool(INDEPENDENT.match(groups["word"])) != bool(groups["no"])
    else:
        independent = not groups["unequal"]
    return _sentence(a, b, "independent" if independent else "dependent", " and ".join(rest))


def _less_given(match: re.Match[str]) -> str:
    """Return what it says that a probability is the same with less given."""
    more = [one.strip() for one in match["more"].split(",")]
    less = [one.strip() for one in (match["less"] or "").split(",") if one.strip()]
    left = [one for one in more if one not in less]
    if len(left) != 1 or match["a"].strip() != match["a2"].strip():
        return match[0]
    relation = "independent" if match["op"] == "=" else "dependent"
    return f"\n{_sentence(match['a'].strip(), left[0], relation, ' and '.join(less))}\n"


def _product(match: re.Match[str]) -> str:
    """Return what it says that probabilities multiply."""
    given = " and ".join(one.strip() for one in (match["given"] or "").split(",") if one.strip())
    relation = "independent" if match["op"] == "=" else "dependent"
    return f"\n{_sentence(match['a'].strip(), match['b'].strip(), relation, given)}\n"


def _sentence(a: str, b: str, relation: str, given: str) -> str:
    return f"{a} and {b} are {relation}{f' given {given}' if given.strip() else ''}."


def _each_set(text: str) -> str:
    """Return a text in which a sentence that holds for several sets is told for each of them."""
    done, end = "", 0
    for match in SETS.finditer(text):
        start = max(text.rfind(mark, end, match.start()) for mark in (". ", "; ", "\n", "! ")) + 1
        start = max(start, end)
        stop = re.compile(r"[.;!]\s|[.;!]?$|\n").search(text, match.end())
        before = ANNOUNCED.sub("", text[start : match.start()])
        if not HOLDS_FIXED.search(before) or stop is None:
            continue
        after = text[match.end() : stop.start()]
        told = []
        for one in re.findall(BRACES, match[0]):
            names = one.strip("{}∅ ")
            lead = before if names else LAST_FIXED.sub("", before.rstrip()) + " "
            told.append(f"{lead.strip()} {names.replace(',', ' and ')}{after}.")
        done += text[end:start] + "\n" + "\n".join(told) + "\n"
        end = stop.end()
    return done + text[end:]


def _pair(match: re.Match[str]) -> str:
    """Return "A with B given C" for a pair in brackets, all else as it is."""
    before = match.string[: match.start()].rstrip()
    if match[0][0] != "(" and before[-1:] not in tuple("=:,[{(-•;"):
        return match[0]
    a, b = (match[key].strip(" \"'") for key in ("a", "b"))
    given = match["given"] or match["set"] or ""
    given = re.sub(r"\s*[,;]\s*", " and ", given.strip(" ,;"))
    return f"{a} with {b}{f' given {given}' if given else ''}"


def _headed(match: re.Match[str]) -> str:
    """Return "correlated = {...}" as a heading with its entries."""
    if not RELATION.search(match["key"]):
        return match[0]
    entries: Sequence[str] = re.split(
        r"\s*[,;\n]\s*(?=[^,;\n]*(?: with |[-–—~/⊥]))", match["inner"]
    )
    return "\n{}:\n{}\n".format(match["key"].replace("_", " "), "\n".join(entries))
