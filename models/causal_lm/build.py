"""Builds the table of answers that ships with this package.

    python -m models.causal_lm.build            # all pairs of kinds: a minute on one core

It goes on where it stopped: the table is written after each chunk of pairs.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Final

from models.adapters import SHIPPED, read_adapter
from models.causal_lm.answers import TABLE, Ask, by_name, decode, encode, replace_file
from models.causal_lm.belief import UNANSWERED, Pair
from models.causal_lm.scorer import loaded
from models.kinds import VOCABULARY
from models.weights import BASE, locate

CHUNK: Final = 10_000  # pairs between two writes


def all_pairs() -> list[Pair]:
    """Return every two kinds that a belief can be about: of an unknown tier, there is none."""
    return list(combinations([kind for kind in VOCABULARY if kind.tier != "unknown"], 2))


def build(
    ask: Ask, pairs: Sequence[Pair], file: Path, model: str, prompt: str, chunk: int = CHUNK
) -> Iterator[int]:
    """Write to ``file`` what a model answers about ``pairs``; yield how many it holds so far.

    Args:
        ask: Gives the model's answers.
        pairs: What to ask about; what the file already holds is not asked again.
        file: The table, which is read first and written after each chunk.
        model: Identity of the model; a file of another model's answers is replaced.
        prompt: Version of the questions' wording; likewise.
        chunk: Pairs between two writes.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    known = decode(text, model, prompt)
    left = [pair for pair in pairs if not by_name({pair: UNANSWERED}).keys() <= known.keys()]
    for start in range(0, len(left), chunk):
        known.update(by_name(ask(left[start : start + chunk])))
        replace_file(file, encode(known, model, prompt))
        yield len(known)


def main() -> None:
    """Build the shipped table from the packaged base model and its adapter."""
    parser = argparse.ArgumentParser(prog="python -m models.causal_lm.build", description=__doc__)
    parser.add_argument("--model", default=BASE, help="a folder, or a name on a model hub")
    parser.add_argument("--adapter", type=Path, default=SHIPPED, help="a folder")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name(TABLE))
    chosen = parser.parse_args()
    found = locate(chosen.model)
    adapter = read_adapter(chosen.adapter)
    model = loaded(found.folder, adapter)
    pairs = all_pairs()
    for done in build(model.ask, pairs, chosen.out, adapter.identity, adapter.wording):
        print(f"{done} of {len(pairs)} pairs", flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
