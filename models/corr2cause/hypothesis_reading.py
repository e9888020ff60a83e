"""Read a sentence about what causes what between two variables, whatever its wording.

The sentence comes with numbers for names. First it is told apart whether something is said to stand
between the two, or nothing. What is left is reduced to symbols, one for each part that words play,
and these to who acts on whom among the two and a third variable: that makes up the claim.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from models.corr2cause.claim_phrases import ASIDE, rephrased
from models.corr2cause.claim_steps import Step, read_steps
from models.corr2cause.claim_words import symbols_of
from models.corr2cause.naming import PLACE
from models.corr2cause.relations import Claim, Kind

Edge = tuple[str, str]  # who acts, on whom

LONGEST: Final = 600  # characters of a claim
DENIED: Final = re.compile(
    r"\b(?:does|do|did|is|are|was|has|have|can)(?: not|n't)\b|\bnever\b|\bcannot\b|\bno\b|"
    r"\bneither\b|\bnothing\b|\bfalse\b|\bnot\b"
)
# What denies comes behind all that is claimed, and may deny something else.
AFTERTHOUGHT: Final = re.compile(r"<[xy]>.*<[xy]>.*,.*\b(?:not|no|never|without)\b")
CONFOUNDED: Final = re.compile(r"\bconfound\w*|\bco-?effects?\b|\b(?:half-?)?siblings?\b")
COLLIDED: Final = re.compile(r"\bcollider\w*|\bco-?causes?\b|\bco-?parents?\b")

# Each rule takes symbols together that play one part; see ``claim_words``. The order matters.
RULES: Final = tuple(
    (re.compile(pattern), part)
    for pattern, part in (
        # "causes" and "influence": nouns behind an article or "has", and before "of" or "on".
        (r"AC", "A"),
        (r"(?<=[hHJsm])C(?![xyz])|C(?=o)|(?<=w)C(?=v)", "A"),
        (r"C(?=m*(?:[xyz]|$))|(?<=[xyzcw])C(?!s)", "F"),
        (r"C", "A"),
        (r"(?<=[hJsm])I(?!m*[xyz])|I(?=[nof])", "T"),
        (r"D[no]?([xyz])k?([xyz])[FI]$", r"\1F\2"),  # "if one moves x, y moves"
        (r"q?([xyzB])v?[PFI]k([xyzB])v?[PFI]$", r"\1F\2"),
        (r"I", "F"),
        (r"v[m]F(?=f)", "R"),  # "gets a push from"
        (r"m", ""),
        (r"(?:(?<=^)|(?<=[wkcN]))D[no]?(?=[xyz])", ""),
        (r"D", "F"),
        (r"([xyzB])v?[PFI]q([xyzB])v?[PFID](?=$|k)", r"\2F\1"),  # "y moves when x moves"
        (r"q", ""),
        (r"k[ck]*k", ""),
        (r"P[kc]+b", "Pb"),
        (r"^k|k$", ""),
        (r"(?<=v)k(?=[AEeP])", ""),
        (r"z[zJ]*z", "z"),
        (r"Jz", "z"),
        (r"vv+", "v"),
        (r"vk?(?=[wF])(?!w)|v(?=R)", ""),
        (r"([xyz])vz(?=[wk]|$)", r"\1"),  # "x is a variable that": x
        (r"([xyz])vz(?=[xy])", r"\1w"),
        (r"(?<=[xyzB])vz(?=f)", "v"),
        (r"(?<=[xyz])t(?=F)", ""),
        (r"AA+", "A"),
        (r"([AE])k?c\1k?o", r"\1o"),
        (r"AoAo", "AozAo"),
        (r"[Ee]o[Ee]o", "EozEo"),
        # "a cause of x and a cause of y", "by x and by y", "acts on x and also on y": both.
        (r"([AEeTL]?)([onbftw])([xy])k?c(?:wv?|h)?\1?\2(?!\3)[xy]", r"\1\2B"),
        (r"([xy])k?c(?!\1)[xy]", "B"),
        (r"v?P([bnt]?)([xy])k?cw?v?P\1(?!\2)[xy]", r"vP\1B"),
        (r"([FR][nto]?)([xy])k?cw?\1(?!\2)[xy]", r"\1B"),
        (r"([FR])([xy])k?c[onbtf](?!\2)[xy]", r"\1B"),
        (r"w([xy])([FR])[onbtf]*k?c[nfto]?w?(?!\1)[xy]\2", r"wB\2"),
        (r"ow([xyB])v?[eE](?=$|k)", r"w\1R"),  # "of which y is an effect"
        (r"ow([xyB])v?A(?=$|k)", r"w\1F"),
        (r"(?<=B)(?P<between>.*)G", r"\g<between>B"),
        (r"(?<=fw)([xyB])E", r"\1R"),
        (r"zw([xy])([FR])(?=k?v?[AEFRP])", r"\1\2z"),  # "what x causes is a cause of": chain
        (r"vK[nt]+(?=[xyzB])|K[Te]?[nt]*(?=[xyzB])", "F"),
        (r"[TeL]o([xyzB])v?[nt]+(?=[xyzB])", r"\1F"),
        (r"(?<=[xyzB])F(?=R)", ""),  # "moves because of"
        # Predicates: "is driven by", "has an effect on", "is one of the causes of".
        (r"v?P[bf]", "R"),
        (r"(?<![v])h?P[nt]?(?=[xyzB])", "F"),
        (r"(?<=[xyzBw])[kc]?v?J?Ao(?=[^w])", "F"),
        (r"(?<=[xyzBw])[kc]?v?J?[Ee]o(?=[^w])", "R"),
        (r"(?<=[xyzBw])(?:hJ?[TeL][nto]|vJ?[T][nto])(?=[xyzBJAEw])", "F"),
        (r"hn([xyzB])[Te]", r"F\1"),
        (r"v?R[onftb]*k?[onftb]*(?:[TeEL][ofn]|Af)?", "R"),
        (r"v?F[nto]*(?:e[ofn](?=[xyzB]))?", "F"),
        (r"Rz[tf](?=[xyzB])", "R"),  # "owes something to"
        (r"z[fo]wL?F[nt]*", "zF"),  # "one from which a path leads to"
        (r"F[no]?w([xyzB])(?=$|k)", r"F\1"),  # "in what y does"
        # "a process that leads to", "the influence of x reaches"
        (r"LwF([xyzB])(?=[hFRv])", r"\1"),
        (r"F(?:L|T|e)w?K?(?=F)|RLw?(?=R)|(?<=[xyzB])v[tn]?o?(?:Lo)?Lw?(?=[FR])", ""),
        (r"FLw?K", "F"),
        (r"[RE]o?Lw([xyB])F", r"R\1"),
        (r"(?:[TeL]|E)[of]([xyzB])(?=k?w?[FRMK])", r"\1"),
        (r"([xyzB])s[TeL](?=[FRMK])", r"\1"),
        (r"zw([FR])([xyzB])v([xy])$", r"\3\1\2"),  # "one that drives y is x"
        (r"FF+", "F"),
        (r"zw([FR])([xy])([FR])(?!\2)([xy])", r"z\1\2kz\3\4"),  # "what drives x drives y"
        (r"^([xy])Fzk?c(?!\1)[xy]F$", "zRB"),  # "x moves a variable, and y moves it as well"
        (r"kF$|(?<=t[xyB])F$", ""),  # ", acting directly"
        (r"^([FR])([xyzB])v(?:z|J?[AE])", r"z\1\2"),  # "behind both stands a cause"
    )
)
# Nouns that nothing else has taken stand for a variable: "both result in one outcome".
LEFT_NOUNS: Final = re.compile(r"(?<=[FR])J?[AEe](?!o)|J[AEe](?=[FRv])")
E: Final = "[xyzB]"
# Who acts on whom: the group "s" on the group "t".
EDGES: Final = tuple(
    re.compile(rf"(?=(?P<all>{pattern}))".replace("S", f"(?P<s>{E})").replace("O", f"(?P<t>{E})"))
    for pattern in (
        "Sk?v?w?F[nt]?O",  # x drives y
        "(?<![xyzB])wFOvS",  # what drives y is x
        "Ok?v?w?R[nt]?S",  # x depends on y
        f"Sw?[FR]{E}k?cFO",  # z depends on y and drives x
        f"Ow?[FR]{E}k?cRS",
        rf"Ok?v?[fnot]?wS[F](?!{E})",  # a variable that x drives
        rf"zSF(?!{E})".replace("z", "(?P<t>z)", 1).replace("O", ""),
        rf"Sk?v?[fnot]?wO[R](?!{E})",  # a variable that x depends on
        rf"(?P<s>z)OR(?!{E})",
        "(?P<s>z)w[xyB][FR]k?cwFO",  # a variable that x drives and that drives y
        "(?P<t>z)w[xyB][FR]k?cwRS",
        "(?<![vhw])AoO[vk]S",  # a cause of y is x
        "(?<![vhw])[Ee]oS[vk]O",
        "OhS[on]?A",  # y has x as a cause
        "ShO[on]?[Ee](?!o)",
        "SvOsA",  # x is one of y's causes
        "OvSs[Ee]",
        "OsAv?S",
        "Ss[Ee]v?O",
        "OwAv?S",  # y, whose causes include x
        "Sw[Ee]v?O",
        "LFOfS",
        "F?fSk?[a-zA-Z]?tO",  # from x to y
        "[TeLF]?tO[Lv]?fS",
        "[TeL]oS[nt]+O",  # effect of x on y
        "Ss[Te][nt]O",
        "[TeL][nt]O[ofb]S",
        "[Te]w?ShnO",
        "SLO",
    )
)
# Words that are known stand between subject and verb, and how they belong there is not.
LOOSE: Final = (
    re.compile(f"(?P<s>{E})[^xyzBFR]{{1,6}}F(?P<t>{E})"),
    re.compile(f"(?P<t>{E})[^xyzBFR]{{1,6}}R(?P<s>{E})"),
)
COMMON_CAUSE: Final = re.compile("BH[^FRxyz]*T|B[^FRxyz]*[hH][^FRxyz]*A|AoB|AwB|[zA]H?bB|BoJ?A")
COMMON_EFFECT: Final = re.compile("B[^FRxyz]*[hH][^FRxyz]*[Ee]|[Ee]oB|[Ee]wB|BM|MoB")
# What a third variable has to do with the two.
THIRD: Final[dict[frozenset[Edge], Kind]] = {
    frozenset({("x", "z"), ("z", "y")}): "ancestor",
    frozenset({("y", "z"), ("z", "x")}): "descendant",
    frozenset({("x", "z"), ("y", "z")}): "collider",
    frozenset({("z", "x"), ("z", "y")}): "confounder",
}
KINDS: Final[dict[tuple[Step, bool], Kind]] = {
    ("direct", False): "parent",
    ("direct", True): "child",
    ("through", False): "ancestor",
    ("through", True): "descendant",
    ("any", False): "cause",
    ("any", True): "effect",
}


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A hypothesis as it was understood.

    Attributes:
        claim: What is claimed of two variables.
        denied: Whether the sentence says that it is not so.
        sure: Whether all its words were known, so that none of them can say otherwise.
    """

    claim: Claim
    denied: bool = False
    sure: bool = True


def read_hypothesis(sentence: str) -> ReadClaim | None:
    """Return what a sentence claims; None where it is not about two variables, or not understood.

    Args:
        sentence: In lower case, with "<0>" and so on for names.
    """
    places = list(dict.fromkeys(int(one) for one in PLACE.findall(sentence)))
    if len(places) != 2 or len(sentence) > LONGEST:
        return None
    x, y = places
    text = sentence.replace(f"<{x}>", "<x>").replace(f"<{y}>", "<y>").rstrip(" .?!")
    text = re.sub(r",? (?:i\.e\.,?|that is,?|namely,?)", " ", text)
    text = re.sub(r"\bcausally and (?=\w+ly\b)|(?<=ly) and causally\b", "", text)
    text = re.sub(r"\b(there|it|that|what|which|who)'s\b", r"\1 is", text)
    text = re.sub(r"<?-+>|=>|⇒|⟶|-->", "→", text.replace("non-direct", "indirect"))
    text = re.sub(r"<-+|<=|⇐|⟵", "←", text)
    text = rephrased(text)
    steps = read_steps(text)
    rest = symbols_of(steps.rest)
    denied = rest.text.count("N") % 2 == 1
    outright = _symmetric(text)
    found = (outright, True) if outright else _claimed(rest.text.replace("N", ""), steps.step)
    if found is None or (denied and AFTERTHOUGHT.search(text)):
        return None
    kind, all_used = found
    known = all_used and not rest.unknown and not ASIDE.search(text)
    return ReadClaim(Claim(kind, x, y), denied, known)


def _symmetric(text: str) -> Kind | None:
    """Return whether a noun says outright that there is a common cause or effect."""
    causes, effects = CONFOUNDED.search(text), COLLIDED.search(text)
    if causes and effects:
        return None
    return "confounder" if causes else "collider" if effects else None


def _claimed(symbols: str, step: Step) -> tuple[Kind, bool] | None:
    """Return what symbols say of the first variable and the second, and whether all are used."""
    reduced = _reduced(symbols)
    matches = [match for pattern in EDGES for match in pattern.finditer(reduced)]
    used = {place for match in matches for place in range(*match.span("all"))}
    all_used = all(place in used for place, part in enumerate(reduced) if part in "FR")
    if not matches:
        kind = _by_noun(reduced)
        if kind is not None:
            return kind, all_used
        matches = [match for pattern in LOOSE for match in pattern.finditer(reduced)]
        all_used = False
    kind = _by_edges({edge for match in matches for edge in _edges(match)}, reduced, step)
    return None if kind is None else (kind, all_used)


def _by_noun(reduced: str) -> Kind | None:
    """Return whether the two are said to share a cause or an effect, by a noun alone."""
    causes, effects = COMMON_CAUSE.search(reduced), COMMON_EFFECT.search(reduced)
    if causes and effects:
        return None
    return "confounder" if causes else "collider" if effects else None


def _by_edges(edges: set[Edge], reduced: str, step: Step) -> Kind | None:
    """Return what it makes up that these act on those; None where it makes no sense."""
    third = frozenset(edge for edge in edges if "z" in edge)
    if third in THIRD:
        return THIRD[third]
    if len(third) > 1 or len(edges - third) > 1:
        return None
    if not edges - third:
        return _by_noun(reduced)
    if step != "direct" and ("z" in reduced or "K" in reduced):
        step = "through"
    return KINDS[step, ("y", "x") in edges]


def _reduced(symbols: str) -> str:
    """Return symbols with those that play one part together as one."""
    for pattern, part in RULES:
        symbols = pattern.sub(part, symbols)
    symbols = LEFT_NOUNS.sub("z", symbols)
    first = re.search("[xy]", symbols)
    if first and first[0]:  # "x has an effect: it changes"
        symbols = re.sub("(?<=k)c?(?=[FR][xyz])", first[0], symbols)
    return symbols


def _edges(match: re.Match[str]) -> Iterator[Edge]:
    """Yield who acts on whom, "B" being both of the two."""
    for one in match["s"].replace("B", "xy"):
        for other in match["t"].replace("B", "xy"):
            if one != other:
                yield one, other
