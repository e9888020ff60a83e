"""A language model's opinion on a yes-or-no question, for what no calculation can answer.

Reference: Zhao, Wallace, Feng, Klein, Singh, "Calibrate Before Use", ICML 2021, for subtracting
what the model answers when the question has no content.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

ANSWERS: Final = (" yes", " no")
QUESTION: Final = "Answer the question with yes or no.\n\n{question}\nAnswer:"
ENTAILMENT: Final = (
    "Does the hypothesis follow from the premise? Answer with yes or no.\n\n"
    "Premise: {premise}\nHypothesis: {hypothesis}\nAnswer:"
)
# Share of its log-odds that is believed: on public questions a small model that was not tuned to
# them is right no more often than a coin, however sure it is.
BELIEVED: Final = 0.1
NOTHING: Final = ("N/A", "something", "[MASK]")  # stands for content where there is none


class Weigher(Protocol):
    """What is needed of an engine."""

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return prompts by answers: how likely each answer is against the others."""
        ...


class YesNo:
    """Ask a language model, and take off what it says to a question without content.

    Args:
        engine: The model.
    """

    def __init__(self, engine: Weigher) -> None:
        self.engine = engine
        self._favoured: dict[str, float] = {}

    def questions(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return the probability of yes to each question.

        Args:
            texts: The questions.
            progress: Told how many are done.
        """
        return self._asked(QUESTION, [{"question": text} for text in texts], progress)

    def entailments(
        self, asked: Sequence[tuple[str, str]], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return the probability that each hypothesis follows from its premise.

        Args:
            asked: Premises with their hypotheses.
            progress: Told how many are done.
        """
        parts = [{"premise": premise, "hypothesis": claim} for premise, claim in asked]
        return self._asked(ENTAILMENT, parts, progress)

    def _asked(
        self, form: str, parts: Sequence[dict[str, str]], progress: Callable[[int], None]
    ) -> list[float]:
        if not parts:
            return []
        if form not in self._favoured:
            empty = [form.format(**dict.fromkeys(parts[0], word)) for word in NOTHING]
            self._favoured[form] = float(np.mean(self._odds(empty)))
        found: list[float] = []
        # What is asked of one premise begins alike, and is read once.
        for _, alike in groupby(parts, key=lambda one: one.get("premise", one)):
            odds = self._odds([form.format(**each) for each in alike]) - self._favoured[form]
            found += (1 / (1 + np.exp(-BELIEVED * odds))).tolist()
            progress(len(found))
        return found

    def _odds(self, prompts: Sequence[str]) -> NDArray[np.float64]:
        told = self.engine.log_probabilities(prompts, ANSWERS)
        return np.asarray(told[:, 0] - told[:, 1])
