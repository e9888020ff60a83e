"""Whether a hypothesis follows from a premise, from a model that writes down the structure first.

Stage "corr2cause" tunes a model to continue a premise and a hypothesis with the skeleton, the
v-structures and only then the answer. It is asked as it was tuned: what comes before the answer is
decoded greedily, many items at once, and there yes and no are weighed.
"""

from collections.abc import Callable, Sequence
from math import exp
from typing import Final, Protocol

from models.decoding import Decoded
from models.questions.yes_no import Weigher, YesNo

WORDING: Final = "structure-1"  # of the question and of what continues it; an adapter's card has it
ASKED: Final = "Premise: {premise}\nHypothesis: {hypothesis}\n"
WORD: Final = " answer"  # see ``models.corr2cause.generate.structure``
ANSWERS: Final = (" yes", " no")
MOST_TOKENS: Final = 400  # of a structure: seven variables with many colliders take about as many


class Decoder(Weigher, Protocol):
    """What is needed of an engine."""

    def decoded(
        self,
        prompts: Sequence[str],
        word: str,
        answers: Sequence[str],
        most_tokens: int,
        progress: Callable[[int], None],
    ) -> list[Decoded]:
        """Return what likeliest follows each prompt up to a word, and the answers' weights."""
        ...


class Structured:
    """Ask a model that was tuned to reason from a premise; other questions are put as they are.

    Args:
        engine: The model, with the adapter that stage "corr2cause" wrote.
        most_tokens: Of a structure; whoever comes to no answer by then says neither yes nor no.
    """

    def __init__(self, engine: Decoder, most_tokens: int = MOST_TOKENS) -> None:
        self.engine = engine
        self.most_tokens = most_tokens
        self._plain = YesNo(engine)

    def questions(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return the probability of yes to each question, which it was not tuned to answer."""
        return self._plain.questions(texts, progress)

    def entailments(
        self, asked: Sequence[tuple[str, str]], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return the probability that each hypothesis follows; one half where no answer came.

        Args:
            asked: Premises with their hypotheses.
            progress: Told how many are done.
        """
        prompts = [ASKED.format(premise=premise, hypothesis=claim) for premise, claim in asked]
        written = self.engine.decoded(prompts, WORD, ANSWERS, self.most_tokens, progress)
        return [0.5 if each.answers is None else exp(each.answers[0]) for each in written]
