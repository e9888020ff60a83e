"""What a question wants to know: which quantity, of which variables, and which sign of it."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Quantity = Literal[
    "effect",
    "effect on the treated",
    "direct effect",
    "indirect effect",
    "marginal",
    "correlation",
    "explaining away",
    "selection",
    "adjustment",
    "logic",
]

UP: Final = (
    r"increas\w*|rais\w*|larger|greater|higher|more likely|positive\w*|grow\w*|improv\w*|more"
)
DOWN: Final = (
    r"decreas\w*|lower\w*|reduc\w*|smaller|less likely|negative\w*|shrink\w*|worsen\w*|less"
)
EVENT: Final = (
    r"(?:the )?(?:overall )?(?:chance|probability|likelihood|risk|odds|rate) (?:of|that) "
)

# The first that fits wins; "sign" holds the words for the sign that is asked about.
_FORMS: Final[tuple[tuple[Quantity, str], ...]] = (
    (
        "adjustment",
        r"to (?:understand|know|learn|find out|estimate) how (?P<x>.+?) "
        r"(?:affects?|influences?|causes?) (?P<y>.+?), (?P<rest>.*method.*)",
    ),
    (
        "selection",
        r"(?:if|when) we (?:only )?(?:look at|consider|restrict \w+ to|focus on) (?P<c>.+?), "
        r"(?:does it mean|can we conclude|does it follow|does this imply|does that mean)"
        r"(?: that)? (?P<x>.+?) (?P<sign>does not affect|do not affect|affects?|causes?|"
        r"does not cause|has no effect on|has an effect on|influences?|does not influence) "
        r"(?P<y>.+)",
    ),
    (
        "explaining away",
        rf"(?:if|when) we (?:only )?(?:look at|consider|focus on) (?P<c>.+?), (?:does|do|will) "
        rf"{EVENT}(?P<y>.+?) (?P<sign>{UP}|{DOWN}) (?:when|if|with|given) (?P<x>.+)",
    ),
    (
        "effect on the treated",
        rf"(?:for|among) (?P<c>.+?), would (?:it be (?P<sign>{UP}|{DOWN}) (?:likely )?to "
        rf"(?:see|have|observe) |{EVENT})(?P<y>.+?) (?:have been |be )?(?P<sign2>{UP}|{DOWN})? ?"
        r"if (?P<x>.+)",
    ),
    (
        "direct effect",
        r"(?:if|when) we (?:disregard|ignore|leave out|exclude|block|do not count|set aside) "
        r"(?:the )?(?:\w+ )*?(?:effects?|paths?|influence)?\s*(?:through|via|by way of|of) "
        rf"(?P<m>.+?), (?:would|does|do|will) (?P<x>.+?) (?P<sign>{UP}|{DOWN}) "
        r"(?:affect|influence|impact) (?P<y>.+)",
    ),
    (
        "direct effect",
        rf"(?:does|do|would|will) (?P<x>.+?) (?P<sign>{UP}|{DOWN}) (?:and )?directly "
        r"(?:affect|influence|impact) (?P<y>.+)",
    ),
    (
        "indirect effect",
        rf"(?:does|do|would|will) (?P<x>.+?) (?P<sign>{UP}|{DOWN}) (?:affect|influence|impact) "
        r"(?P<y>.+?) (?:through|via|by way of) (?P<m>.+)",
    ),
    (
        "marginal",
        rf"(?:is|are) (?P<y>.+?) (?P<sign>{UP}|{DOWN}) (?:likely )?(?:than )(?P<z>.+?)"
        r"(?: overall| in general| in total)?$",
    ),
    (
        "correlation",
        rf"(?:is|are) (?:{EVENT})?(?P<y>.+?) (?P<sign>{UP}|{DOWN}) (?:likely )?(?:when|if|given|"
        r"after|for|among|in)(?: we)?(?: observ\w+| see\w*| know\w*)? (?P<x>.+)",
    ),
    (
        "logic",
        r"would (?P<y>.+?) (?:if|had|were) (?P<x>.+?) (?:instead of|rather than|and not) (?P<z>.+)",
    ),
    ("effect", rf"(?:will|would|does|do|can) (?P<x>.+?) (?P<sign>{UP}|{DOWN}) {EVENT}(?P<y>.+)"),
    (
        "effect",
        rf"(?:will|would|does|do|can) (?P<x>.+?) (?P<sign>{UP}|{DOWN}) (?:affect |influence )?"
        r"(?P<y>.+)",
    ),
)
FORMS: Final = tuple((name, re.compile(form, re.IGNORECASE)) for name, form in _FORMS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, taken apart; all texts are the question's own words.

    Attributes:
        quantity: What is to be known.
        x: What acts, or is observed.
        y: What it acts on.
        upwards: Whether "yes" means that the quantity is positive.
        z: What ``y`` or ``x`` is compared with; "" where nothing is.
        condition: Whom the question is about; "" where about all.
        through: The mediators; "" where none are named.
    """

    quantity: Quantity
    x: str
    y: str
    upwards: bool
    z: str = ""
    condition: str = ""
    through: str = ""


def read_question(sentence: str) -> Asked | None:
    """Return what a sentence asks, None where it is not one of the known questions."""
    text = sentence.strip().rstrip(" ?.!")
    for quantity, form in FORMS:
        match = form.search(text)
        if match:
            parts = {key: (value or "").strip() for key, value in match.groupdict().items()}
            sign = parts.get("sign") or parts.get("sign2") or ""
            return Asked(
                quantity,
                parts.get("x", ""),
                parts.get("y", ""),
                _upwards(quantity, sign),
                parts.get("z", ""),
                parts.get("c", ""),
                parts.get("m", ""),
            )
    return None


def _upwards(quantity: Quantity, sign: str) -> bool:
    if quantity == "selection":
        return " not " not in f" {sign} " and " no " not in f" {sign} "
    return not re.fullmatch(DOWN, sign, re.IGNORECASE)
