"""Ways to teach a model to answer in words, at equal time: python -m tests.bench.tuning WAY...

Each is put the question of stage "edges" and learns from the same questions; the temperature is
fitted on development sites. Way "words" leaves the model as it came and takes words of its own in
the place of the answers. Rows are printed as Markdown.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from diagnose.evaluation.edge_scores import SEED, edge_row
from models.causal_lm.prompt import ANSWERS, TUNED, content_free
from models.causal_lm.questions import Questions
from models.simulator.questions import edge_questions
from models.training.answer_words import Verbalised, answer_words
from models.training.answers import InTraining, answered, fitted_temperature, truth_of
from models.training.edges import edge_choices
from models.training.loop import Plan, train
from models.training.lora import AdaptedModel, AdapterShape
from models.training.objectives import ChoosesAnswer, LanguageModel
from models.training.prefixes import PrefixedModel, TriggeredModel, search
from models.weights import locate
from tests.bench.markdown import interval, table

BATCH = 64  # questions a step
SEARCHED = 32  # the same for a search, of which most passes are forward
TRIGGER = " one server signal causes another or"
CALIBRATED = 400  # questions that the temperature is fitted on
EXAMPLES = 4  # batches from which words for the answers are searched
WAYS = ("adapter", "prefix", "triggers", "words")
RATES = {"adapter": 8e-4, "prefix": 1e-2}


def taught(way: str, minutes: float) -> Iterator[LanguageModel]:
    """Yield the model once it has learned in one of the ways; tell its losses on stderr."""
    folder, objective = locate().folder, ChoosesAnswer(ANSWERS)
    if way == "triggers":
        found = TriggeredModel(folder, TRIGGER)
        for loss in search(found, objective, lambda s: edge_choices(s, SEARCHED), minutes):
            sys.stderr.write(f"{loss:.4f} {found.text!r}\n")
        yield found
        return
    model: AdaptedModel | PrefixedModel = (
        PrefixedModel(folder) if way == "prefix" else AdaptedModel(folder, AdapterShape())
    )
    plan = Plan(1_000_000, minutes, RATES[way])
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(scratch) / "checkpoint"
        for now in train(model, objective, lambda s: edge_choices(s, BATCH), plan, checkpoint):
            sys.stderr.write(f"{now.step} {now.losses[-1]}\n")
    yield model


def verbalised() -> Verbalised:
    """Return the model as it came, with the words of its own that tell the answers best."""
    model = InTraining(AdaptedModel(locate().folder, AdapterShape()))
    vocabulary = model.model.tokenizer.get_vocab()
    words = sorted(f" {one[1:]}" for one in vocabulary if one[0] == "Ġ" and one[1:].islower())
    (empty,) = content_free(TUNED)
    questions = [one for step in range(EXAMPLES) for one in edge_choices(step, BATCH)]
    logs = model.log_probabilities([one.prompt for one in questions], words)
    plain = model.log_probabilities(empty, words).mean(axis=0)
    places = answer_words(logs - plain, np.array([one.answer for one in questions]))
    found = Verbalised(model, [words[place] for place in places], empty)
    sys.stderr.write(f"words for {ANSWERS}: {found.words}\n")
    return found


def main() -> None:
    """Teach one model in each way that was asked for, and print how each answers."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tuning", description=__doc__)
    parser.add_argument("ways", nargs="+", choices=WAYS)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--questions", type=int, default=700, help="of each sort")
    chosen = parser.parse_args()
    asked = list(edge_questions(SEED, 3 * chosen.questions, "test"))
    dev = list(edge_questions(0, CALIBRATED, "dev"))
    splits = np.array([each.split for each in asked])
    rows = []
    for way in chosen.ways:
        made = taught(way, chosen.minutes) if way != "words" else iter((None,))
        for model in made:
            found = Questions(verbalised() if model is None else InTraining(model), TUNED)
            found.temperature = fitted_temperature(np.log(answered(found, dev)), truth_of(dev))
            told = answered(found, asked)
            for split in sorted(set(splits)):
                here = np.flatnonzero(splits == split)
                row = edge_row(way, [asked[i] for i in here], told[here])
                rows.append((way, split, *map(interval, row.scores)))
    head = ("way", "unseen", "right of three", "direction", "calibration error")
    sys.stdout.write("\n".join(table(head, rows)) + "\n")


if __name__ == "__main__":
    main()
