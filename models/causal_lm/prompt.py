"""How a pair of kinds is put to a language model, and how its answer is read.

A question holds the two kinds' names, units and tiers and nothing else: all are words of the fixed
vocabulary, so a question has bounded length and carries no text of telemetry. This file alone knows
the wordings; whoever changes one raises its version, since answers are kept under it. A model as it
came is shown examples and asked in two ways; one that was tuned was tuned to one short question.

Reference: Zhao, Wallace, Feng, Klein, Singh, "Calibrate Before Use", ICML 2021, for subtracting
what the model answers when the question has no content.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Kind
from models.causal_lm.belief import Pair, PairBelief
from models.kinds import canonical

ANSWERS: Final = (" A", " B", " C")  # the first acts on the second, the second on the first, none
NEITHER: Final = " C"
SURELY: Final = 9.0  # largest log-odds of a belief: a probability of 0 would be infinite
NOTHING: Final = ("N/A", "something", "[MASK]")  # stands for a kind where there is no content


@dataclass(frozen=True, slots=True)
class Template:
    """What all questions begin with, and the question."""

    opening: str
    question: str

    def about(self, a: str, b: str) -> str:
        """Return the question about two descriptions."""
        return self.opening + self.question.format(a=a, b=b)


@dataclass(frozen=True, slots=True)
class Wording:
    """How one kind of model is asked.

    Attributes:
        version: Answers are kept under it.
        templates: Each pair is asked in each of them, in both orders.
        calibrated: Whether its answers are probabilities as they are, so that nothing needs to be
            taken off for what it says when the question has no content.
    """

    version: str
    templates: tuple[Template, ...]
    calibrated: bool


# Examples of kinds that lie far apart; each answer comes as often as the others.
_WITH_EXAMPLES: Final = (
    Template(
        "Two measurements of the same computer system are given. Which one acts on the other?\n"
        "A: the first acts on the second.\n"
        "B: the second acts on the first.\n"
        "C: neither acts on the other.\n\n"
        "First: fan speed (rpm, hardware). Second: cpu temperature (Cel, hardware).\nAnswer: A\n\n"
        "First: response latency (s, service). Second: garbage collection time (s, platform).\n"
        "Answer: B\n\n"
        "First: humidity (%, environment). Second: database deadlocks (1/s, platform).\n"
        "Answer: C\n\n"
        "First: error rate (1/s, service). Second: network dropped packets (1/s, os).\n"
        "Answer: B\n\n"
        "First: uptime (s, os). Second: cache evictions (1/s, platform).\nAnswer: C\n\n"
        "First: swap traffic (By/s, os). Second: disk io latency (s, os).\nAnswer: A\n\n",
        "First: {a}. Second: {b}.\nAnswer:",
    ),
    Template(
        "What causes what in a server?\n"
        "A = X causes Y\n"
        "B = Y causes X\n"
        "C = no relation\n"
        "X = cpu utilization (ratio, os), Y = request rate (1/s, user): B\n"
        "X = disk wear (ratio, hardware), Y = disk media errors (count, hardware): A\n"
        "X = certificate lifetime (s, service), Y = page faults (1/s, os): C\n"
        "X = memory used (By, os), Y = out-of-memory kills (1/s, os): A\n"
        "X = fan speed (rpm, hardware), Y = consumer lag (count, platform): C\n"
        "X = tcp retransmissions (1/s, os), Y = network errors (1/s, os): B\n",
        "X = {a}, Y = {b}:",
    ),
)
UNTUNED: Final = Wording("1", _WITH_EXAMPLES, calibrated=False)
TUNED: Final = Wording(
    "2",
    (Template("", "X = {a}, Y = {b}:"),),
    calibrated=True,
)
KINDS: Final = "3"  # version of the description that is read where no question is put
WORDINGS: Final = {wording.version: wording for wording in (UNTUNED, TUNED)}


def described(kind: Kind) -> str:
    """Return what a question says of a kind."""
    return f"{kind.name} ({', '.join(filter(None, (kind.unit, kind.tier)))})"


def prompts(pair: Pair, wording: Wording) -> list[str]:
    """Return the question about ``pair`` in every template, in both orders, template by template.

    Raises:
        ValueError: a kind is not of the fixed vocabulary, so its words may be anybody's.
    """
    a, b = (described(canonical(kind)) for kind in pair)
    return [each.about(*order) for each in wording.templates for order in ((a, b), (b, a))]


def content_free(wording: Wording) -> list[list[str]]:
    """Return, for each template, questions that mention no kind at all."""
    return [[each.about(word, word) for word in NOTHING] for each in wording.templates]


def bias(answers: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return templates by answers: what each favours, from its content-free questions.

    Args:
        answers: For each template, log-probabilities of questions by answers.
    """
    return np.array([each.mean(axis=0) for each in answers])


def belief(
    answers: NDArray[np.float64], favoured: NDArray[np.float64], temperature: float = 1.0
) -> PairBelief:
    """Return what the answers about one pair amount to.

    Args:
        answers: Log-probabilities, questions in the order of ``prompts`` by ``ANSWERS``; of one
            template or of several.
        favoured: What each of those templates favours anyway, from ``bias``.
        temperature: What log-probabilities are divided by to be calibrated.
    """
    asked = answers.reshape(len(favoured), 2, len(ANSWERS))
    calibrated = (asked - favoured[:, None, :]) / temperature
    calibrated -= np.log(np.exp(calibrated).sum(axis=2, keepdims=True))
    turned = calibrated[:, 1, [1, 0, 2]]  # in the other order, A and B change places
    mean = (calibrated[:, 0] + turned).mean(axis=0) / 2
    share = np.exp(mean - mean.max())
    return belief_of(share / share.sum())


def belief_of(shares: NDArray[np.float64]) -> PairBelief:
    """Return what probabilities of ``ANSWERS`` amount to."""
    forward, backward, none = shares.tolist()
    return PairBelief(_odds(forward), _odds(backward), _odds(none))


def _odds(probability: float) -> float:
    """Return log-odds against the other two answers, 0 at one third."""
    least = 1 / (1 + 2 * exp(SURELY))
    p = min(max(probability, least), 1 - least)
    return log(2 * p / (1 - p))
