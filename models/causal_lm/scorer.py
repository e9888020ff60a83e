"""Beliefs of a language model on this machine: the table first, the model for what it lacks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.prompt import ANSWERS, TEMPLATES, belief, bias, content_free, prompts
from models.engine import Device, Engine
from models.weights import BASE, default_cache, identify, locate

QUESTIONS: Final = 60  # pairs that one incident may ask about


class Weigher(Protocol):
    """What is needed of an engine."""

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return prompts by answers: how likely each answer is against the others."""
        ...


class LocalScorer:
    """Answer from the table, and ask the model about the pairs that it lacks.

    Args:
        load: Gives the engine; called once, when the first pair has no answer.
        answers: The table; new answers are added to it.
        max_questions: Pairs that one call may ask the model about.

    Attributes:
        left_out: Pairs of the latest call that stayed without an answer.
        sent: Nothing: the model is on this machine.
    """

    def __init__(
        self,
        load: Callable[[], Weigher],
        answers: AnswerTable,
        max_questions: int = QUESTIONS,
    ) -> None:
        self.load = load
        self.answers = answers
        self.max_questions = max_questions
        self.left_out = 0
        self.sent: tuple[str, ...] = ()
        self._engine: Weigher | None = None
        self._favoured: NDArray[np.float64] | None = None

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return one belief a pair, in order; what was not answered says so.

        Args:
            pairs: Kinds of the fixed vocabulary, the most relevant first.

        Raises:
            Failure: the model is needed and cannot be loaded, or its answers cannot be kept.
        """
        beliefs, self.left_out = self.answers.complete(pairs, self.ask, self.max_questions)
        return beliefs

    def ask(self, pairs: Sequence[Pair]) -> dict[Pair, PairBelief]:
        """Return what the model answers about each pair, without looking into the table."""
        if self._engine is None:
            self._engine = self.load()
        engine = self._engine
        if self._favoured is None:
            self._favoured = bias(
                [engine.log_probabilities(texts, ANSWERS) for texts in content_free()]
            )
        # One call a wording: its questions begin alike, and that part is read once.
        questions = np.array([prompts(pair) for pair in pairs], dtype=object)
        by_wording = questions.reshape(len(pairs), len(TEMPLATES), -1)
        answers = np.stack(
            [
                engine.log_probabilities(by_wording[:, i].ravel().tolist(), ANSWERS)
                for i in range(len(TEMPLATES))
            ]
        ).reshape(len(TEMPLATES), len(pairs), -1, len(ANSWERS))
        each = answers.swapaxes(0, 1).reshape(len(pairs), -1, len(ANSWERS))
        return {pair: belief(said, self._favoured) for pair, said in zip(pairs, each, strict=True)}


def local_scorer(
    name: str = BASE,
    cache: Path | None = None,
    device: Device = "auto",
    max_questions: int = QUESTIONS,
) -> LocalScorer:
    """Return a scorer over a model on this machine, which is loaded when it is first needed.

    Args:
        name: The packaged base model's name, a folder, or a name on a model hub.
        cache: Where converted weights and new answers are kept.
        device: Where the model runs.
        max_questions: Pairs that one incident may ask the model about.

    Raises:
        Failure: there is no such model.
    """
    folder = cache or default_cache()

    def load() -> Engine:
        return Engine(locate(name, folder).folder, device)

    return LocalScorer(load, AnswerTable(identify(name), folder), max_questions)
