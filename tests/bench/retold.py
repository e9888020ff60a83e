"""What a model that reasons from premises writes: python -m tests.bench.retold ADAPTER...

Premises are of classes that are held out from training, with letters as names. F1 of each step is
over what all premises list, in whatever order; of a hypothesis it is told how often it was taken
for what it is, how often what decides it was found, and how many answers are right: the model's
own, and what the solver concludes from what the model read.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from diagnose.evaluation.relation_scores import LETTERS, SEED
from models.adapters import read_adapter
from models.causal_lm.entailment import Concluded, Structured
from models.corr2cause.generate import Item, cases
from models.corr2cause.retelling import listed, sections
from models.engine import Engine
from models.weights import locate
from tests.bench.markdown import table

STEPS: Final = ("dependent", "apart", "skeleton", "v-structures", "arrows")
HEAD: Final = ("adapter", *STEPS, "hypothesis", "argument", "answers", "the solver concludes")


def row(name: str, reader: Structured, items: Sequence[Item]) -> tuple[str, ...]:
    """Return the row of one adapter."""
    asked = [(item.premise, item.hypothesis) for item in items]
    told = reader.transcripts(asked)
    written = {one.premise: each.reasoning for one, each in zip(items, told, strict=True) if each}
    premises = {item.premise: item.reasoning for item in items}
    steps = [f1(step, premises, written) for step in STEPS]
    arguments = [
        (each.argument.strip(), item.argument) if each else ("", item.argument)
        for item, each in zip(items, told, strict=True)
    ]
    understood = [one.partition(":")[0] == right.partition(":")[0] for one, right in arguments]
    found = [one == right for one, right in arguments]
    shares = [understood, found]
    for who in (reader, Concluded(reader)):
        said = who.entailments(asked)
        shares.append(
            [(p > 0.5) == item.label and p != 0.5 for p, item in zip(said, items, strict=True)]
        )
    return name, *(f"{x:.2f}" for x in (*steps, *(sum(one) / len(one) for one in shares)))


def f1(step: str, right: dict[str, str], written: dict[str, str]) -> float:
    """Return how well a step's lists agree with the right ones, over all premises together."""
    both, mine, theirs = 0, 0, 0
    for premise, reasoning in right.items():
        one, other = (
            Counter(listed(dict(sections(text)).get(step, "none")))
            for text in (reasoning, written.get(premise, ""))
        )
        both += (one & other).total()
        mine, theirs = mine + other.total(), theirs + one.total()
    return 2 * both / max(mine + theirs, 1)


def main() -> None:
    """Print a row for each adapter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapters", type=Path, nargs="+", help="folders of adapters")
    parser.add_argument("--premises", type=int, default=24)
    parser.add_argument("--variables", type=int, nargs="+", default=[4])
    chosen = parser.parse_args()
    sizes = chosen.variables
    drawn = cases(SEED, chosen.premises, "test", sizes, LETTERS)
    items = [one for each in drawn for one in each]
    rows = []
    for folder in chosen.adapters:
        engine = Engine(locate().folder, "cpu", adapter=read_adapter(folder))
        rows.append(row(folder.parent.name, Structured(engine), items))
    title = f"{chosen.premises} premises of {' and '.join(map(str, sizes))} variables"
    sys.stdout.write(f"{title}, {len(items)} hypotheses\n\n")
    sys.stdout.write("\n".join(table(HEAD, rows)) + "\n")


if __name__ == "__main__":
    main()
