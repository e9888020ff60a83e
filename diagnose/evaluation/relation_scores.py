"""How well it is told what statistical relations say of causes: by the solver, models, rules.

All see the same items; a language model sees as many of the first as it has time for. The rule that
never reads the premise says how much the hypothesis gives away: an earlier name that acts on a
later one, or a common effect, is a yes. *Hypothesis alone* is what its letters tell somebody who
has learned from the training classes and is never shown a premise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

import numpy as np

from diagnose.evaluation.items import Answer, Item, Model, by_symbols, opinions_within
from diagnose.evaluation.score_table import (
    YES_NO,
    Progress,
    ScoreRow,
    ScoreTable,
    later,
    yes_no_row,
)
from models.corr2cause.classes import Split
from models.corr2cause.generate import cases
from models.corr2cause.names import Style
from models.corr2cause.reading import read

SEED: Final = 2026
LEARNED: Final = 2000  # training items of which the letters of the hypothesis are learned
LETTERS: Final[Mapping[Style, float]] = {"letters": 1.0}
OTHER_NAMES: Final[Mapping[Style, float]] = {
    "words": 1.0,
    "signals": 1.0,
    "metrics": 1.0,
    "nonsense": 1.0,
    "numbered": 1.0,
}
BLIND_YES: Final = {"parent", "ancestor", "cause"}


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


def relation_tables(
    models: Mapping[str, Model],
    count: int,
    seconds: float,
    progress: Progress = lambda done, of: None,
    conditions: Sequence[Condition] = CONDITIONS,
    split: Split = "test",
) -> Iterator[ScoreTable]:
    """Yield a table for each condition, on classes of graphs that are held out from training.

    Args:
        models: Language models by name.
        count: Items of each table, half of them yes.
        seconds: Time of all models together; its row says how many items each has been asked.
        progress: Told how many items the models have been asked of all.
        conditions: What differs between the tables.
        split: Whose classes.
    """
    share = seconds / max(len(conditions) * len(models), 1)
    done, total = 0, count * len(conditions) * len(models)
    for condition in conditions:
        asked = _asked(condition, count, split)
        learned = _asked(Condition("", (3, 4, 5), condition.styles), LEARNED, "train")
        rows = [
            *rules(asked),
            row("hypothesis alone", asked, _letters(learned, asked)),
            row("solver on what was read", asked, solver_answers(asked)),
        ]
        for name, model in models.items():
            said = opinions_within(share, model, asked, partial(later, progress, done, total))
            rows.append(row(name, asked[: len(said)], said))
            done += count
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
    rows = [*rules(labelled), row("answers", labelled, [one.probability for _, one in known])]
    opinions = [one.model_probability for _, one in known]
    told = [opinion for opinion in opinions if opinion is not None]
    if len(told) == len(known):
        rows.append(row("language model alone", labelled, told))
    return ScoreTable("Items with a label", YES_NO, tuple(rows))


def rules(asked: Sequence[Item]) -> list[ScoreRow]:
    """Return what a coin and rules that never read the premise would reach."""
    coin = np.random.default_rng(SEED).random(len(asked)).tolist()
    rows = [row("chance", asked, coin), row("always yes", asked, [1.0] * len(asked))]
    if all(item.premise for item in asked):
        rows.append(row("premise-blind rule", asked, [_blind(item) for item in asked]))
    return rows


def _asked(condition: Condition, count: int, split: Split) -> list[Item]:
    """Return items of which a few share a premise: reading it is most of a model's work."""
    about = cases(
        SEED, count, split, condition.sizes, condition.styles, held_out_wording=condition.held_out
    )
    drawn = islice((one for each in about for one in each), count)
    return [Item(one.id, one.hypothesis, one.premise, one.label, one.group) for one in drawn]


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


def _letters(learned: Sequence[Item], asked: Sequence[Item]) -> list[float]:
    """Return what the letters of the hypotheses tell who was never shown a premise."""
    reader = letters_reader()
    reader.fit([item.question for item in learned], [bool(item.label) for item in learned])
    told = reader.predict_proba([item.question for item in asked])[:, 1]
    return [float(one) for one in told]


def letters_reader() -> Any:  # noqa: ANN401 - of scikit-learn, which has no types
    """Return a classifier of texts by their letters, to be fitted."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pieces = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=3, sublinear_tf=True)
    return make_pipeline(pieces, LogisticRegression(max_iter=300))


def row(who: str, asked: Sequence[Item], said: Sequence[float]) -> ScoreRow:
    """Return how good answers are, over the items' groups.

    Args:
        who: Name of the row.
        asked: Items, each with its label.
        said: Probability of yes, one an item.
    """
    return yes_no_row(who, [bool(item.label) for item in asked], said, [one.group for one in asked])
