"""Turns of phrase for causal claims, put into plain words before a claim is read word by word.

In these the words that say who acts stand far from the names, or the names stand where they say
nothing: "a variable other than <x> and <y> acts on each of them".
"""

import re
from typing import Final

from models.corr2cause.claim_words import symbols_of

NAME: Final = r"<[xy]>"
OWN: Final = r"['’ ]s"
BOTH: Final = (
    rf"(?:both )?{NAME}(?: and(?: also)?| as well as| along with| nor| or)(?: from| than)? {NAME}"
    r"(?: both)?"
)
DENIES: Final = re.compile(r"\b(?:no|not|never|nothing|none|neither|nor|without|cannot)\b|n't\b")
FOUND: Final = re.compile(
    r"^(?:(?:we|one|you) (?:can|could|may|might|are able to|will)|"
    r"it is possible to) (?:\w+ly )?(?:find|point to|identify|name|exhibit|locate|see|pick out|"
    r"point out|show)\b|^(?:we|you) (?:find|have|see)\b"
)
OTHER_THAN: Final = re.compile(
    rf",? (?:(?:that|which|and) (?:is|are) )?(?:other than|besides|apart from|aside from|"
    rf"different from|distinct from|neither|not|outside(?: of)?|beyond|except(?: for)?) (?:the "
    rf")?(?:pair )?{BOTH}(?: themselves)?,?"
)
ASIDE: Final = re.compile(
    rf"\b(?:other than|besides|apart from|aside from|different from|distinct from) (?=\w* ?{NAME})"
)
BESIDES: Final = re.compile(
    rf"^(?P<than>(?:besides|apart from|aside from|other than) {BOTH}),? (?P<rest>there \w+ \S.*|"
    rf"(?:an?|some|another) .*)$"
)
SUBJECT: Final = re.compile(
    r"\b(?:variables?|factors?|quantity|quantities|things?|something|nodes?|another)\b"
)
THEY: Final = re.compile(
    r"\b(?:each|both|either)(?: one)?(?: of (?:them|these|those|the two))?\b(?! (?:causes?|"
    r"effects?))|"
    r"\b(?:them|the two|these two|the pair)(?: of them)?\b(?: both)?"
)
AMONG: Final = re.compile(
    rf"(?P<which>(?:that|which) )?\b(?:has|have|having|with|counts?|numbers?|includes?|lists?|"
    rf"features?|finds?) (?P<both>{BOTH}) (?:both )?(?:among|amongst|as) (?:its|the)? ?"
    rf"(?P<noun>[a-z -]{{3,40}})$"
)
MECHANISM: Final = (
    r"(?:the )?(?:causal |structural |generating |generative )?(?:mechanism|process|"
    r"function|rule|formula|equation|assignment|machinery)s?"
    rf"(?: (?:that|which) \w+s| \w+ing| for| of| behind)? (?P<y>{NAME})(?:{OWN} (?:value|level|"
    rf"state))?"
)
INPUT: Final = r"(?:inputs?|arguments?|ingredients?|parameters?|terms?|variables?|operands?)"
TAKES_IN: Final = re.compile(
    rf"{MECHANISM} (?P<no>(?:does not |doesn't |never ))?(?:takes?|uses?|has|have|needs?|reads?|"
    rf"receives?|includes?|involves?|contains?|features?|accepts?|requires?) (?P<x>{NAME})"
    rf"(?: (?:as|among|for|in) (?:an?|one of|its|the|of)?(?: its| the)? ?{INPUT})?$"
)
PUT_IN: Final = re.compile(
    rf"(?P<x>{NAME}) (?:(?:is|serves as|acts as) (?P<no>not )?(?:an? |one of (?:the |its )?|"
    rf"among the "
    rf"|part )(?:direct )?(?:{INPUT} )?(?:of|to|in|for|into)|(?:enters|appears in|figures in|"
    rf"occurs in|"
    rf"feeds into|goes into|shows up in|is used (?:in|by)|is read by|is fed (?:in)?to)) "
    rf"{MECHANISM}$"
)
ORDERS: Final = re.compile(
    rf"(?:gets?|takes?|receives?|draws?|derives?|has) (?:all )?(?:its|their|his|her) "
    rf"(?P<direct>direct )?"
    rf"(?:(?:marching|own|main|working) )?(?:orders?|lead|instructions?|cues?|directions?|"
    rf"commands?|"
    rf"signals?|impetus|momentum|guidance|tempo|beat|strength) (?P<straight>directly |straight )?"
    rf"from (?={NAME})|"
    rf"(?:follows?|obeys?) the (?:lead|orders?|commands?|direction) of (?={NAME})|"
    r"(?:is|are|stands?) at the beck and call of |(?:is|are) (?:on|at) the (?:end|other end) of "
    r"the "
    r"strings pulled by "
)
TUNE: Final = re.compile(
    rf"(?:dances?|moves?|marches) to (?:the )?(?P<y>{NAME}){OWN} (?:tune|beat|drum|music)"
)
CARRIES: Final = (
    r"(?:transmit|pass|relay|carr|hand|convey|forward|channel|deliver|transfer|propagat|bring)\w*"
    r"(?: (?:on|along|over|down))?"
)
WHAT: Final = (
    r"(?:(?:the |any |all |some )?(?:causal )?(?:effects?|influence|impact|action|signals?|"
    r"force) of "
    rf"(?P<s>{NAME})|(?P<s2>{NAME}){OWN} (?:causal )?(?:effects?|influence|impact|action|signals?|"
    rf"force)|"
    rf"what(?:ever)? (?P<s3>{NAME}) does)(?: (?:on )?(?:to|on|onto) {NAME})?"
)
CARRIED: Final = (
    re.compile(rf"\bbetween {NAME} and {NAME}.* {CARRIES} {WHAT}(?: to the other)?$"),
    re.compile(
        rf"^(?:there (?:is|exists) )?(?:an?|some|another|at least one) (?:\w+ )?(?:mediator|"
        rf"go-between|"
        rf"middle ?man|intermediary|relay|messenger|carrier|variable|factor|thing)"
        rf"(?: (?:that|which))? {CARRIES} (?={WHAT}$)(?=.*<x>)(?=.*<y>).*$"
    ),
)
MOVES: Final = (
    r"(?:change|move|respond|react|shift|vary|differ|alter|be different|be affected|adjust|budge)"
    r"(?:s|d|ed)?"
)
WOULD: Final = r"(?:would |will |could |does )"
IF: Final = r"(?:if|when|whenever|once|were)"
MOVED_BY_EACH: Final = re.compile(
    rf"(?P<which>(?:that|which) )?{WOULD}?{MOVES} {IF} "
    rf"[^<,]{{0,25}}(?P<a>{NAME})[^<,]{{0,25}},? and "
    rf"(?:(?:it|also|likewise|again|too|so) )*{WOULD}?(?:also )?(?:{MOVES} )?(?:(?:too|also|as "
    rf"well|"
    rf"again) )?{IF} [^<]{{0,25}}(?P<b>{NAME})[^<]{{0,30}}$"
)


def rephrased(text: str) -> str:
    """Return a claim in plain words, with "<x>" and "<y>" for its names as before."""
    text = _without_other_than(FOUND.sub("there is", text))
    text = TAKES_IN.sub(_direct, text)
    text = PUT_IN.sub(_direct, text)
    text = AMONG.sub(_among, text)
    text = ORDERS.sub(
        lambda match: f"is {'directly ' if match['direct'] or match['straight'] else ''}driven by ",
        text,
    )
    text = TUNE.sub(r"is driven by \g<y>", text)
    if DENIES.search(text):
        return text
    text = MOVED_BY_EACH.sub(
        lambda match: f"{match['which'] or ''}is affected by {match['a']} and by {match['b']}", text
    )
    for pattern in CARRIED:
        match = pattern.search(text)
        if match:
            source = match["s"] or match["s2"] or match["s3"]
            return f"{source} affects {'<y>' if source == '<x>' else '<x>'} through something else"
    return text


def _without_other_than(text: str) -> str:
    """Return "a variable other than <x> and <y> acts on both" with the two where they belong."""
    begun = BESIDES.match(text)
    if begun:
        than = begun["than"]
        return _without_other_than(
            SUBJECT.sub(lambda one: f"{one[0]} {than}", begun["rest"], count=1)
        )
    match = OTHER_THAN.search(text)
    if match is None or not match.start():
        return text
    before, after = text[: match.start()], text[match.end() :]
    if not re.search(NAME, before + after):
        names = " and ".join(re.findall(NAME, match[0]))
        after, replaced = THEY.subn(f"both {names}", after, count=1)
        if not replaced:
            return text
    return before + after


def _direct(match: re.Match[str]) -> str:
    denial = "not " if match["no"] else ""
    return f"{match['x']} is {denial}a direct cause of {match['y']}"


def _among(match: re.Match[str]) -> str:
    """Return "has both among its causes" as "is affected by both"."""
    parts = symbols_of(match["noun"]).text.strip("m")
    if parts in ("A", "C"):
        acts = "is affected by"
    elif parts in ("E", "e", "Ee"):
        acts = "affects"
    else:
        return match[0]
    which = match["which"] or ("that " if match[0].startswith(("with", "having")) else "")
    return f"{which}{acts} {match['both']}"
