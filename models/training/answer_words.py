"""Which words of a model that is not tuned stand for the answers: searched, then mapped.

A template's blank could be filled by any word. For each answer those are looked for that are
likelier where it is right than elsewhere, and of these the ones that tell answers apart together.

Reference: Schick, Schmid, Schütze, "Automatically Identifying Words That Can Serve as Labels for
Few-Shot Text Classification", COLING 2020, for the likelihood ratio.
"""

from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.causal_lm.questions import Weigher

KEPT: Final = 12  # words of each answer that are tried together


def answer_words(logs: NDArray[np.float64], right: NDArray[np.int64]) -> tuple[int, ...]:
    """Return, for each answer, the place of the word that stands for it.

    Args:
        logs: Questions by words: log-probabilities, less what a question without content gives.
        right: The right answer of each question, counted from 0; each occurs.
    """
    answers = int(right.max()) + 1
    best = []
    for answer in range(answers):
        here = right == answer
        gain = logs[here].mean(axis=0) - logs[~here].mean(axis=0)
        best.append(np.argsort(-gain)[:KEPT].tolist())
    tried = [words for words in product(*best) if len(set(words)) == answers]
    return max(tried, key=lambda words: _likelihood(logs[:, list(words)], right))


def _likelihood(logs: NDArray[np.float64], right: NDArray[np.int64]) -> float:
    top = logs.max(axis=1)
    total = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
    return float((logs[np.arange(len(right)), right] - total).mean())


class Verbalised:
    """A model's words in the place of answers, less what it says to a question without content.

    Args:
        model: Weighs words.
        words: Stand for the answers, in their order.
        empty: Questions without content.
    """

    def __init__(self, model: Weigher, words: Sequence[str], empty: Sequence[str]) -> None:
        self.model = model
        self.words = tuple(words)
        self.favoured = model.log_probabilities(empty, self.words).mean(axis=0)

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return prompts by answers: how likely the word of each is against those of the others.

        Raises:
            ValueError: there are not as many answers as words.
        """
        if len(answers) != len(self.words):
            raise ValueError(f"{len(self.words)} words stand for {len(answers)} answers")
        found = self.model.log_probabilities(prompts, self.words) - self.favoured
        return np.asarray(found - np.logaddexp.reduce(found, axis=1, keepdims=True))
