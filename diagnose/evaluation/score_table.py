"""Tables of scores: who was measured, on how many, and each figure with its 95 % interval.

Intervals resample groups of items that are not independent (one graph, one topology), not items.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import Estimate

YES_NO: Final = ("F1", "precision", "recall", "accuracy")
RESAMPLES: Final = 2000

Counts = NDArray[np.float64]
Progress = Callable[[int, int], None]  # how much is done, of how much


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """How one way of answering fared.

    Attributes:
        who: Its name.
        n: Items that it was measured on.
        groups: Independent groups of them.
        scores: One for each measure of the table; None where it cannot be said.
    """

    who: str
    n: int
    groups: int
    scores: tuple[Estimate | None, ...]


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """Ways of answering the same questions, side by side.

    Attributes:
        title: What was asked.
        measures: Names of the columns.
        rows: One for each way.
    """

    title: str
    measures: tuple[str, ...]
    rows: tuple[ScoreRow, ...]


def yes_no_row(
    who: str, truth: Sequence[bool], probability: Sequence[float], groups: Sequence[str]
) -> ScoreRow:
    """Return F1, precision, recall and accuracy of answers; above one half means yes.

    Args:
        who: Name of the row.
        truth: What is right, one an item.
        probability: Of yes, as answered.
        groups: Which items are not independent of each other.

    Example:
        >>> yes_no_row("us", [True, False], [0.9, 0.2], ["a", "b"]).scores[0]
        Estimate(value=1.0, low=1.0, high=1.0)
    """
    right, said = np.array(truth, bool), np.array(probability) > 0.5
    names = sorted(set(groups))
    place = np.array([names.index(group) for group in groups], np.intp)
    counts = np.zeros((len(names), 4))
    for column, hit in enumerate((right & said, ~right & said, right & ~said, ~right & ~said)):
        np.add.at(counts[:, column], place[hit], 1)
    rng = np.random.default_rng(0)
    share = np.full(len(names), 1 / len(names))
    drawn = rng.multinomial(len(names), share, RESAMPLES) @ counts
    found, spread = _measures(counts.sum(axis=0)), _measures(drawn)
    scores = []
    for value, many in zip(found, spread, strict=True):
        told = many[np.isfinite(many)]
        low, high = np.quantile(told, [0.025, 0.975]) if len(told) else (np.nan, np.nan)
        known = np.isfinite(value)
        scores.append(Estimate(float(value), float(low), float(high)) if known else None)
    return ScoreRow(who, len(right), len(names), tuple(scores))


def later(progress: Progress, before: int, total: int, here: int) -> None:
    """Tell the progress of a part of a whole.

    Args:
        progress: Who is told.
        before: What was done before the part began.
        total: Of the whole.
        here: What is done of the part.
    """
    progress(before + here, total)


def _measures(counts: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """Return the four measures from counts of right yes, wrong yes, wrong no, right no."""
    yes, wrong_yes, wrong_no, no = np.moveaxis(counts, -1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (
            2 * yes / (2 * yes + wrong_yes + wrong_no),
            yes / (yes + wrong_yes),
            yes / (yes + wrong_no),
            (yes + no) / (yes + wrong_yes + wrong_no + no),
        )
