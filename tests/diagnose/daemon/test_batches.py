"""The model's thread, with a model that fails as models do."""

import threading
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diagnose.daemon.batches import PairWorker, QueuedScorer, fault_of
from diagnose.daemon.queue import Overloaded, WorkQueue
from diagnose.schema import Failure
from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import PairBelief
from models.kinds import METRIC_KINDS

PAIRS = tuple((METRIC_KINDS[i], METRIC_KINDS[i + 1]) for i in range(40))
LOST = [
    torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUDA error: unspecified launch failure"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"),
]
SHORT = [
    MemoryError(),
    torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
]


def believed(pair):
    return PairBelief(float(METRIC_KINDS.index(pair[0])))


class Model:
    """Answers as written down, in as many pairs as it has room for; a GPU that may be lost."""

    def __init__(self, room=99, short=None, lost_after=None, lost=LOST[0]):
        self.room, self.short, self.lost = room, short or MemoryError(), lost
        self.lost_after = lost_after
        self.loaded, self.asked = [], []

    def load(self, device):
        self.loaded.append(device)

        def ask(pairs):
            if len(pairs) > self.room:
                raise self.short
            self.asked.append(tuple(pairs))
            if device == "cuda" and self.lost_after is not None:
                if not self.lost_after:
                    raise self.lost
                self.lost_after -= 1
            return {pair: believed(pair) for pair in pairs}

        return ask


class Told:
    def __init__(self):
        self.batches, self.short, self.lost = [], 0, 0

    def batch(self, pairs, seconds):
        self.batches.append(pairs)

    def out_of_memory(self):
        self.short += 1

    def device_lost(self):
        self.lost += 1


@contextmanager
def working(model, device="cpu", most=16):
    queue: WorkQueue[Any, Any] = WorkQueue(256)
    worker = PairWorker(queue, model.load, device, Told(), most)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        queue.close()
        thread.join(10)
        assert not thread.is_alive()


def ask(worker, pairs, urgency="interactive"):
    queue = worker.questions
    return [f.result(10) for f in queue.offer(pairs, urgency, queue.clock() + 60)]


@given(st.lists(st.sampled_from(PAIRS), min_size=1, max_size=60), st.integers(1, 20))
def test_however_little_memory_there_is_every_pair_is_answered_right(pairs, room):
    model = Model(room)
    with working(model) as worker:
        assert ask(worker, pairs) == [believed(pair) for pair in pairs]
    assert max(map(len, model.asked)) <= min(room, 16)


@pytest.mark.parametrize("error", SHORT, ids=repr)
def test_a_batch_that_does_not_fit_is_halved_and_the_next_is_small_at_once(error):
    model = Model(room=4, short=error)
    with working(model) as worker:
        ask(worker, PAIRS[:16])
        assert worker._counts.short in (2, 3)  # 16, 8: halved; 4 fits
        ask(worker, PAIRS[16:32])
    assert len(model.asked) <= 14
    assert worker._counts.short <= 6


def test_a_question_that_never_fits_is_told_and_the_next_is_served():
    model = Model(room=0)
    with working(model) as worker:
        with pytest.raises(Failure, match="not even one question fits into memory"):
            ask(worker, PAIRS[:3])
        model.room = 99
        assert ask(worker, PAIRS[:1]) == [believed(PAIRS[0])]


@pytest.mark.parametrize("error", LOST, ids=str)
def test_a_lost_gpu_costs_nobody_an_answer(error, caplog):
    model = Model(lost_after=1, lost=error)
    with working(model, "cuda") as worker:
        for pairs in (PAIRS[:8], PAIRS[8:16], PAIRS[16:24]):
            assert ask(worker, pairs) == [believed(pair) for pair in pairs]
        assert worker.device == "cpu"
    assert model.loaded == ["cuda", "cpu"]
    assert worker._counts.lost == 1
    assert "the GPU is lost, the model goes on on the CPU" in caplog.text


def test_a_model_that_fails_otherwise_is_told_and_the_next_is_served(caplog):
    model = Model(room=0, short=RuntimeError("shapes cannot be multiplied"))
    with working(model) as worker:
        with pytest.raises(RuntimeError, match="shapes"):
            ask(worker, PAIRS[:3])
        model.room = 9
        assert ask(worker, PAIRS[:1]) == [believed(PAIRS[0])]
    assert "the model failed" in caplog.text


def test_starting_loads_the_model_or_says_why_not():
    def absent(device):
        raise Failure("no model", "install one")

    model = Model(lost_after=0)
    worker = PairWorker(WorkQueue(4), model.load, "cuda", Told())
    worker.start()
    assert worker.device == "cpu"
    with pytest.raises(Failure, match="no model"):
        PairWorker(WorkQueue(4), absent, "cpu", Told()).start()


def test_what_several_ask_is_asked_once_a_batch():
    model = Model()
    queue: WorkQueue[Any, Any] = WorkQueue(256)
    futures = [queue.offer(PAIRS[:4], "background", queue.clock() + 60) for _ in range(3)]
    queue.close()
    PairWorker(queue, model.load, "cpu", Told()).run()
    assert model.asked == [PAIRS[:4]]
    assert all([f.result() for f in each] == [believed(p) for p in PAIRS[:4]] for each in futures)


def test_a_scorer_asks_what_the_table_lacks_and_remembers_it():
    answers, model = AnswerTable("0" * 64, None), Model()
    answers.add({PAIRS[0]: PairBelief(7.0)})
    with working(model) as worker:
        scorer = QueuedScorer(
            answers, worker.questions, "interactive", worker.questions.clock() + 60, 2
        )
        first, second, third, fourth = scorer.score(PAIRS[:4])
        assert scorer.score(PAIRS[1:2]) == (second,)
    assert (first, second, third) == (PairBelief(7.0), believed(PAIRS[1]), believed(PAIRS[2]))
    assert not fourth.answered
    assert scorer.left_out == 0
    assert model.asked == [PAIRS[1:3]]


def test_a_scorer_does_not_wait_where_too_much_is_asked():
    queue: WorkQueue[Any, Any] = WorkQueue(1)
    scorer = QueuedScorer(AnswerTable("0" * 64, None), queue, "background", queue.clock() + 60, 60)
    with pytest.raises(Overloaded):
        scorer.score(PAIRS[:2])


@pytest.mark.parametrize("error", [ValueError("CUDA error"), RuntimeError("no such kind")], ids=str)
def test_other_errors_are_neither(error):
    assert fault_of(error) == "other"
