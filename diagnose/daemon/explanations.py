"""The thread that explains, one incident after the other.

There is one because DoWhy draws from the process's own random generators: two at once would give
answers that depend on each other.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from diagnose.compose import roles
from diagnose.config import Settings
from diagnose.daemon.queue import Ticket, Urgency, WorkQueue
from diagnose.daemon.warm_up import made_up
from diagnose.pipeline import Write
from diagnose.question import Question, answer, incident_of, stored
from diagnose.schema import Diagnosis, Failure
from models.causal_lm.belief import PairScorer

Scorers = Callable[[Urgency], PairScorer | None]

LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Explained:
    """An answer.

    Attributes:
        diagnosis: Under the id that the state database gave it, where that could be asked.
        warning: Why it was not stored; None where it was.
    """

    diagnosis: Diagnosis
    warning: str | None = None


class Explanations:
    """Answers why something happened.

    Args:
        settings: Of this site.
        scorers: Gives somebody who is asked about pairs of kinds, None where nobody is.
        questions: What is asked.

    Attributes:
        busy_since: When the question at hand was begun, on the queue's clock; None between two.
    """

    def __init__(
        self, settings: Settings, scorers: Scorers, questions: WorkQueue[Question, Explained]
    ) -> None:
        self.questions = questions
        self.busy_since: float | None = None
        self._settings = settings
        self._scorers = scorers
        self._write: Write | None = None  # keeps its model, so it is composed once

    def start(self) -> None:
        """Do what only the first question would wait for.

        Raises:
            Failure: the settings ask for what cannot be had.
        """
        composed = roles(self._settings, None)
        self._write = composed.write
        answer(made_up(), self._settings, replace(composed, write=None))

    def run(self) -> None:
        """Answer questions until the queue is closed and empty."""
        while tickets := self.questions.take(1):
            self.busy_since = self.questions.clock()
            for ticket in tickets:
                self._answer(ticket)
            self.busy_since = None

    def _answer(self, ticket: Ticket[Question, Explained]) -> None:
        try:
            explained = self._explained(ticket.asked, ticket.urgency)
        except Exception as error:  # noqa: BLE001 - who asked is told, and the next is served
            ticket.answer.set_exception(error)
        else:
            ticket.answer.set_result(explained)

    def _explained(self, question: Question, urgency: Urgency) -> Explained:
        bundle = incident_of(question, self._settings)
        scorer = self._scorers(urgency)
        composed = replace(roles(self._settings, scorer), write=self._write)
        diagnosis, _ = answer(bundle, self._settings, composed)
        try:
            return Explained(stored(diagnosis, bundle, question, self._settings))
        except Failure as failure:
            # A full disk may be the very incident: the answer comes first.
            LOG.warning("the answer was not stored: %s", failure)
            return Explained(diagnosis, f"the answer was not stored: {failure}")
