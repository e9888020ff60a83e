"""Whether a hypothesis follows from a premise, from a model that writes down the structure first.

Stage "corr2cause" tunes a model to continue a premise with what follows from it, pair by pair, to
tell of each hypothesis what in there decides it, and only then whether it holds. It is asked as it
was tuned: structures and arguments are decoded greedily, many at once and the structure of a
premise once, and behind an argument yes and no are weighed.
"""

from collections.abc import Callable, Sequence
from math import exp
from typing import Final, NamedTuple, Protocol

from models.corr2cause.retelling import concluded
from models.questions.yes_no import ANSWERS, Weigher, YesNo

WORDING: Final = "structure-4"  # of the question and of what continues it; an adapter's card has it
ASKED: Final = "Premise: {premise}\n"
END: Final = "\n"  # of a structure (``models.corr2cause.reasoning``) and of an argument
CLAIMED: Final = "{hypothesis} That is"
ANSWERED: Final = "Answer:"
MOST_TOKENS: Final = 700  # of a structure: names of several tokens take twice what letters do
MOST_OF_ARGUMENT: Final = 100
READ_RIGHT: Final = 0.9  # how sure is what the solver concludes from what a model read


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


class Transcript(NamedTuple):
    """What a model wrote.

    Attributes:
        reasoning: Of a premise, up to its essential graph.
        argument: Of a hypothesis: what in there decides it.
    """

    reasoning: str
    argument: str


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
        self._known: dict[tuple[str, str], Transcript | None] = {}

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
        transcripts = self.transcripts(asked, progress)
        argued = {
            place: _claim(*asked[place], told.reasoning) + told.argument + END + ANSWERED
            for place, told in enumerate(transcripts)
            if told is not None
        }
        found = [0.5] * len(asked)
        weighed = self.engine.log_probabilities(list(argued.values()), ANSWERS)
        for place, answers in zip(argued, weighed, strict=True):
            found[place] = exp(answers[0])
        return found

    def transcripts(
        self, asked: Sequence[tuple[str, str]], progress: Callable[[int], None] = lambda done: None
    ) -> list[Transcript | None]:
        """Return what is written of each premise and hypothesis, None where it came to no end.

        It is remembered: who concludes from it asks again.
        """
        new = [one for one in dict.fromkeys(asked) if one not in self._known]
        done = len(asked) - len(new)
        for premise, reasoning in self._reasonings([premise for premise, _ in new]).items():
            about = [one for one in new if one[0] == premise]
            self._known |= dict.fromkeys(about)
            if reasoning is not None:
                claims = [_claim(*one, reasoning) for one in about]
                told = self.engine.decoded(claims, END, MOST_OF_ARGUMENT, lambda done: None)
                for one, argument in zip(about, told, strict=True):
                    if argument is not None:
                        self._known[one] = Transcript(reasoning, argument)
            done += len(about)
            progress(done)
        return [self._known[one] for one in asked]

    def _reasonings(self, premises: Sequence[str]) -> dict[str, str | None]:
        told = list(dict.fromkeys(premises))
        prompts = [ASKED.format(premise=premise) for premise in told]
        written = self.engine.decoded(prompts, END, self.most_tokens, lambda done: None)
        return dict(zip(told, written, strict=True))


class Concluded:
    """Let a model that was tuned to reason from a premise read, and the solver conclude.

    Args:
        reader: The model.
    """

    def __init__(self, reader: Structured) -> None:
        self.reader = reader

    def questions(
        self, texts: Sequence[str], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return what the model says: there is no premise to conclude from."""
        return self.reader.questions(texts, progress)

    def entailments(
        self, asked: Sequence[tuple[str, str]], progress: Callable[[int], None] = lambda done: None
    ) -> list[float]:
        """Return the probability that each hypothesis follows; one half of what cannot be read."""
        found = []
        for told in self.reader.transcripts(asked, progress):
            holds = None if told is None else concluded(told.reasoning, told.argument)
            found.append(0.5 if holds is None else READ_RIGHT if holds else 1 - READ_RIGHT)
        return found


def _claim(premise: str, hypothesis: str, reasoning: str) -> str:
    return ASKED.format(premise=premise) + reasoning + END + CLAIMED.format(hypothesis=hypothesis)
