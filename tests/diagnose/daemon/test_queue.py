"""What waits: bounded, in order, and never without an answer."""

import threading
from concurrent.futures import wait
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from diagnose.daemon.queue import URGENCIES, Expired, Overloaded, WorkQueue

CAPACITY = 6


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Waiting(RuleBasedStateMachine):
    """A queue beside a plain list of what was accepted."""

    def __init__(self):
        super().__init__()
        self.clock = Clock()
        self.queue: WorkQueue[Any, Any] = WorkQueue(CAPACITY, self.clock)
        self.waiting, self.answers, self.refused = [], {}, 0

    def live(self):
        now = self.clock.now
        return [w for w in self.waiting if now <= w[2] and not self.answers[w[1]].cancelled()]

    @rule(urgency=st.sampled_from(URGENCIES), count=st.integers(1, 4), patience=st.integers(0, 9))
    def offer(self, urgency, count, patience):
        first = len(self.answers)
        names = range(first, first + count)
        fits = len(self.live()) + count <= CAPACITY
        deadline = self.clock.now + patience
        try:
            futures = self.queue.offer(names, urgency, deadline)
        except Overloaded:
            assert not fits
            self.refused += count
            return
        assert fits
        self.answers.update(zip(names, futures, strict=True))
        self.waiting += [(URGENCIES.index(urgency), name, deadline) for name in names]

    @precondition(lambda self: self.live())
    @rule(most=st.integers(1, 5))
    def take(self, most):
        expected = [name for _, name, _ in sorted(self.live())[:most]]
        taken = self.queue.take(most)
        assert [ticket.asked for ticket in taken] == expected
        self.waiting = [w for w in self.waiting if w[1] not in expected]
        for ticket in taken:
            ticket.answer.set_result(ticket.asked)

    @rule(seconds=st.integers(1, 5))
    def time_passes(self, seconds):
        self.clock.now += seconds

    @precondition(lambda self: self.waiting)
    @rule(place=st.integers(0, 20))
    def somebody_gives_up(self, place):
        self.answers[self.waiting[place % len(self.waiting)][1]].cancel()

    @invariant()
    def no_more_wait_than_may(self):
        assert len(self.queue) <= CAPACITY

    def teardown(self):
        """In the end everything that was accepted has an answer."""
        self.queue.close()
        while taken := self.queue.take(3):
            for ticket in taken:
                ticket.answer.set_result(ticket.asked)
        assert self.queue.refused == self.refused
        assert all(future.done() for future in self.answers.values())
        told = {name: f for name, f in self.answers.items() if not f.cancelled()}
        expired = {name: f for name, f in told.items() if f.exception()}
        assert all(isinstance(f.exception(), Expired) for f in expired.values())
        assert self.queue.expired == len(expired)
        assert all(f.result() == name for name, f in told.items() if name not in expired)


TestWaiting = Waiting.TestCase


def test_whoever_waits_at_a_screen_goes_first():
    queue: WorkQueue[Any, Any] = WorkQueue(10)
    queue.offer(["scan 1", "scan 2"], "background", queue.clock() + 60)
    queue.offer(["person"], "interactive", queue.clock() + 60)
    assert [ticket.asked for ticket in queue.take(2)] == ["person", "scan 1"]


def test_one_who_takes_is_woken_by_what_comes_and_by_the_end():
    queue: WorkQueue[Any, Any] = WorkQueue(4)
    taken: list[str] = []

    def worker():
        while tickets := queue.take(1):
            taken.extend(ticket.asked for ticket in tickets)
            for ticket in tickets:
                ticket.answer.set_result(None)

    thread = threading.Thread(target=worker)
    thread.start()
    wait(queue.offer(["a"], "background", queue.clock() + 60), timeout=10)
    assert queue.oldest_seconds == 0
    queue.close()
    thread.join(10)
    assert taken == ["a"]
    with pytest.raises(Overloaded, match="shutting down"):
        queue.offer(["b"], "background", queue.clock() + 60)


def test_what_is_abandoned_is_told():
    queue: WorkQueue[Any, Any] = WorkQueue(4)
    (future,) = queue.offer(["a"], "background", queue.clock() + 60)
    queue.abandon(Overloaded("shutting down"))
    with pytest.raises(Overloaded, match="shutting down"):
        future.result(0)
    assert queue.take(1) == ()
