"""Whether a causal claim says that something stands between the two, or nothing.

The words that say so are taken out, so that "through another variable" brings no third variable
into what is left, and "with no go-between" no denial.
"""

import re
from typing import Final, Literal, NamedTuple

from models.corr2cause.claim_words import symbols_of

Step = Literal["direct", "through", "any"]

SOME: Final = r"(?:[\w'-]+ ){0,5}?"  # a few words
GO_BETWEEN: Final = (
    r"(?:mediat(?:ors?|ion|ing|ed)(?:\(s\))?|mediators?|intermediar(?:y|ies)|intermediates?|"
    r"intermediate \w+|go-betweens?|middle ?m[ae]n|in-betweens?|relays?|stepping[- ]stones?|"
    r"steps?|"
    r"stops?|detours?|hops?|stages?|links?|chain|others?|else|another(?: \w+)?|third (?:\w+)|"
    r"(?:\w+ )?(?:variables?|factors?|nodes?|causes?|quantit(?:y|ies)|things?|part(?:y|ies)|"
    r"elements?|components?|signals?|metrics?|one|ones)|something|anything|anyone|middle|help|"
    r"proxy|proxies)\b"
    r"(?: or more)?(?:[ -](?:intermediate|other|variables?|factors?|nodes?|causes?|quantit(?:y|"
    r"ies)|things?|steps?|else))*"
    r"(?: of (?:(?:any|an|a|other|some) [\w'-]+|causes|events|variables))?"
)
# What can only be between.
PURE: Final = (
    r"(?:mediat(?:ors?|ion)|intermediar(?:y|ies)|intermediates?(?: \w+)?|go-betweens?|"
    r"middle ?m[ae]n|in-betweens?|relays?|stepping[- ]stones?|steps?|stops?|detours?|hops?)\b"
)
BETWEEN: Final = (
    r"(?: (?:standing |lying |sitting |interposed |placed |coming |acting |needed |required )?"
    r"(?:as |in )?(?:between(?: the two| them| both)?|in the middle|in the way|on the way|"
    r"along the way|en route|"
    r"a go-between|a mediator|an intermediary))?"
)
WITHOUT: Final = (
    r"(?:without|with(?: absolutely)? (?:no|nothing)|and no|but no|no need (?:of|for)|needs? no|"
    r"(?:is |are |does |do )?(?:not|never|n't) (?:\w+ly )?(?:(?:go|pass|run|work|travel|flow|"
    r"act|operate) )?"
    r"(?:via|through|by way of|by means of|mediated by|relayed by|"
    r"passed on by|carried by|transmitted by|channell?ed (?:by|through)|routed through)|"
    r"(?:rather|other) than (?:\w+ing )?(?:via|through|by way of|by|by means of)|"
    r"instead of (?:\w+ing )?(?:via|through|by way of)?|"
    r"(?:skip|bypass|avoid|circumvent|omit|eschew)\w*(?: out)?|dispens\w+ with|free of|unaided by|"
    r"independent(?:ly)? of)"
)
# "even if every other variable were held fixed"
HELD: Final = (
    r"(?:held|hold\w*|keep\w*|kept|fix\w*|pin\w*|fro[sz]e\w*|freez\w*|clamp\w*|constant|"
    r"unchanged|controll\w*)"
)
REST: Final = (
    r"(?:all|every|everything|each|whatever|the|any) (?:of )?(?:the )?"
    r"(?:other|rest|remaining|else|others)\b"
)
OTHERS_HELD: Final = re.compile(
    rf",?(?: (?:even|still|also))?(?: (?:if|when|while|with|once|after|by|though))?(?: (?:we|"
    rf"you|one))?"
    rf" (?:{REST}[^,]{{0,40}}?\b{HELD}|{HELD} {REST})[^,]*,?"
)
NOTHING_BETWEEN: Final = re.compile(
    rf"\bnothing else (?:carr|mediat|interven|relay|transmit|pass|com|get|stand)\w*(?: (?:the|"
    rf"its) \w+)?|\bunmediated\b|\bnot mediated\b|\bunassisted\b|\bmediator-free\b|"
    rf",?\s*\bno (?:other |third )?(?:variable|factor|node|thing)s? (?:\w+ )?(?:mediat|carr|relay|"
    rf"transmit|involved|needed|required|interven)\w*|"
    rf"\b(?:there (?:is|are) )?(?:no|nothing) (?:[\w'-]+ ){{0,3}}?(?:{PURE}{BETWEEN}|"
    rf"between\b(?: the two| them)?|in the (?:way|middle))|"
    rf"(?:,? ?\b(?:and|but|it does so|it does this|doing so|done)\b)*,? ?\b{WITHOUT} {SOME}"
    rf"(?:{GO_BETWEEN}{BETWEEN}|between\b(?: the two| them| both)?|intervening\b|in the (?:way|"
    rf"middle)\b)"
)
# "no effect other than through a mediator"
ONLY_THROUGH: Final = re.compile(
    r"\b(?:no|not|nothing|never)\b(?=.*\b(?:other than|except|save|but|unless|"
    r"without) (?:through|via|by|first|going)\b)"
    r"|\b(?:other than|except|save|but|unless) (?=(?:through|via|by)\b)"
)
EITHER_WAY: Final = re.compile(
    r",?\s*(?:whether |be it |either )?\b(?:neither directly nor indirectly|"
    r"directly or indirectly|indirectly or directly|"
    r"direct or indirect|indirect or direct|directly or (?:through|via)|directly or not|"
    r"by whatever (?:route|path|way)|in one way or another|one way or another|somehow or other)\b"
)
COUNT: Final = (
    r"(?:two|three|four|five|several|multiple|many|more than (?:one|1|a single)|at least (?:two|"
    r"2)|"
    r"one or more|at least one|[2-9]|intermediate|a few|a couple of|a series of|a number of)"
)
THROUGH: Final = re.compile(
    rf"\b(?:through|via|by way of|by means of|with the help of|by dint of|by virtue of|"
    rf"thanks to|over) "
    rf"(?!<){SOME}{GO_BETWEEN}|"
    rf"\bby (?:first )?(?!(?:some|any)thing)\w+ing (?:on |to |"
    rf"in )?(?!<){SOME}{GO_BETWEEN}(?: first)?|"
    rf"\b(?:handed|passed|relayed|carried|transmitted|mediated|channell?ed|conveyed|routed|"
    rf"propagated|transferred) (?:on |along |over |down )?(?:to <[xy]> )?(?:by|through|"
    rf"via) (?!<){SOME}{GO_BETWEEN}|"
    rf"\b(?:by following )?(?:at |in |of |by |after |"
    rf"within )?(?:length (?:of )?)?{COUNT}(?: or more)? (?:\w+ ){{0,2}}?"
    rf"(?:steps?|arrows?|edges?|hops?|links?|removes?|stages?|legs?|"
    rf"generations?)(?: or more)?\b(?: (?:long|away|removed))?|"
    rf"\bof length (?:of )?(?:at least |more than |greater than )?(?:one|two|2|1)\b(?: or more)?|"
    rf"\bat (?:a|one) remove\b|\bat second[- ]hand\b|\bsecond-?hand\b|\bsecond-order\b|"
    rf"\b(?:with|and|but with|having|though with|there (?:is|being)) (?:at least |some |one |"
    rf"or |more |a |an |another |other |third ){{0,4}}"
    rf"{GO_BETWEEN}(?: \w+)? (?:in between|between(?: them| the two)?|in the middle|"
    rf"along the way|on the way|en route)|"
    rf"(?:,? (?:yet|but|though|and))? (?:separated|apart|removed) from (?:it|"
    rf"<[xy]>) by {SOME}{GO_BETWEEN}|"
    rf"\bfrom (?:an? )?(?:intermediate|intermediary|mediat\w+)(?: \w+)?\b|"
    rf"\b(?:only )?after (?:it has |having )?(?:\w+ing |\w+ed )?(?:through |"
    rf"via )?(?!<){SOME}(?:something|another|other)\b(?: {GO_BETWEEN})?|"
    r"\bindirect(?:ly)?\b|\bmediate(?:d|s)?\b|\bin (?:an? )?(?:roundabout|circuitous) (?:way|"
    r"fashion|manner)\b|"
    r"\broundabout\b|\bcircuitous\w*\b|\bremote(?:ly)?\b|\bdistal(?:ly)?\b|\bdistant(?:ly)?\b|"
    r"\bknock-on\b|"
    r"\bin turn\b|\bstep by step\b|\bstepwise\b|\bdetour\b|\bthrough (?:which|whom)\b|"
    r"\bvia which\b|\bin between\b"
)
# These tell of something between without being a phrase of their own.
HINTS: Final = re.compile(
    r"\bgrand\w+|\bchain\b|\bcascade|\bdomino|\bripple|\btrickle|\bpercolate|\bintermedia\w+|"
    r"\bmediator|\bthrough\b|\bvia\b|\bgo-between|\bmiddlem[ae]n\b|\bin motion\b|\brelay"
)
DIRECT: Final = re.compile(
    r"\bdirect(?:ly)?\b|\bimmediate(?:ly)?\b|\bstraight\b|\b(?:at )?first[- ]?hand\b|"
    r"\bproximate(?:ly)?\b|"
    r"\b(?:(?:in|at|by|with|just|exactly|only) )*(?:a|one|the)? ?(?:single|one|"
    r"lone)[- ](?:causal )?(?:step|hop|arrow|edge|move|stroke|link|jump|leap)\b|"
    r"\bitself\b|\bon its own\b"
)
DIRECT_HINTS: Final = re.compile(
    r"\bparents?\b|\bchild(?:ren)?\b|\barrows?\b|\bedges?\b|\bequations?\b|"
    r"\bpoints? (?:in)?to\b|→|←|\badjacent\b|\bneighbou?r"
)
NOT_DIRECT: Final = re.compile(
    r"(?:,|\bbut\b|\bthough\b|\balthough\b|\beven if\b|\byet\b|\band\b|\balbeit\b|\s)*"
    r"\b(?:it |this |that |the )?(?:\w+ )?(?:is |are |does so |do so )?"
    r"(?:not|n't|never|non|without)[ -]"
    r"(?:in )?(?:an? |the |its |being |necessarily |via an? |one of |of |at |so )*"
    r"(?:(?:directly|immediately|straight|parents?|child|first-?hand)\b|"
    r"(?:direct|immediate)\b(?: (?:one|way|manner|cause|causes|effect|effects|influence|link|"
    r"child|parent|fashion)\b)?)"
)
NAMES: Final = re.compile(r"(?:\bto )?<[xy]>")
CLAIMS: Final = re.compile("[FPRAEeTCI]")


class Steps(NamedTuple):
    """How the one is said to act on the other.

    Attributes:
        step: Directly, through something else, or in whatever way.
        rest: The sentence without the words that say so; a denial is left in it only where the
            whole claim is denied.
    """

    step: Step
    rest: str


def read_steps(text: str) -> Steps:
    """Return how one of two variables is said to act on the other.

    "Not directly" denies a direct effect where nothing else is claimed, and claims an indirect one
    where the sentence says elsewhere that there is an effect.
    """
    if EITHER_WAY.search(text):
        return Steps("any", EITHER_WAY.sub(" ", text))
    if ONLY_THROUGH.search(text):
        return Steps("through", _without(ONLY_THROUGH.sub(" ", text)))
    rest = OTHERS_HELD.sub(" ", NOTHING_BETWEEN.sub(" ", text))
    if rest != text:
        return Steps("direct", DIRECT.sub(" ", rest))
    not_direct = NOT_DIRECT.search(text)
    if not_direct:
        left = text[: not_direct.start()] + " " + text[not_direct.end() :]
        if THROUGH.search(left) or _still_claims(text, not_direct):
            return Steps("through", _without(left))
    elif THROUGH.search(text) or HINTS.search(text):
        return Steps("through", DIRECT.sub(" ", _without(text)))
    direct = bool(DIRECT.search(text) or DIRECT_HINTS.search(text))
    return Steps("direct" if direct else "any", DIRECT.sub(" ", text))


def _without(text: str) -> str:
    """Return a text without what says that something stands between; names in it stay."""
    return THROUGH.sub(lambda match: f" {' '.join(NAMES.findall(match[0]))} ", text)


def _still_claims(text: str, not_direct: re.Match[str]) -> bool:
    """Return whether a cause is claimed beside the words that deny a direct one."""
    if CLAIMS.search(symbols_of(text[: not_direct.start()]).text):
        return True  # "x is a cause of y, but not a direct one"
    after = re.search(r"\b(?:but|instead|rather|still|only)\b(.*)", text[not_direct.end() :])
    return bool(after and re.search(r"\w", after[1]))
