"""How well a public set of yes-or-no questions about causes is answered, rung by rung.

CLadder is not shipped; its folder is given. A question tells a graph and figures and asks about
what is seen (rung 1), done (2) or imagined (3). Questions of one story are not independent, so
intervals are over stories. A language model is put the question as it is, and what it says to a
question without content is taken off. *Last sentence alone* is what its letters tell somebody who
has learned from other stories.

Reference: Jin et al., "CLadder: Assessing Causal Reasoning in Language Models", NeurIPS 2023.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.items import Item, Model, by_symbols, opinions_within
from diagnose.evaluation.relation_scores import letters_reader, row, rules
from diagnose.evaluation.score_table import YES_NO, Progress, ScoreTable, later
from diagnose.failure import Failure

SEED: Final = 2026
RUNGS: Final = {1: "association", 2: "intervention", 3: "counterfactual"}
FOLDS: Final = 5
GRAPHS: Final = "test-model-meta.json"  # tells the graph of each model; the others ask about them
WAY_OUT: Final = "give the folder of CLadder's test-*.json files"


def read_cladder(folder: Path) -> dict[int, list[Item]]:
    """Return the questions of every file in ``folder``, by rung, each after the graph it is about.

    Raises:
        Failure: there are none, or a file is none of CLadder's.
    """
    found: dict[int, list[Item]] = {rung: [] for rung in RUNGS}
    read = {file: _entries(file) for file in sorted(folder.rglob("test-*.json"))}
    try:
        graphs = {
            entry["model_id"]: str(entry["background"])
            for file, entries in read.items()
            if file.name == GRAPHS
            for entry in entries
        }
        for file, entries in read.items():
            for entry in entries if file.name != GRAPHS else ():
                meta = entry["meta"]
                parts = graphs[meta["model_id"]], entry["given_info"], entry["question"]
                item = Item(
                    f"{file.stem}-{entry['question_id']}",
                    " ".join(filter(None, parts)),
                    label={"yes": True, "no": False}[entry["answer"]],
                    group=str(meta["story_id"]),
                )
                found[meta["rung"]].append(item)
    except (KeyError, TypeError) as error:
        raise Failure(f"{folder} is not CLadder: {error!r:.200}", WAY_OUT) from error
    if not any(found.values()):
        raise Failure(f"{folder} holds no questions", WAY_OUT)
    return found


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        told: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(f"{file} cannot be read: {error}", WAY_OUT) from error
    return told


def question_tables(
    questions: Mapping[int, list[Item]],
    models: Mapping[str, Model],
    count: int,
    seconds: float,
    progress: Progress = lambda done, of: None,
) -> Iterator[ScoreTable]:
    """Yield a table for each rung.

    Args:
        questions: By rung.
        models: Language models by name.
        count: Questions of each rung, drawn alike from all files.
        seconds: Time of all models together; its row says how many questions each was asked.
        progress: Told how many questions the models have been asked of all.
    """
    share = seconds / max(len(questions) * len(models), 1)
    done, total = 0, count * len(questions) * len(models)
    for rung, known in sorted(questions.items()):
        drawn = np.random.default_rng([SEED, rung]).permutation(len(known))[:count]
        asked = [known[place] for place in drawn]
        told = [found[0] if (found := by_symbols(item)) else 0.5 for item in asked]
        alone = _last_sentences(known)[drawn].tolist()
        rows = [
            *rules(asked),
            row("last sentence alone", asked, alone),
            row("calculation on what was read", asked, told),
        ]
        for name, model in models.items():
            said = opinions_within(share, model, asked, partial(later, progress, done, total))
            rows.append(row(name, asked[: len(said)], said))
            done += count
        yield ScoreTable(f"CLadder, rung {rung}, {RUNGS[rung]}", YES_NO, tuple(rows))


def _last_sentences(known: Sequence[Item]) -> NDArray[np.float64]:
    """Return what the letters of the last sentences tell, learned from other stories each time."""
    from sklearn.model_selection import GroupKFold, cross_val_predict

    stories = [item.group for item in known]
    told = cross_val_predict(
        letters_reader(),
        [item.question.rpartition(". ")[2] for item in known],
        [bool(item.label) for item in known],
        groups=stories,
        cv=GroupKFold(min(FOLDS, len(set(stories)))),
        method="predict_proba",
    )
    return np.asarray(told[:, 1], dtype=np.float64)
