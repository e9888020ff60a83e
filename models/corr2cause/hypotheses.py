"""Wordings of the six hypotheses; the last of each kind are held out."""

from typing import Final

from models.corr2cause.relations import Claim, Kind

HELD_OUT_HYPOTHESES: Final = 4  # the last ones of each kind

PARENT: Final = (
    "{x} directly causes {y}.",
    "{x} directly affects {y}.",
    "{x} is a direct cause of {y}.",
    "There is a direct causal effect of {x} on {y}.",
    "{x} acts on {y} without anything in between.",
    "{x} has a direct influence on {y}.",
    "A direct causal link leads from {x} to {y}.",
    "{x} is among the direct causes of {y}.",
    "{x} immediately influences {y}.",
    "{x} brings about {y} directly.",
    "The effect of {x} on {y} is, at least in part, direct.",
    "An arrow points straight from {x} to {y}.",
)
CHILD: Final = (
    "{x} is directly caused by {y}.",
    "{x} is directly affected by {y}.",
    "{x} is a direct effect of {y}.",
    "{x} is under the direct influence of {y}.",
    "{x} is a direct consequence of {y}.",
    "{x} results directly from {y}.",
    "{x} responds directly to {y}.",
    "{x} is one of the direct effects of {y}.",
    "{x} is immediately influenced by {y}.",
    "{x} is a direct result of {y}.",
    "{x} is driven directly by {y}.",
    "Among the direct causes of {x} is {y}.",
)
ANCESTOR: Final = (
    "{x} causes something else which causes {y}.",
    "{x} influences {y} through some mediator.",
    "{x} indirectly causes {y}.",
    "{x} is an indirect cause of {y}.",
    "{x} has an indirect effect on {y}.",
    "{x} affects {y} by way of at least one other variable.",
    "There is a variable that {x} causes and that in turn causes {y}.",
    "{x} acts on {y} via another variable.",
    "{x} has an effect on {y} through one or more intermediate variables.",
    "{x} sets off a chain of causes that ends in {y}.",
    "{x} affects some variable that passes the effect on to {y}.",
    "The influence of {x} reaches {y} with other variables in between.",
)
DESCENDANT: Final = (
    "{x} is indirectly caused by {y}.",
    "{x} is an indirect effect of {y}.",
    "{x} is indirectly affected by {y}.",
    "{x} is influenced by {y} through some mediator.",
    "{x} is affected by {y} by way of at least one other variable.",
    "{x} is caused by something else which is caused by {y}.",
    "{x} results indirectly from {y}.",
    "{x} is an indirect consequence of {y}.",
    "{x} is affected by {y} via one or more intermediate variables.",
    "{x} lies at the end of a chain of causes that starts in {y}.",
    "{x} feels the influence of {y} through other variables.",
    "{x} is an effect of a variable that {y} causes.",
)
COLLIDER: Final = (
    "There exists at least one common effect of {x} and {y}.",
    "{x} and {y} have a common effect.",
    "Some variable is caused by both {x} and {y}.",
    "{x} and {y} both cause some other variable.",
    "{x} and {y} share an effect.",
    "At least one collider of {x} and {y} exists.",
    "There is a variable that both {x} and {y} influence.",
    "{x} and {y} jointly affect a third variable.",
    "One or more variables are effects of both {x} and {y}.",
    "The effects of {x} and {y} meet in some variable.",
    "A third variable is influenced by {x} as well as by {y}.",
    "{x} and {y} are both causes of one and the same variable.",
)
CONFOUNDER: Final = (
    "There exists at least one common cause of {x} and {y}.",
    "{x} and {y} have a common cause.",
    "Some variable causes both {x} and {y}.",
    "{x} and {y} are both caused by some other variable.",
    "{x} and {y} share a cause.",
    "At least one confounder of {x} and {y} exists.",
    "There is a variable that influences both {x} and {y}.",
    "A third variable affects both {x} and {y}.",
    "{x} and {y} are confounded by some variable.",
    "One or more variables are causes of both {x} and {y}.",
    "{x} as well as {y} is influenced by a third variable.",
    "{x} and {y} are both effects of one and the same variable.",
)
HYPOTHESES: Final[dict[Kind, tuple[str, ...]]] = {
    "parent": PARENT,
    "child": CHILD,
    "ancestor": ANCESTOR,
    "descendant": DESCENDANT,
    "collider": COLLIDER,
    "confounder": CONFOUNDER,
}


def hypothesis(claim: Claim, names: tuple[str, ...], wording: int) -> str:
    """Return a claim about variables called ``names`` in words.

    Args:
        claim: What is claimed.
        names: In the order of the variables' numbers.
        wording: Number of the wording of that kind.
    """
    text = HYPOTHESES[claim.kind][wording].format(x=names[claim.x], y=names[claim.y])
    return text if text.startswith(names) else text[0].upper() + text[1:]
