"""Beliefs of a language model on this machine: the table first, the model for what it lacks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Failure
from models.adapters import CARD, SHIPPED, WAY_OUT, Adapter, read_adapter
from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.prompt import (
    ANSWERS,
    UNTUNED,
    WORDINGS,
    Wording,
    belief,
    bias,
    content_free,
    prompts,
)
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
        wording: How this model is asked.
        temperature: What its log-probabilities are divided by to be calibrated.

    Attributes:
        left_out: Pairs of the latest call that stayed without an answer.
        sent: Nothing: the model is on this machine.
    """

    def __init__(
        self,
        load: Callable[[], Weigher],
        answers: AnswerTable,
        max_questions: int = QUESTIONS,
        wording: Wording = UNTUNED,
        temperature: float = 1.0,
    ) -> None:
        self.load = load
        self.answers = answers
        self.max_questions = max_questions
        self.wording = wording
        self.temperature = temperature
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
            self._favoured = _favoured(engine, self.wording)
        # One call a template: its questions begin alike, and that part is read once.
        templates = len(self.wording.templates)
        questions = np.array([prompts(pair, self.wording) for pair in pairs], dtype=object)
        by_template = questions.reshape(len(pairs), templates, -1)
        answers = np.stack(
            [
                engine.log_probabilities(by_template[:, i].ravel().tolist(), ANSWERS)
                for i in range(templates)
            ]
        ).reshape(templates, len(pairs), -1, len(ANSWERS))
        each = answers.swapaxes(0, 1).reshape(len(pairs), -1, len(ANSWERS))
        return {
            pair: belief(said, self._favoured, self.temperature)
            for pair, said in zip(pairs, each, strict=True)
        }


def _favoured(engine: Weigher, wording: Wording) -> NDArray[np.float64]:
    """Return templates by answers: what is to be taken off each answer."""
    if wording.calibrated:
        return np.zeros((len(wording.templates), len(ANSWERS)))
    return bias([engine.log_probabilities(texts, ANSWERS) for texts in content_free(wording)])


def local_scorer(
    name: str = BASE,
    cache: Path | None = None,
    device: Device = "auto",
    max_questions: int = QUESTIONS,
    adapter: Path | Literal["shipped"] | None = "shipped",
) -> LocalScorer:
    """Return a scorer over a model on this machine, which is loaded when it is first needed.

    Args:
        name: The packaged base model's name, a folder, or a name on a model hub.
        cache: Where converted weights and new answers are kept.
        device: Where the model runs.
        max_questions: Pairs that one incident may ask the model about.
        adapter: Folder of what training added to the model; the shipped one belongs to the packaged
            base model, and any other model is asked without.

    Raises:
        Failure: there is no such model, or the adapter is another model's.
    """
    folder = cache or default_cache()
    identity = identify(name)
    tuned = adapter_of(identity, adapter)

    def load() -> Engine:
        return Engine(locate(name, folder).folder, device, adapter=tuned)

    if tuned is None:
        return LocalScorer(load, AnswerTable(identity, folder), max_questions)
    wording = WORDINGS[tuned.wording]
    table = AnswerTable(tuned.identity, folder, wording.version)
    return LocalScorer(load, table, max_questions, wording, tuned.temperature)


def adapter_of(base: str, chosen: Path | Literal["shipped"] | None) -> Adapter | None:
    """Return the adapter that was chosen for a model; the shipped one only where it belongs to it.

    Args:
        base: Identity of the model.
        chosen: A folder, the shipped one, or none.

    Raises:
        Failure: there is no such adapter, or it is another model's, or its questions are unknown.
    """
    if chosen is None:
        return None
    if chosen == "shipped":
        if not (SHIPPED / CARD).is_file():
            return None
        found = read_adapter(SHIPPED)
        return found if found.base == base else None
    found = read_adapter(chosen)
    if found.base != base:
        raise Failure(f"the adapter in {chosen} was trained on another model", WAY_OUT)
    if found.wording not in WORDINGS:
        what = f"the adapter in {chosen} answers questions of version {found.wording}"
        raise Failure(what, WAY_OUT)
    return found
