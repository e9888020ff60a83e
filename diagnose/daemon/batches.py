"""The model's thread: questions of all who ask, in small batches, whatever the device does.

A batch that does not fit into memory is halved until it does. A GPU that is lost stays lost for as
long as the process lives, so the model is loaded again on the CPU and goes on there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import wait
from typing import Final, Literal, Protocol

from diagnose.daemon.queue import Ticket, Urgency, WorkQueue
from diagnose.schema import Failure
from models.causal_lm.answers import AnswerTable, Ask
from models.causal_lm.belief import Pair, PairBelief
from models.kinds import METRIC_KINDS

Place = Literal["cpu", "cuda"]
Fault = Literal["memory", "device", "other"]
Outcomes = dict[Pair, PairBelief | Exception]

PAIRS_AT_ONCE: Final = 16  # of one batch: so long does a person wait for the batch before theirs
WARM_UP: Final[Pair] = (METRIC_KINDS[0], METRIC_KINDS[1])
LOG: Final = logging.getLogger(__name__)


class Counts(Protocol):
    """What is told of the model's thread."""

    def batch(self, pairs: int, seconds: float) -> None:
        """Note a batch that was answered."""

    def out_of_memory(self) -> None:
        """Count a batch that did not fit into memory."""

    def device_lost(self) -> None:
        """Note that the GPU was lost."""


class PairWorker:
    """Answers questions about pairs of kinds, many at once.

    Args:
        questions: What is asked.
        load: Gives a model on a device, ready to be asked.
        device: Where it runs first.
        counts: Is told how it goes.
        most: Pairs of a batch.

    Attributes:
        device: Where it runs.
        busy_since: When the batch at hand was begun, on the queue's clock; None between two.
    """

    def __init__(
        self,
        questions: WorkQueue[Pair, PairBelief],
        load: Callable[[Place], Ask],
        device: Place,
        counts: Counts,
        most: int = PAIRS_AT_ONCE,
    ) -> None:
        self.questions = questions
        self.device = device
        self.busy_since: float | None = None
        self._load = load
        self._counts = counts
        self._most = self._limit = most
        self._ask: Ask | None = None

    def start(self) -> None:
        """Load the model, and ask it something, so that the first who asks need not wait.

        Raises:
            Failure: it cannot be had.
        """
        outcome = self._outcomes((WARM_UP,))[WARM_UP]
        if isinstance(outcome, Exception):
            raise outcome

    def run(self) -> None:
        """Answer questions until the queue is closed and empty."""
        while tickets := self.questions.take(self._limit):
            self.busy_since = self.questions.clock()
            begun = time.perf_counter()
            outcomes = self._outcomes(tuple(dict.fromkeys(ticket.asked for ticket in tickets)))
            self._counts.batch(len(outcomes), time.perf_counter() - begun)
            _answer(tickets, outcomes)
            self.busy_since = None

    def _outcomes(self, pairs: tuple[Pair, ...]) -> Outcomes:
        """Return what came of each pair, asked in as large parts as memory lets us."""
        found: Outcomes = {}
        ahead = [pairs]
        self._limit = min(self._most, self._limit + 1)  # memory may be free again
        while ahead:
            part = ahead.pop()
            beliefs = self._tried(part)
            if beliefs is not None:
                found.update(beliefs)
            elif len(part) > 1:
                half = self._limit = len(part) // 2
                ahead += [part[half:], part[:half]]
            else:
                way_out = "give the process more memory, or set model.device to cpu"
                found[part[0]] = Failure("not even one question fits into memory", way_out)
        return found

    def _tried(self, pairs: tuple[Pair, ...]) -> Outcomes | None:
        """Return what came of ``pairs``, None where memory did not suffice for so many."""
        try:
            return self._complete(pairs)
        except Exception as error:  # noqa: BLE001 - who asked is told, and the next is served
            fault, told = fault_of(error), error
        if fault == "memory":
            del told  # its frames hold what the model had computed
            self._counts.out_of_memory()
            return None
        if fault == "device" and self.device != "cpu":
            LOG.error("the GPU is lost, the model goes on on the CPU: %s", told)
            self._counts.device_lost()
            self._ask, self.device = None, "cpu"
            return self._tried(pairs)
        LOG.error("the model failed", exc_info=told)
        return dict.fromkeys(pairs, told)

    def _complete(self, pairs: tuple[Pair, ...]) -> Outcomes:
        """Return the belief about each pair, and who gave none."""
        if self._ask is None:
            self._ask = self._load(self.device)
        beliefs = self._ask(pairs)
        nothing = Failure("the model gave no answer", "ask again")
        return {pair: beliefs.get(pair, nothing) for pair in pairs}


class QueuedScorer:
    """Beliefs of a model that others ask, too: the table first, the queue for what it lacks.

    Args:
        answers: The table; new answers are added to it.
        questions: Where the model is asked.
        urgency: How soon an answer is wanted.
        deadline: Until when, on the queue's clock, in seconds.
        max_questions: Pairs that one call may ask about.

    Attributes:
        left_out: Pairs of the latest call that stayed without an answer.
        sent: Nothing: the model is on this machine.
    """

    def __init__(
        self,
        answers: AnswerTable,
        questions: WorkQueue[Pair, PairBelief],
        urgency: Urgency,
        deadline: float,
        max_questions: int,
    ) -> None:
        self.left_out = 0
        self.sent: tuple[str, ...] = ()
        self._answers = answers
        self._questions = questions
        self._urgency = urgency
        self._deadline = deadline
        self._max_questions = max_questions

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return one belief a pair, in order; what was not answered says so.

        Args:
            pairs: Kinds of the fixed vocabulary, the most relevant first.

        Raises:
            Overloaded: too much is asked already.
            Expired: the model did not come to it in time.
            Failure: the model failed.
        """
        beliefs, self.left_out = self._answers.complete(pairs, self._ask, self._max_questions)
        return beliefs

    def _ask(self, pairs: Sequence[Pair]) -> Mapping[Pair, PairBelief]:
        futures = self._questions.offer(pairs, self._urgency, self._deadline)
        wait(futures)
        return {pair: future.result() for pair, future in zip(pairs, futures, strict=True)}


def _answer(tickets: Iterable[Ticket[Pair, PairBelief]], outcomes: Outcomes) -> None:
    for ticket in tickets:
        outcome, answer = outcomes[ticket.asked], ticket.answer
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)


def fault_of(error: Exception) -> Fault:
    """Return whether memory did not suffice, the device is gone, or neither.

    Torch raises types of its own for some of it; the CPU's allocator and the GPU's libraries are
    known by their words alone.
    """
    if isinstance(error, MemoryError):
        return "memory"
    if not isinstance(error, RuntimeError):
        return "other"
    import torch

    text = str(error)
    if isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in text:
        return "memory"
    lost = ("CUDA error", "CUDNN_STATUS", "CUBLAS_STATUS", "No CUDA GPUs")
    gone = isinstance(error, torch.AcceleratorError) or any(words in text for words in lost)
    return "device" if gone else "other"
