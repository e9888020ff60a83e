"""Whether a hypothesis follows from a premise, from a model that writes down the structure first.

Stage "corr2cause" tunes a model to continue a premise with what follows from it, pair by pair, to
tell of each hypothesis what in there decides it, and only then whether it holds. It is asked as it
was tuned: structures and arguments are decoded greedily, many at once and the structure of a
premise once, and behind an argument yes and no are weighed.
"""

from collections.abc import Callable, Sequence
from math import exp
from typing import Final, Protocol

from models.questions.yes_no import ANSWERS, Weigher, YesNo

WORDING: Final = "structure-3"  # of the question and of what continues it; an adapter's card has it
ASKED: Final = "Premise: {premise}\n"
END: Final = "\n"  # of a structure (``models.corr2cause.generate.reasoning``) and of an argument
CLAIMED: Final = "{hypothesis} That is"
ANSWERED: Final = "Answer:"
MOST_TOKENS: Final = 400  # of a structure: seven variables with many colliders take about as many
MOST_OF_ARGUMENT: Final = 100


class Decoder(Weigher, Protocol):
    """What is needed of an engine."""

    def decoded(
        self,
        prompts: Sequence[str],
        end: str,
        most_tokens: int,
        progress: Callable[[int], None],
    ) -> list[str | None]:
        """Return what likeliest follows each prompt up to ``end``; None where it does not come."""
        ...


class Structured:
    """Ask a model that was tuned to reason from a premise; other questions are put as they are.

    Args:
        engine: The model, with the adapter that stage "corr2cause" wrote.
        most_tokens: Of a structure; whoever comes to no end by then says neither yes nor no.
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
        """Return the probability that each hypothesis follows; one half where no argument came.

        Args:
            asked: Premises with their hypotheses.
            progress: Told how many are done.
        """
        found = [0.5] * len(asked)
        done = 0
        for premise, structure in self.structures([one for one, _ in asked]).items():
            places = [place for place, (one, _) in enumerate(asked) if one == premise]
            if structure is not None:
                read = ASKED.format(premise=premise) + structure + END
                claims = [read + CLAIMED.format(hypothesis=asked[place][1]) for place in places]
                for place, probability in zip(places, self._judged(claims), strict=True):
                    found[place] = probability
            done += len(places)
            progress(done)
        return found

    def _judged(self, claims: Sequence[str]) -> list[float]:
        """Return the probability of each claim behind its structure."""
        found = [0.5] * len(claims)
        told = self.engine.decoded(claims, END, MOST_OF_ARGUMENT, lambda done: None)
        argued = {
            place: claim + argument + END + ANSWERED
            for place, (claim, argument) in enumerate(zip(claims, told, strict=True))
            if argument is not None
        }
        weighed = self.engine.log_probabilities(list(argued.values()), ANSWERS)
        for place, answers in zip(argued, weighed, strict=True):
            found[place] = exp(answers[0])
        return found

    def structures(self, premises: Sequence[str]) -> dict[str, str | None]:
        """Return what is written of each premise, None where it came to no end."""
        told = list(dict.fromkeys(premises))
        prompts = [ASKED.format(premise=premise) for premise in told]
        written = self.engine.decoded(prompts, END, self.most_tokens, lambda done: None)
        return dict(zip(told, written, strict=True))
