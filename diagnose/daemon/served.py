"""Beliefs about pairs from the daemon, so that a scan in its own process loads no model."""

from collections.abc import Mapping, Sequence

from diagnose.compose import pair_scorer
from diagnose.config import Settings
from diagnose.daemon.client import NotAnswered, believed
from models.causal_lm.answers import AnswerTable
from models.causal_lm.belief import Pair, PairBelief, PairScorer
from models.causal_lm.scorer import LocalScorer


class ServedScorer:
    """The table first, the daemon for what it lacks, a model of our own where that gives no answer.

    Args:
        local: Answers where no daemon does, and loads its model only then.
        settings: Of this site.

    Attributes:
        sent: Nothing: the daemon is on this machine.
    """

    def __init__(self, local: LocalScorer, settings: Settings) -> None:
        self.sent: tuple[str, ...] = ()
        self._local = local
        self._settings = settings

    def score(self, pairs: Sequence[Pair]) -> tuple[PairBelief, ...]:
        """Return one belief a pair, in order; what was not answered says so.

        Args:
            pairs: Kinds of the fixed vocabulary, the most relevant first.
        """
        answers: AnswerTable = self._local.answers
        return answers.complete(pairs, self._ask, self._local.max_questions)[0]

    def _ask(self, pairs: Sequence[Pair]) -> Mapping[Pair, PairBelief]:
        try:
            found = believed(pairs, self._settings)
        except NotAnswered:
            found = None
        return self._local.ask(pairs) if found is None else found


def shared_scorer(settings: Settings) -> PairScorer | None:
    """Return who is asked about pairs of kinds: the daemon, where the model is on this machine."""
    scorer = pair_scorer(settings)
    return ServedScorer(scorer, settings) if isinstance(scorer, LocalScorer) else scorer
