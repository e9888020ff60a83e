"""What a language model has already answered about pairs of kinds, so that it need not run again.

One table ships with this package, another grows beside it on each machine. An answer counts for
exactly one model and one wording of the questions; of another model's answers none is used.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import Final

from diagnose.schema import Failure, Kind
from models.causal_lm.belief import UNANSWERED, Pair, PairBelief
from models.causal_lm.prompt import UNTUNED

Key = tuple[str, str]  # the names of two kinds, in order; a name of the vocabulary tells the kind
Beliefs = Mapping[Key, PairBelief]
Ask = Callable[[Sequence[Pair]], Mapping[Pair, PairBelief]]

TABLE: Final = "answers.json"  # what ships
DECIMALS: Final = 2  # of a log-odds: a hundredth moves nothing


class AnswerTable:
    """Answers of one model, shipped and learned.

    Args:
        model: Identity of the model, from ``models.weights``.
        folder: Where what was learned is kept between two starts; None keeps it in memory only.
        prompt: Version of the questions' wording.
    """

    def __init__(self, model: str, folder: Path | None, prompt: str = UNTUNED.version) -> None:
        self.model = model
        self.prompt = prompt
        self.file = folder / f"answers-{model[:12]}-{prompt}.json" if folder else None
        shipped = files("models.causal_lm") / TABLE
        text = shipped.read_text(encoding="utf-8") if shipped.is_file() else ""
        self._known = {**decode(text, model, prompt), **self._learned()}
        self._turn = Lock()

    def get(self, pair: Pair) -> PairBelief | None:
        """Return the belief about ``pair``, in whichever order it was asked; None if never."""
        a, b = pair
        found = self._known.get(_key(a, b))
        return found if found is None or a.name <= b.name else found.reversed()

    def add(self, beliefs: Mapping[Pair, PairBelief]) -> None:
        """Remember ``beliefs``, on disk too where there is a folder.

        Threads take turns. Of two processes that add at once, the later may drop what the earlier
        has added meanwhile: then it is asked again, to the same answer.

        Raises:
            Failure: the folder cannot be written.
        """
        fresh = by_name(beliefs)
        if not fresh:
            return
        with self._turn:
            self._known.update(fresh)
            if self.file is None:
                return
            learned = encode({**self._learned(), **fresh}, self.model, self.prompt)
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self.file, learned)
            except OSError as error:
                what = f"the model's answers cannot be kept: {error}"
                raise Failure(what, "give another folder as model.cache_dir") from error

    def complete(
        self, pairs: Sequence[Pair], ask: Ask, most: int
    ) -> tuple[tuple[PairBelief, ...], int]:
        """Return one belief a pair, and how many different pairs stay without an answer.

        Args:
            pairs: The most relevant first, in whichever order of its kinds each.
            ask: Gives answers for pairs that the table lacks; they are remembered.
            most: How many of those are asked.

        Raises:
            Failure: the answers cannot be kept.
        """
        lacking: dict[Key, Pair] = {}
        for a, b in pairs:
            if _key(a, b) not in self._known:
                lacking.setdefault(_key(a, b), (a, b))
        asked = list(lacking.values())[:most]
        fresh = ask(asked) if asked else {}
        self.add(fresh)
        return tuple(self.get(pair) or UNANSWERED for pair in pairs), len(lacking) - len(fresh)

    def _learned(self) -> dict[Key, PairBelief]:
        """Return what was learned before; a table that cannot be read is as good as empty."""
        if self.file is None or not self.file.is_file():
            return {}
        try:
            return decode(self.file.read_text(encoding="utf-8"), self.model, self.prompt)
        except (OSError, ValueError):
            return {}  # it will be written anew


def by_name(beliefs: Mapping[Pair, PairBelief]) -> dict[Key, PairBelief]:
    """Return beliefs under the names of their kinds, each pair in the order of its names."""
    return {
        _key(a, b): belief if a.name <= b.name else belief.reversed()
        for (a, b), belief in beliefs.items()
    }


def encode(beliefs: Beliefs, model: str, prompt: str) -> str:
    """Return a table as JSON, one answer a line; the same beliefs give the same text."""
    names = sorted({name for key in beliefs for name in key})
    place = {name: i for i, name in enumerate(names)}
    rows = [
        [
            place[a],
            place[b],
            *(round(x, DECIMALS) + 0.0 for x in (it.forward, it.backward, it.none)),
        ]
        for (a, b), it in sorted(beliefs.items())
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    head = json.dumps({"model": model, "prompt": prompt, "kinds": names})
    return f'{head[:-1]},\n"answers": [\n{lines}\n]}}\n'


def decode(text: str, model: str, prompt: str) -> dict[Key, PairBelief]:
    """Return the answers in ``text`` if they are this model's to these questions, else none.

    Raises:
        ValueError: the text is no such table.
    """
    if not text:
        return {}
    table = json.loads(text)
    try:
        if (table["model"], table["prompt"]) != (model, prompt):
            return {}
        names = table["kinds"]
        return {
            (names[a], names[b]): PairBelief(float(forward), float(backward), float(none))
            for a, b, forward, backward, none in table["answers"]
        }
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"no table of answers: {error}") from error


def replace_file(file: Path, text: str) -> None:
    """Write ``text`` to ``file`` so that a reader sees the old content or the new, whole."""
    fresh = file.with_name(f".{file.name}-{os.getpid()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def _key(a: Kind, b: Kind) -> Key:
    return (a.name, b.name) if a.name <= b.name else (b.name, a.name)
