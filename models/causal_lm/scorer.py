"""Beliefs of a language model on this machine: the table first, the model for what it lacks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

from diagnose.schema import Failure
from models.adapters import CARD, SHIPPED, WAY_OUT, Adapter, read_adapter
from models.causal_lm.answers import AnswerTable, Ask
from models.causal_lm.belief import Pair, PairBelief
from models.causal_lm.encoder import Encoder
from models.causal_lm.prompt import KINDS, UNTUNED, WORDINGS
from models.causal_lm.questions import Questions
from models.engine import Device, Engine
from models.weights import BASE, default_cache, identify, locate

QUESTIONS: Final = 60  # pairs that one incident may ask about


class LocalScorer:
    """Answer from the table, and ask the model about the pairs that it lacks.

    Args:
        load: Gives the model; called once, when the first pair has no answer.
        answers: The table; new answers are added to it.
        max_questions: Pairs that one call may ask the model about.

    Attributes:
        left_out: Pairs of the latest call that stayed without an answer.
        sent: Nothing: the model is on this machine.
    """

    def __init__(
        self,
        load: Callable[[], Ask],
        answers: AnswerTable,
        max_questions: int = QUESTIONS,
    ) -> None:
        self.load = load
        self.answers = answers
        self.max_questions = max_questions
        self.left_out = 0
        self.sent: tuple[str, ...] = ()
        self._model: Ask | None = None

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
        if self._model is None:
            self._model = self.load()
        return dict(self._model(pairs))


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

    def load() -> Ask:
        return loaded(locate(name, folder).folder, tuned, device).ask

    if tuned is None:
        return LocalScorer(load, AnswerTable(identity, folder), max_questions)
    return LocalScorer(load, AnswerTable(tuned.identity, folder, tuned.wording), max_questions)


def loaded(folder: Path, adapter: Adapter | None, device: Device = "auto") -> Encoder | Questions:
    """Return a model that can be asked about pairs, in the way that its adapter was trained for.

    Args:
        folder: Holds the model.
        adapter: What training added to it; None for the model as it came.
        device: Where it runs.

    Raises:
        Failure: they do not fit each other, or there is no such device.
    """
    if adapter is None:
        return Questions(Engine(folder, device), UNTUNED)
    if adapter.depth:
        return Encoder(folder, adapter, device)
    engine = Engine(folder, device, adapter=adapter)
    return Questions(engine, WORDINGS[adapter.wording], adapter.temperature)


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
    if found.wording not in (*WORDINGS, KINDS):
        what = f"the adapter in {chosen} answers questions of version {found.wording}"
        raise Failure(what, WAY_OUT)
    return found
