"""Stage "corr2cause": from a premise to its structure, to what decides a claim, to an answer.

Reading a premise is most of the work, so each is read once for several hypotheses, and all premises
of a step have as many variables, so that hardly anything is padded.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from models.causal_lm.entailment import ANSWERED, ASKED, CLAIMED, END
from models.corr2cause.generate import cases
from models.corr2cause.names import Style
from models.training.objectives import Dialogue

# Variables, from a step on. What is to be learned is the same for all of them, one pair at a time,
# and a premise of five is three times as long as one of three.
CURRICULUM: Final = ((0, (3, 3, 2)), (40, (3, 4)), (120, (3, 4, 4, 5)), (280, (4, 5, 5, 6)))
TOKENS: Final = {2: 120, 3: 170, 4: 320, 5: 530, 6: 820}  # of a premise with its hypotheses, about
# Names of many tokens make every sentence long; a few of them teach that a name may be long.
STYLES: Final[Mapping[Style, float]] = {
    "letters": 0.5, "numbered": 0.1, "words": 0.15, "nonsense": 0.1, "signals": 0.1, "metrics": 0.05
}  # fmt: skip


def premises(step: int, count: int) -> list[Dialogue]:
    """Return the premises for one step of training, the same for the same step.

    Half of the hypotheses of each kind hold: a model that never reads the premise gains nothing.

    Args:
        step: Which one.
        count: Premises, were they of four variables; of other sizes as many as make as much text.
    """
    size = size_at(step)
    fitting = max(count * TOKENS[4] // TOKENS[size], 1)
    return [
        Dialogue(
            (
                (ASKED.format(premise=about[0].premise), False),
                (about[0].reasoning + END, True),
                *(
                    part
                    for each in about
                    for part in (
                        (CLAIMED.format(hypothesis=each.hypothesis), False),
                        (f" {each.argument}{END}", True),
                        (ANSWERED, False),
                        (" yes" if each.label else " no", True),
                        (END, False),
                    )
                ),
            )
        )
        for about in cases(step, fitting, "train", (size,), STYLES)
    ]


def size_at(step: int) -> int:
    """Return how many variables the premises of a step have.

    >>> [size_at(step) for step in (0, 1, 2, 3)]
    [3, 3, 2, 3]
    """
    sizes: Sequence[int] = [sizes for start, sizes in CURRICULUM if start <= step][-1]
    return sizes[step % len(sizes)]
