"""Measure how well causal questions are answered: by the solver, a language model, rules of thumb.

Each table is a function that gives a ``ScoreTable``; all ways see the same items. The rule that
never reads the premise says how much the hypothesis gives away: an earlier name that acts on a
later one, or a common effect, is a yes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from diagnose.lm_items import Answer, Item, Model, by_symbols
from diagnose.score_table import YES_NO, ScoreRow, ScoreTable, yes_no_row
from models.corr2cause.classes import Split
from models.corr2cause.generate import items
from models.corr2cause.names import Style
from models.corr2cause.reading import read

SEED: Final = 2026
LETTERS: Final[Mapping[Style, float]] = {"letters": 1.0}
OTHER_NAMES: Final[Mapping[Style, float]] = {
    "words": 1.0,
    "signals": 1.0,
    "metrics": 1.0,
    "nonsense": 1.0,
    "numbered": 1.0,
}
BLIND_YES: Final = {"parent", "ancestor", "cause"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Condition:
    """One way to make the items of a table.

    Attributes:
        title: Of the table.
        sizes: Numbers of variables.
        styles: What sort of names.
        held_out: Whether the wordings are those that are held out from training.
    """

    title: str
    sizes: tuple[int, ...]
    styles: Mapping[Style, float]
    held_out: bool = False


CONDITIONS: Final = (
    Condition("Correlation to causation, letters as names", (4, 5, 6), LETTERS),
    Condition("Correlation to causation, other names", (4, 5, 6), OTHER_NAMES),
    Condition("Correlation to causation, wordings held out", (4, 5, 6), LETTERS, held_out=True),
    Condition("Correlation to causation, seven variables", (7,), LETTERS),
)


def correlation_tables(
    models: Mapping[str, Model],
    count: int,
    progress: Progress,
    conditions: Sequence[Condition] = CONDITIONS,
    split: Split = "test",
) -> Iterator[ScoreTable]:
    """Yield a table for each condition, on classes of graphs that are held out from training.

    Args:
        models: Language models by name.
        count: Items of each table, half of them yes.
        progress: Told after each item that the models have answered.
        conditions: What differs between the tables.
        split: Whose classes.
    """
    done, total = 0, count * len(conditions) * len(models)
    for condition in conditions:
        drawn = list(
            items(
                SEED,
                count,
                split,
                condition.sizes,
                condition.styles,
                held_out_wording=condition.held_out,
                balanced=True,
            )
        )
        asked = [Item(one.id, one.hypothesis, one.premise, one.label, one.group) for one in drawn]
        rows = [*_rules(asked), _row("solver on what was read", asked, solver_answers(asked))]
        for name, model in models.items():
            said = []
            for item in asked:
                said.append(model.entailment(item.premise, item.question))
                done += 1
                progress(done, total)
            rows.append(_row(name, asked, said))
        yield ScoreTable(condition.title, YES_NO, tuple(rows))


def solver_answers(asked: Sequence[Item]) -> list[float]:
    """Return the probabilities that symbols give; one half where nothing was understood."""
    return [found[0] if (found := by_symbols(item)) else 0.5 for item in asked]


def scored(asked: Sequence[Item], answers: Sequence[Answer]) -> ScoreTable | None:
    """Return how good answers are on the items that carry a label; None where none does."""
    known = [
        (item, answer)
        for item, answer in zip(asked, answers, strict=True)
        if item.label is not None
    ]
    if not known:
        return None
    labelled = [item for item, _ in known]
    rows = [*_rules(labelled), _row("answers", labelled, [one.probability for _, one in known])]
    opinions = [one.model_probability for _, one in known]
    told = [opinion for opinion in opinions if opinion is not None]
    if len(told) == len(known):
        rows.append(_row("language model alone", labelled, told))
    return ScoreTable("Items with a label", YES_NO, tuple(rows))


def _rules(asked: Sequence[Item]) -> list[ScoreRow]:
    """Return what a coin and a rule that never reads the premise would reach."""
    coin = np.random.default_rng(SEED).random(len(asked)).tolist()
    rows = [_row("chance", asked, coin), _row("always yes", asked, [1.0] * len(asked))]
    if all(item.premise for item in asked):
        rows.append(_row("premise-blind rule", asked, [_blind(item) for item in asked]))
    return rows


def _blind(item: Item) -> float:
    """Return what the hypothesis alone suggests."""
    reading = read(item.premise, item.question)
    if reading.claim is None:
        return 0.0
    claim = reading.claim.claim
    if claim.kind == "collider":
        return 1.0
    forward = claim if claim.kind in BLIND_YES else claim.turned()
    earlier = reading.names[forward.x] < reading.names[forward.y]
    return float(forward.kind in BLIND_YES and earlier)


def _row(who: str, asked: Sequence[Item], said: Sequence[float]) -> ScoreRow:
    return yes_no_row(who, [bool(item.label) for item in asked], said, [one.group for one in asked])
