"""Who answers about pairs of kinds, for everybody in this process."""

import os
import time
from typing import Final

from diagnose.compose import pair_scorer
from diagnose.config import Settings
from diagnose.daemon.batches import Place, QueuedScorer
from diagnose.daemon.queue import Urgency, WorkQueue
from diagnose.schema import Failure
from models.causal_lm.answers import Ask
from models.causal_lm.belief import Pair, PairBelief, PairScorer
from models.causal_lm.scorer import LocalScorer

PATIENCE_SECONDS: Final = 60.0  # for which an explanation that was begun waits for the model


class Scorers:
    """Gives scorers that share one model, where the model is on this machine.

    Args:
        settings: Of this site.
        questions: Where the model is asked.

    Raises:
        Failure: there is no such model, or it may not be asked.
    """

    def __init__(self, settings: Settings, questions: WorkQueue[Pair, PairBelief]) -> None:
        self._settings = settings
        self._questions = questions
        scorer = pair_scorer(settings)
        self._local = scorer if isinstance(scorer, LocalScorer) else None

    @property
    def is_local(self) -> bool:
        """Return whether the model is on this machine."""
        return self._local is not None

    def load(self, device: Place) -> Ask:
        """Return how a model of this machine is asked, on a device, by the thread that calls."""
        if device == "cpu":
            import torch

            torch.set_num_threads(max(1, (os.cpu_count() or 1) - 1))  # one is left to who explains
        model = self._settings.model.model_copy(update={"device": device})
        scorer = pair_scorer(self._settings.model_copy(update={"model": model}))
        if not isinstance(scorer, LocalScorer):
            raise Failure("the model is not on this machine", "set model.proposer to local")
        return scorer.ask

    def scorer(
        self, urgency: Urgency, seconds: float = PATIENCE_SECONDS, most: int | None = None
    ) -> PairScorer | None:
        """Return who is asked about pairs; None where nobody is.

        Args:
            urgency: How soon an answer is wanted.
            seconds: For which a question may wait.
            most: Pairs that one call may ask about; None for as many as the settings say.
        """
        if self._local is None:
            return pair_scorer(self._settings)
        deadline = time.monotonic() + seconds
        most = self._settings.model.max_questions if most is None else most
        return QueuedScorer(self._local.answers, self._questions, urgency, deadline, most)
