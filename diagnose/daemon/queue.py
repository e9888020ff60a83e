"""What waits to be done: bounded, whoever waits at a screen first, each with a deadline.

Whatever is accepted is answered: with its result, with what went wrong, or with ``Expired``. What
cannot be accepted is told so at once, since a queue without a bound only moves the wait to where
nobody sees it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition
from typing import Final, Generic, Literal, TypeVar

Urgency = Literal["interactive", "background"]
URGENCIES: Final[tuple[Urgency, ...]] = ("interactive", "background")  # the first goes first

T = TypeVar("T")
A = TypeVar("A")


class Overloaded(Exception):  # noqa: N818 - it reads "raise Overloaded(why)"
    """Nothing more is accepted now; whoever asks may come again."""


class Expired(Exception):  # noqa: N818 - it reads "raise Expired(why)"
    """It was not begun before its deadline, and nobody waits for it any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticket(Generic[T, A]):
    """One thing to do.

    Attributes:
        asked: What.
        urgency: How soon.
        deadline: After which it is not begun any more, on the queue's clock, in seconds.
        offered: When it came, on the same clock.
        answer: Where its result goes.
    """

    asked: T
    urgency: Urgency
    deadline: float
    offered: float
    answer: Future[A]


class WorkQueue(Generic[T, A]):
    """A queue of one lane an urgency, each first in, first out.

    Args:
        capacity: Tickets that may wait at once.
        clock: Returns seconds that never go back.
    """

    def __init__(self, capacity: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.capacity = capacity
        self.clock = clock
        self.expired = 0
        self.refused = 0
        self._lanes: dict[Urgency, deque[Ticket[T, A]]] = {name: deque() for name in URGENCIES}
        self._changed = Condition()
        self._closed = False

    def __len__(self) -> int:
        """Return how many tickets wait."""
        return sum(map(len, self._lanes.values()))

    @property
    def oldest_seconds(self) -> float:
        """Return how long the longest waiting ticket has waited; 0 where none waits."""
        with self._changed:
            first = [lane[0].offered for lane in self._lanes.values() if lane]
        return self.clock() - min(first) if first else 0.0

    def offer(self, asked: Sequence[T], urgency: Urgency, deadline: float) -> tuple[Future[A], ...]:
        """Return where each answer will be; all are accepted, or none.

        Args:
            asked: What to do, one ticket each.
            urgency: How soon.
            deadline: After which none of it is begun any more, on the queue's clock, in seconds.

        Raises:
            Overloaded: they do not fit, or the queue is closed.
        """
        with self._changed:
            gone = self._dropped() if len(self) + len(asked) > self.capacity else []
            full = len(self) + len(asked) > self.capacity
            if not (full or self._closed):
                now = self.clock()
                tickets = [Ticket(one, urgency, deadline, now, Future[A]()) for one in asked]
                self._lanes[urgency].extend(tickets)
                self._changed.notify_all()
        self._expire(gone)
        if full or self._closed:
            self.refused += len(asked)
            raise Overloaded("shutting down" if self._closed else "too much is waiting already")
        return tuple(ticket.answer for ticket in tickets)

    def take(self, most: int) -> tuple[Ticket[T, A], ...]:
        """Return what is to be done next, ``most`` at once; wait while there is nothing.

        Whoever takes a ticket answers it. Nothing is returned once the queue is closed and empty.
        """
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self))
                gone = self._dropped()
                taken = tuple(self._first(most))
                ended = self._closed and not len(self)
            self._expire(gone)
            if taken or ended:
                return taken

    def close(self) -> None:
        """Accept nothing more; what waits is still done."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self, error: Exception) -> None:
        """Accept nothing more, and answer all that waits with ``error``."""
        self.close()
        with self._changed:
            left = [ticket for lane in self._lanes.values() for ticket in lane]
            for lane in self._lanes.values():
                lane.clear()
        for ticket in left:
            if ticket.answer.set_running_or_notify_cancel():
                ticket.answer.set_exception(error)

    def _dropped(self) -> list[Ticket[T, A]]:
        """Take out what expired or was given up, and return what expired."""
        now, gone = self.clock(), []
        for urgency, lane in self._lanes.items():
            live = [t for t in lane if now <= t.deadline and not t.answer.cancelled()]
            if len(live) < len(lane):
                gone += [t for t in lane if now > t.deadline]
                self._lanes[urgency] = deque(live)
        return gone

    def _first(self, most: int) -> Iterator[Ticket[T, A]]:
        """Take out what goes first."""
        for lane in self._lanes.values():
            while lane and most:
                ticket = lane.popleft()
                if ticket.answer.set_running_or_notify_cancel():
                    most -= 1
                    yield ticket

    def _expire(self, tickets: Sequence[Ticket[T, A]]) -> None:
        """Say that these were not done; outside the lock, since somebody may be called back."""
        for ticket in tickets:
            if ticket.answer.set_running_or_notify_cancel():
                self.expired += 1
                ticket.answer.set_exception(Expired("it was not begun before its deadline"))
