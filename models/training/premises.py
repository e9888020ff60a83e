"""Stage "corr2cause": from a premise to its structure, and only then to the answer."""

from collections.abc import Sequence
from typing import Final

from models.causal_lm.entailment import ASKED
from models.corr2cause.generate import items
from models.training.objectives import Dialogue

SIZES: Final = (2, 3, 4)  # variables; a premise of six is thirty times as long as one of three


def premises(step: int, count: int, sizes: Sequence[int] = SIZES) -> list[Dialogue]:
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
        for each in items(step, count, "train", sizes, balanced=True)
    ]
