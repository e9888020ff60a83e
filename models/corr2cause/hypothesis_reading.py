"""Read a sentence about what causes what between two variables, whatever its wording.

The sentence comes with numbers for names. Common causes and common effects are told by their nouns
or by a verb that has both variables as subjects or objects; else the sentence is about one acting
on the other: directly, through others, or in either way, and in one direction.
"""

import re
from dataclasses import dataclass
from typing import Final

from models.corr2cause.naming import PLACE
from models.corr2cause.relations import Claim, Kind

# What acts: as a verb, and as its participle.
ACTS: Final = (
    r"(?:caus(?:e|es)|affects?|influences?|impacts?|drives?|determines?|produces?|triggers?|"
    r"shapes?|controls?|generates?|induces?|provokes?|acts? (?:\w+ly )?(?:up)?on|"
    r"leads? (?:\w+ly )?to|results? (?:\w+ly )?in|brings? about|gives? rise to|"
    r"contributes? (?:\w+ly )?to|feeds?(?: into)?|points? (?:in)?to|changes?|alters?|moves?|"
    r"explains?|(?:is|are) responsible for)"
)
ACTED: Final = (
    r"(?:caused|affected|influenced|impacted|driven|determined|produced|triggered|shaped|controlled|"
    r"generated|induced|provoked|acted (?:up)?on|brought about|explained|changed|altered)"
)
CAUSE: Final = (
    r"(?:causes?|parents?|ancestors?|drivers?|sources?|origins?|reasons?|root|influences?|upstream|"
    r"predecessors?|antecedents?|precursors?|contributors?|determinants?)"
)
EFFECT: Final = (
    r"(?:effects?|results?|consequences?|child(?:ren)?|descendants?|outcomes?|products?|"
    r"successors?|downstream)"
)
BOTH: Final = (
    r"(?:both (?:of )?)?<x>(?: and|,? as well as|,? and also| together with| &)"
    r"(?: also)?(?: both)?(?: by| of| on| to)? <y>"
)
SHARED: Final = r"(?:common|shared|joint|mutual|same|third)"

CONFOUNDER: Final = (
    re.compile(
        rf"confound|\bco-?effects?\b|{CAUSE} in common|behind {BOTH}|"
        rf"{CAUSE} (?:that |which )?they (?:both )?share|"
        rf"(?:from|on|upon) which {BOTH} (?:\w+ )?(?:depend|result|stem|arise|derive|follow)|"
        rf"{SHARED} (?:\w+ ){{0,4}}{CAUSE}\b|shar\w+ (?:\w+ ){{0,4}}{CAUSE}\b|"
        rf"\b{CAUSE} (?:of|for|behind) {BOTH}|{BOTH} (?:\w+ ){{0,6}}{EFFECT} of\b|"
        rf"effect (?:up)?on {BOTH}"
    ),
    re.compile(
        rf"\b{ACTS} (?:directly |indirectly )?{BOTH}|"
        rf"{BOTH} (?:\w+ ){{0,5}}{ACTED}\b(?: \w+)* by\b|"
        rf"{ACTS} <x>,? (?:and|as well as) (?:which |that |who |it |also |then )*{ACTS} <y>|"
        rf"{BOTH} (?:\w+ )?(?:depend|stem|arise|result|originate|derive|come|follow)s? "
        rf"(?:causally )?(?:on|from)\b"
    ),
)
COLLIDER: Final = (
    re.compile(
        rf"\bcollid\w+|\bco-?causes?\b|{EFFECT} in common|"
        rf"{EFFECT} (?:that |which )?they (?:both )?share|"
        rf"{SHARED} (?:\w+ ){{0,4}}{EFFECT}\b|shar\w+ (?:\w+ ){{0,4}}{EFFECT}\b|"
        rf"\b{EFFECT} of {BOTH}|{BOTH} (?:\w+ ){{0,6}}{CAUSE} of\b|"
        rf"{BOTH} (?:\w+ ){{0,3}}have (?:\w+ ){{0,4}}effects? on\b"
    ),
    re.compile(
        rf"\b{ACTED} (?:\w+ )*?by {BOTH}|{BOTH} (?:\w+ ){{0,3}}{ACTS}\b|"
        rf"{ACTED} (?:\w+ )*?by <x>,? (?:and|as well as) (?:\w+ ){{0,4}}(?:{ACTED} )?by <y>|"
        rf"(?:depends? (?:\w+ )?on|results? from|stems? from|arises? from|due to) {BOTH}"
    ),
)
THROUGH: Final = re.compile(
    rf"\b{CAUSE} of (?:an? |some )?{CAUSE}\b|\b{EFFECT} of (?:an? |some )?{EFFECT}\b|"
    r"\bindirect|\bmediat|\bthrough\b|\bvia\b|\bby way of\b|\bsomething else\b|\bintermedia|"
    r"\bin turn\b|"
    r"\bchain\b|\b(?:another|other|some|third|further|a) (?:\w+ ){0,2}(?:variables?|factors?)\b|"
    r"\bin between\b|\bpasses?\b.*\bon\b|\bstep(?:s|ping)?\b|\bdetour\b|"
    r"\broundabout\b|\bremote\b|\bdistal\b|"
    r"\blength (?:of )?(?:at least|more than|two|2|greater)|\bdistant\b|\bin motion\b|"
    r"\bsomething that\b|\bsomething which\b|\bcausal path\b"
)
AT_ONCE: Final = re.compile(
    r"\bdirect(?:ly)?\b|\bimmediate(?:ly)?\b|\bstraight\b|\bparents?\b|\bchild(?:ren)?\b|\bitself\b|"
    r"\bfirst-?hand\b|\bproximate\b|\barrow\b|\bedge\b|"
    r"\bpoints? (?:in)?to\b|→|->|←|<-"
)
NOTHING_BETWEEN: Final = re.compile(
    r"\bunmediated\b|\bnot mediated\b|"
    r"\b(?:without|with no|and no|no|not via|not through|nothing)\b(?: \w+){0,4}? "
    r"(?:between|mediat\w+|intermedia\w+|variables?|detours?|steps?|factors?|chain)"
)
EITHER_WAY: Final = re.compile(
    r"\bdirectly or indirectly\b|\bindirectly or directly\b|\bdirect or indirect\b|"
    r"\bindirect or direct\b|\bdirectly or (?:through|via)"
)
# "but not a direct one": what is left must still claim a cause.
NOT_DIRECT: Final = re.compile(
    r"(?:,|\bbut\b|\bthough\b|\balthough\b|\beven if\b|\byet\b|\band\b|\balbeit\b|\s)*"
    r"\b(?:it |this |that |the )?(?:\w+ )?(?:is |are |does so |do so )?"
    r"(?:not|n't|never|non|without)[ -]"
    r"(?:in )?(?:an? |the |its |being |necessarily |via an? )*"
    r"(?:direct(?:ly)?|immediate(?:ly)?|straight|parent|child)\b"
    r"(?: (?:one|way|manner|cause|effect|causes|effects|influence|link|child|parent)\b)?"
)
DENIED_VERB: Final = re.compile(r"\b(?:does|do|did|is|are|was) (?:not|n't|never) (?:\w+ )?<|n't\b")
DENIED: Final = re.compile(
    r"\b(?:does|do|did|is|are|was|has|have|can)(?: not|n't)\b|\bnever\b|\bcannot\b|\bno\b|"
    r"\bneither\b|\bnothing\b|\bfalse\b|\bnot\b"
)
# Both play the same part, whatever that is.
TOGETHER: Final = re.compile(
    r"\bboth (?:of )?<|<[xy]> (?:and|as well as|or) <[xy]>(?!.*\bfrom <)|\bthey\b|"
    r"\bshar(?:e|es|ed|ing)\b|\beach other\b|\bthe two\b|\bthem\b"
)
# What denies comes behind all that is claimed, and may deny something else.
AFTERTHOUGHT: Final = re.compile(r"<[xy]>.*<[xy]>.*,.*\b(?:not|no|never|without)\b")
# The second acts on the first.
TURNED: Final = re.compile(
    rf"<x> (?:\w+ ){{0,4}}?{ACTED}\b.*<y>|\bby (?:\w+ ){{0,9}}?<y>|"
    rf"<x> (?:is|are|was|be|being) (?:\w+ ){{0,8}}?{EFFECT} of (?:.* )?<y>|"
    rf"\b(?:from|because of|due to|owing to|thanks to|responds? (?:\w+ )*?to|reacts? (?:\w+ )*?to|"
    rf"depend(?:s|ent)? (?:\w+ )*?(?:up)?on|(?:starts?|begins?|originat\w+) (?:in|at|with)|"
    rf"attributable to|"
    rf"attributed to|feels? (?:\w+ )*?of|subject to (?:\w+ )*?of|owes? (?:.* )?to|"
    rf"traced (?:back )?to)"
    rf" <y>|"
    rf"\b(?:stems?|results?|arises?|follows?|comes?|derives?|originates?|receives?) "
    rf"(?:\w+ )*?from (?:.* )?<y>|"
    rf"\b{CAUSE} of <x>(?: \w+){{0,4}}? (?:is|are|be|includes?|contains?|we find) <y>|"
    rf"\b{CAUSE} of <x>,? <y>|<x> has <y>|<x> .*\bhas <y> as|<x>(?:'s| s) (?:\w+ ){{0,3}}{CAUSE} |"
    rf"\bunder (?:\w+ )*?influence of <y>|<x> ?(?:←|<-+|<=)|"
    rf"\b{ACTED} <x> .*\bis <y>|\bit is <y> (?:that|which)|"
    rf"\beffect(?:s)? on <x> (?:of|from|by) <y>|\binfluence (?:up)?on <x> (?:of|from|by) <y>"
)
# These look turned and are not.
STRAIGHT: Final = re.compile(
    rf"\b(?:effect|influence|impact|action|bearing) of <x> (?:up)?on <y>|\bfrom <x> (?:.* )?to <y>|"
    rf"\b{EFFECT} of <x>(?: \w+){{0,4}}? (?:is|are|be|includes?) <y>|\b{EFFECT} of <x>,? <y>|"
    rf"<y> (?:.* )?by <x>|\beffect (?:up)?on <y> (?:of|from|by) <x>"
)
CAUSAL: Final = re.compile(
    rf"{ACTS}|{ACTED}|\bcausal|\b{CAUSE}\b|\b{EFFECT}\b|\bimpact|\binfluenc|→|->|←|<-|\bmediat|"
    r"\bresponsible\b|\bdepends?\b|\bresponds?\b|\breacts?\b|\bresults?\b|\bdue to\b|\bstems?\b|"
    r"\barises?\b|\bbearing\b|\bcausing\b|\baffecting\b|\binfluencing\b|\barrow\b|\bedge\b|\bpoints?\b|\bpath\b|"
    r"\bcausation\b|\breach(?:es)?\b|\bacts? \w+ (?:up)?on\b|\bworks? (?:\w+ )?on\b|\bowes?\b"
)


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A hypothesis as it was understood.

    Attributes:
        claim: What is claimed of two variables.
        denied: Whether the sentence says that it is not so.
    """

    claim: Claim
    denied: bool = False


def read_hypothesis(sentence: str) -> ReadClaim | None:
    """Return what a sentence claims; None where it is not about two variables, or not understood.

    Args:
        sentence: In lower case, with "<0>" and so on for names.
    """
    places = list(dict.fromkeys(int(one) for one in PLACE.findall(sentence)))
    if len(places) != 2:
        return None
    x, y = places
    text = sentence.replace(f"<{x}>", "<x>").replace(f"<{y}>", "<y>").rstrip(" .?!")
    text = re.sub(r",? (?:i\.e\.,?|that is,?|namely,?)", " ", text)
    text = text.replace("non-direct", "indirect")
    kind = _symmetric(text)
    if kind is not None:
        return ReadClaim(Claim(kind, x, y), bool(DENIED.search(text)))
    if not CAUSAL.search(text) or TOGETHER.search(text):
        return None
    step, denied = _step(text)
    if denied and AFTERTHOUGHT.search(text):
        return None
    text = text.replace(",", "")
    turned = bool(TURNED.search(text)) and not STRAIGHT.search(text)
    return ReadClaim(Claim(_kind(step, turned), x, y), denied)


def _symmetric(text: str) -> Kind | None:
    """Return whether a sentence is about a common cause or effect of both."""
    # A noun says it outright; a verb only by its place.
    for causes, effects in zip(CONFOUNDER, COLLIDER, strict=True):
        cause, effect = causes.search(text), effects.search(text)
        if cause and effect:
            return "confounder" if cause.start() <= effect.start() else "collider"
        if cause or effect:
            return "confounder" if cause else "collider"
    return None


def _step(text: str) -> tuple[str, bool]:
    """Return how the one acts on the other ("direct", "through", "any"), and whether it does not.

    "Not directly" denies a direct effect where nothing else is claimed, and claims an indirect one
    where the sentence goes on to say that there is an effect.
    """
    if EITHER_WAY.search(text):
        return "any", bool(DENIED.search(EITHER_WAY.sub(" ", text)))
    between = NOTHING_BETWEEN.search(text)
    rest = NOTHING_BETWEEN.sub(" ", text)
    not_direct = NOT_DIRECT.search(rest)
    if not_direct and not between:
        left = rest[: not_direct.start()] + " " + rest[not_direct.end() :]
        if THROUGH.search(left) or _still_claims(rest, not_direct):
            return "through", False
        return "direct", True
    denied = bool(DENIED.search(rest))
    if between:
        return "direct", denied
    if THROUGH.search(rest):
        return "through", denied
    return ("direct" if AT_ONCE.search(rest) else "any"), denied


def _still_claims(text: str, not_direct: re.Match[str]) -> bool:
    """Return whether a cause is claimed beside the words that deny a direct one."""
    before = text[: not_direct.start()]
    if CAUSAL.search(re.sub(r"<[xy]>", " ", before)):
        return True  # "x is a cause of y, but not a direct one"
    after = re.search(r"\b(?:but|instead|rather|still|only)\b(.*)", text[not_direct.end() :])
    return bool(after and re.search(r"\w", after[1]))


def _kind(step: str, turned: bool) -> Kind:
    kinds: dict[tuple[str, bool], Kind] = {
        ("direct", False): "parent",
        ("direct", True): "child",
        ("through", False): "ancestor",
        ("through", True): "descendant",
        ("any", False): "cause",
        ("any", True): "effect",
    }
    return kinds[step, turned]
