"""Stage "corr2cause": from a premise to its structure, and only then to the answer."""

from collections.abc import Sequence
from typing import Final

from models.causal_lm.entailment import ASKED
from models.corr2cause.generate import items
from models.training.objectives import Dialogue

# Variables, from a step on: a premise of four is three times as long as one of two or three, and
# how a structure is written is learned as well from short ones.
CURRICULUM: Final = ((0, (2, 3)), (150, (2, 3, 4)))


def premises(step: int, count: int) -> list[Dialogue]:
    """Return the items of one step of training, the same for the same step.

    Half of the hypotheses of each kind hold: a model that never reads the premise gains nothing.
    """
    return [
        Dialogue(
            (
                (ASKED.format(premise=each.premise, hypothesis=each.hypothesis), False),
                (each.structure, True),
            )
        )
        for each in items(step, count, "train", sizes_at(step), balanced=True)
    ]


def sizes_at(step: int) -> Sequence[int]:
    """Return how many variables the premises of a step may have.

    >>> sizes_at(0), sizes_at(1000)
    ((2, 3), (2, 3, 4))
    """
    return [sizes for start, sizes in CURRICULUM if start <= step][-1]
