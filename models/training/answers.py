"""How a model answers questions whose answer is known, and how sharply that is to be read."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.causal_lm.encoder import Encoder
from models.causal_lm.prompt import ANSWERS, Template, described
from models.causal_lm.questions import Questions
from models.simulator.concepts import concepts
from models.simulator.questions import EdgeQuestion
from models.simulator.vocabularies import NAMES
from models.training.objectives import ChoosesAnswer, LanguageModel

PLACE: Final = {"forward": 0, "backward": 1, "none": 2}  # of an answer among ``ANSWERS``
TURNED: Final = (1, 0, 2)  # the same answers where the two kinds have changed places
TEMPERATURES: Final = np.geomspace(0.25, 8.0, 61)
NEITHER_ADDED: Final = np.arange(-4.0, 2.1, 0.25)

Probabilities = NDArray[np.float64]  # questions by ``ANSWERS``


class InTraining:
    """A model that learns, put questions as an engine is.

    Args:
        model: Is asked as it is at that moment.
    """

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    def log_probabilities(
        self, prompts: Sequence[str], answers: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return prompts by answers: how likely each answer is against the others."""
        import torch

        with torch.inference_mode():
            logits = ChoosesAnswer(answers).logits(self.model, prompts)
        return np.asarray(logits.log_softmax(dim=1).numpy(), dtype=np.float64)


def answered(model: Encoder | Questions, questions: Sequence[EdgeQuestion]) -> Probabilities:
    """Return what a model answers, the mean of both orders.

    The questions' kinds are of any vocabulary: they were made here, and no sender wrote them.
    """
    if isinstance(model, Encoder):
        texts, first, second = pairs_of(questions)
        strange = {described(kind) for each in questions for kind in _untaught(each)}
        return model.probabilities(texts, first, second, [text not in strange for text in texts])
    return _asked(model, questions)


def pairs_of(questions: Sequence[EdgeQuestion]) -> tuple[list[str], list[int], list[int]]:
    """Return the descriptions that questions are about, and each question's two places in them."""
    texts: dict[str, int] = {}
    for each in questions:
        for kind in (each.first, each.second):
            texts.setdefault(described(kind), len(texts))
    first = [texts[described(each.first)] for each in questions]
    second = [texts[described(each.second)] for each in questions]
    return list(texts), first, second


def text_of(question: EdgeQuestion, template: Template, turned: bool = False) -> str:
    """Return a question in words.

    Args:
        question: About two kinds.
        template: Its wording.
        turned: Whether the second kind is named first.
    """
    names = described(question.first), described(question.second)
    return template.about(*(names[::-1] if turned else names))


def truth_of(questions: Sequence[EdgeQuestion]) -> NDArray[np.int64]:
    """Return the place among ``ANSWERS`` of each right answer."""
    return np.array([PLACE[each.answer] for each in questions])


def sharpened(logs: NDArray[np.float64], temperature: float) -> Probabilities:
    """Return probabilities: each row of log-probabilities, divided and made to sum to 1."""
    scaled = logs / temperature
    share = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def fitted_strangeness(
    logs: NDArray[np.float64], truth: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[float, float]:
    """Return what is added to "neither", and the temperature then, at which truth is likeliest.

    Args:
        logs: Log-probabilities of questions about kinds that training has not met, by ``ANSWERS``.
        truth: The right answers' places.
        weight: How much each question counts.
    """
    rows = np.arange(len(truth))
    found = []
    for added in NEITHER_ADDED:
        moved = logs + np.array([0.0, 0.0, added])
        temperature = fitted_temperature(moved, truth, weight)
        loss = np.average(-np.log(sharpened(moved, temperature)[rows, truth]), weights=weight)
        found.append((float(loss), float(added), temperature))
    return min(found)[1:]


def fitted_temperature(
    logs: NDArray[np.float64],
    truth: NDArray[np.int64],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Return the temperature at which the right answers are likeliest.

    Args:
        logs: Log-probabilities of questions that training has not met, by ``ANSWERS``.
        truth: The right answers' places.
        weight: How much each question counts; None for all alike.

    Reference: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """
    rows = np.arange(len(truth))
    losses = [
        np.average(-np.log(sharpened(logs, t)[rows, truth]), weights=weight) for t in TEMPERATURES
    ]
    return round(float(TEMPERATURES[int(np.argmin(losses))]), 3)


@cache
def _kept_from_training() -> frozenset[str]:
    """Return what any source calls the concepts that are kept from training."""
    held = [name for name, each in concepts().items() if each.held_out]
    called = (names[name] for names in NAMES.values() for name in held if name in names)
    return frozenset((*held, *called))


def _untaught(question: EdgeQuestion) -> Iterator[Kind]:
    """Yield the kinds that training told nothing about, as an adapter's card would say."""
    for kind in (question.first, question.second):
        if kind.name in _kept_from_training():
            yield kind


def _asked(model: Questions, questions: Sequence[EdgeQuestion]) -> Probabilities:
    told = np.zeros((len(questions), len(ANSWERS)))
    for template, favours in zip(model.wording.templates, model.favoured, strict=True):
        for turned in (False, True):
            texts = [text_of(each, template, turned) for each in questions]
            said = model.engine.log_probabilities(texts, ANSWERS) - favours
            told += said[:, TURNED] if turned else said
    return sharpened(told / (2 * len(model.wording.templates)), model.temperature)
