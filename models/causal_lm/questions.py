"""Beliefs about pairs of kinds from a model that is put whole questions, in words."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.prompt import ANSWERS, Wording, belief, bias, content_free, prompts


class Weigher(Protocol):
    """What is needed of an engine."""

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return prompts by answers: how likely each answer is against the others."""
        ...


class Questions:
    """Put every pair as questions.

    Args:
        engine: The model.
        wording: How it is asked.
        temperature: What its log-probabilities are divided by to be calibrated.
    """

    def __init__(self, engine: Weigher, wording: Wording, temperature: float = 1.0) -> None:
        self.engine = engine
        self.wording = wording
        self.temperature = temperature
        self.favoured = _favoured(engine, wording)

    def ask(self, pairs: Sequence[Pair]) -> dict[Pair, PairBelief]:
        """Return a belief about each pair.

        Raises:
            ValueError: a kind is not of the fixed vocabulary, so its words may be anybody's.
        """
        # One call a template: its questions begin alike, and that part is read once.
        templates = len(self.wording.templates)
        questions = np.array([prompts(pair, self.wording) for pair in pairs], dtype=object)
        by_template = questions.reshape(len(pairs), templates, -1)
        answers = np.stack(
            [
                self.engine.log_probabilities(by_template[:, i].ravel().tolist(), ANSWERS)
                for i in range(templates)
            ]
        ).reshape(templates, len(pairs), -1, len(ANSWERS))
        each = answers.swapaxes(0, 1).reshape(len(pairs), -1, len(ANSWERS))
        return {
            pair: belief(said, self.favoured, self.temperature)
            for pair, said in zip(pairs, each, strict=True)
        }


def _favoured(engine: Weigher, wording: Wording) -> NDArray[np.float64]:
    """Return templates by answers: what is to be taken off each answer."""
    if wording.calibrated:
        return np.zeros((len(wording.templates), len(ANSWERS)))
    return bias([engine.log_probabilities(texts, ANSWERS) for texts in content_free(wording)])
