"""Calculate a quantity from the probabilities that a text tells.

Which formula applies follows from the tables: one table under the treatment alone is the effect
itself; one more condition with a known share is a confounder to average over; one table more says
how the treatment moves a mediator. Where the graph is told it decides between the readings that the
same tables allow.

Reference: Pearl, "Causality", 2nd ed. 2009: adjustment (3.3), front door (3.3.2), direct and
indirect effects (4.5); Angrist, Imbens, Rubin, 1996, for the instrument's ratio.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.questions.asked import Asked
from models.questions.figures import Figures, Table
from models.questions.phrases import alike, opposite
from models.questions.world import World


@dataclass(frozen=True, slots=True)
class Result:
    """A quantity and how it came about.

    Attributes:
        value: The quantity; "yes" to a question about its sign where it is positive.
        formula: In words.
    """

    value: float
    formula: str


def calculate(asked: Asked, figures: Figures, world: World | None) -> Result | None:
    """Return the quantity that is asked for, None where the figures do not tell it."""
    if asked.quantity == "marginal":
        return _marginal(asked, figures)
    if asked.quantity == "correlation":
        return _correlation(asked, figures)
    if asked.quantity == "explaining away":
        return _explaining_away(asked, figures)
    tables = figures.tables
    if len(tables) == 1 and len(tables[0].conditions) == 1 and asked.quantity != "direct effect":
        return Result(_rise(tables[0].values), "P(y|x=1) - P(y|x=0)")
    if len(tables) == 1 and len(tables[0].conditions) == 2:
        return _adjusted(asked, tables[0], figures)
    if len(tables) != 2:
        return None
    return _instrument(asked, tables) or _mediated(asked, tables, figures, world)


def _rise(values: NDArray[np.float64]) -> float:
    return float(values[1] - values[0])


def _marginal(asked: Asked, figures: Figures) -> Result | None:
    if len(figures.tables) != 1 or len(figures.overall) != 1:
        return None
    table, share = figures.tables[0], figures.overall[0][1]
    if len(table.conditions) != 1:
        return None
    value = float(table.values @ [1 - share, share]) - 0.5
    # "Is not y more likely than y": the absence is asked about.
    absent = opposite(asked.y, table.event) and not opposite(asked.z, table.event)
    return Result(-value if absent else value, "sum over x of P(y|x) P(x), less .5")


def _correlation(asked: Asked, figures: Figures) -> Result | None:
    if len(figures.joint) == 2 and len(figures.overall) == 1:
        share = figures.overall[0][1]
        without, with_x = figures.joint[0][1], figures.joint[1][1]
        if not 0 < share < 1:
            return None
        value = with_x / share - without / (1 - share)
    elif len(figures.tables) == 1 and len(figures.tables[0].conditions) == 1:
        value = _rise(figures.tables[0].values)
    else:
        return None
    known = figures.overall[0][0] if figures.overall else figures.tables[0].conditions[0][1]
    return Result(-value if opposite(asked.x, known) else value, "P(y|x=1) - P(y|x=0)")


def _explaining_away(asked: Asked, figures: Figures) -> Result | None:
    table = next((one for one in figures.tables if len(one.conditions) == 2), None)
    if table is None:
        return None
    selected = max(
        range(2),
        key=lambda axis: max(alike(asked.condition, one) for one in table.conditions[axis]),
    )
    absent, present = table.conditions[selected]
    side = int(_nearer(asked.condition, present, absent))
    return Result(
        _rise(np.moveaxis(table.values, selected, 0)[side]),
        "P(y|x=1,s) - P(y|x=0,s) at the chosen s",
    )


def _nearer(phrase: str, present: str, absent: str) -> bool:
    """Return whether a phrase means the presence rather than the absence."""
    if phrase.lower() in (present, absent):
        return phrase.lower() == present
    if opposite(phrase, absent) != opposite(phrase, present):
        return opposite(phrase, absent)
    return alike(phrase, present) >= alike(phrase, absent)


def _adjusted(asked: Asked, table: Table, figures: Figures) -> Result | None:
    """Return the effect averaged over the one condition whose share is told."""
    if len(figures.overall) != 1:
        return None
    event, share = figures.overall[0]
    first, second = (" ".join(pair) for pair in table.conditions)
    # The confounder is the condition that the share is of; the treatment is what is asked about.
    as_written = alike(event, first) + alike(asked.x, second)
    swapped = alike(event, second) + alike(asked.x, first)
    values = table.values if as_written >= swapped else table.values.T
    value = float((values[:, 1] - values[:, 0]) @ [1 - share, share])
    return Result(value, "sum over z of P(z) (P(y|x=1,z) - P(y|x=0,z))")


def _instrument(asked: Asked, tables: tuple[Table, ...]) -> Result | None:
    """Return the ratio of what one instrument does to the outcome and to the treatment."""
    one, other = tables
    if len(one.conditions) != 1 or one.conditions != other.conditions:
        return None
    treatment = other if alike(asked.x, other.event) >= alike(asked.x, one.event) else one
    outcome = one if treatment is other else other
    moved = _rise(treatment.values)
    if not moved:
        return None
    return Result(_rise(outcome.values) / moved, "(P(y|z=1) - P(y|z=0)) / (P(x|z=1) - P(x|z=0))")


def _mediated(
    asked: Asked, tables: tuple[Table, ...], figures: Figures, world: World | None
) -> Result | None:
    """Return an effect where one table is of the outcome, the other of what stands beside it.

    The condition that both tables share is the treatment.
    """
    # The outcome's table has what the other one is about among its conditions.
    outcome, beside = max(
        (tables, tables[::-1]),
        key=lambda pair: (
            len(pair[0].conditions) == 2,
            max(alike(pair[1].event, one) for both in pair[0].conditions for one in both),
        ),
    )
    shared = [pair for pair in outcome.conditions if pair in beside.conditions]
    if len(outcome.conditions) != 2 or len(shared) != 1:
        return None
    y = np.moveaxis(outcome.values, outcome.conditions.index(shared[0]), 0)
    m = np.moveaxis(beside.values, beside.conditions.index(shared[0]), 0)
    if m.ndim == 2:  # the mediator also depends on a variable whose share is told
        if len(figures.overall) != 1:
            return None
        share = figures.overall[0][1]
        m = m @ [1 - share, share]
    mediator = np.stack([1 - m, m], axis=1)  # treatment by mediator
    return _of_mediator(asked, y, mediator, figures, _is_beside(asked, beside, world))


def _of_mediator(
    asked: Asked,
    y: NDArray[np.float64],
    mediator: NDArray[np.float64],
    figures: Figures,
    covariate: bool,
) -> Result | None:
    """Return the quantity from P(y|x,m) and P(m|x), both by treatment, then mediator."""
    rise, shift = y[1] - y[0], mediator[1] - mediator[0]
    if asked.quantity == "direct effect":
        return Result(float(mediator[0] @ rise), "sum over m of P(m|x=0) (P(y|x=1,m) - P(y|x=0,m))")
    if asked.quantity == "effect on the treated":
        if covariate:
            return Result(
                float(mediator[1] @ rise), "sum over z of P(z|x=1) (P(y|x=1,z) - P(y|x=0,z))"
            )
        return Result(float(shift @ y[1]), "sum over m of P(y|x=1,m) (P(m|x=1) - P(m|x=0))")
    if len(figures.overall) == 1 and asked.quantity in ("effect", "indirect effect"):
        share = figures.overall[0][1]
        if _is_front_door(figures):
            return Result(
                float(shift @ ([1 - share, share] @ y)),
                "sum over m of (P(m|x=1) - P(m|x=0)) sum over x of P(x) P(y|x,m)",
            )
    if asked.quantity == "indirect effect":
        return Result(float(shift @ y[0]), "sum over m of P(y|x=0,m) (P(m|x=1) - P(m|x=0))")
    if covariate:
        return Result(float(mediator.mean(axis=0) @ rise), "sum over z of P(z) of both, by z")
    return Result(
        float(mediator[1] @ y[1] - mediator[0] @ y[0]),
        "sum over m of P(y|x,m) P(m|x), x=1 less x=0",
    )


def _is_front_door(figures: Figures) -> bool:
    """Return whether the share that is told is the treatment's own."""
    event = figures.overall[0][0]
    shared = [
        pair
        for one in figures.tables
        for pair in one.conditions
        if all(pair in other.conditions for other in figures.tables)
    ]
    others = [pair for one in figures.tables for pair in one.conditions if pair not in shared]
    own = max((alike(event, " ".join(pair)) for pair in shared), default=0.0)
    return own >= max((alike(event, " ".join(pair)) for pair in others), default=0.0)


def _is_beside(asked: Asked, beside: Table, world: World | None) -> bool:
    """Return whether the graph says that the treatment does not act on the second table's event."""
    if world is None:
        return False
    cause, effect = world.place(asked.x), world.place(asked.y)
    names = list(world.names)
    places = sorted(range(len(names)), key=lambda i: -alike(names[i], beside.event))
    if cause is None:
        cause = max(range(len(names)), key=lambda i: alike(names[i], asked.x))
    mediators = [i for i in places if i not in (cause, effect)]
    return bool(mediators) and not world.acts(cause, mediators[0])
