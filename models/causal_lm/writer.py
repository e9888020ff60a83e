"""A small model on this machine that rewords one fact at a time.

Each fact is asked about alone: what a sentence rests on is then known and never generated, and the
model has nothing to mix up. What it writes is checked elsewhere, by code.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from diagnose.schema import Evidence, Sentence
from models.engine import Device, Engine
from models.weights import BASE, default_cache, locate

MOST_TOKENS: Final = 60  # of a sentence
EXAMPLES: Final = (
    (
        "The symptom: the response latency of machine B rose from 80 ms to 1.5 s.",
        "The response latency of machine B rose to 1.5 s, from 80 ms.",
    ),
    (
        "Replace the fan; most are changed while the host runs.",
        "Replace the fan while the host runs.",
    ),
    (
        "The likeliest cause (71 %) is machine A: the fan speed of machine A fell from 4000 to 0.",
        "Machine A is the likeliest cause (71 %), because its fan speed fell from 4000 to 0.",
    ),
)
PROMPT: Final = "Say each fact again in one short sentence of plain words.\n\n" + "".join(
    f"Fact: {fact}\nSentence: {said}\n\n" for fact, said in EXAMPLES
)


class Continuer(Protocol):
    """What is needed of an engine."""

    def continuation(self, prompt: str, most_tokens: int) -> str:
        """Return the likeliest continuation of ``prompt``, to the end of its line."""
        ...


class LocalWriter:
    """Reword facts with a model on this machine.

    Args:
        load: Gives the engine; called once, when the first brief is written.

    Attributes:
        sent: Nothing: the model is on this machine.
    """

    def __init__(self, load: Callable[[], Continuer]) -> None:
        self.sent: tuple[str, ...] = ()
        self._engine = cache(load)

    def write(self, evidence: Sequence[Evidence]) -> tuple[Sentence, ...]:
        """Return one sentence a fact, in order.

        Raises:
            Failure: the model cannot be loaded.
        """
        engine = self._engine()
        return tuple(
            Sentence(
                engine.continuation(f"{PROMPT}Fact: {one.text}\nSentence:", MOST_TOKENS).strip(),
                (one.id,),
                one.id if one.is_action else "",
            )
            for one in evidence
        )


def local_writer(
    name: str = BASE, cache_folder: Path | None = None, device: Device = "auto"
) -> LocalWriter:
    """Return a writer over a model on this machine, which is loaded when it is first needed.

    Args:
        name: The packaged base model's name, a folder, or one that is on this machine.
        cache_folder: Where converted weights are kept.
        device: Where the model runs.
    """
    return LocalWriter(lambda: Engine(locate(name, cache_folder or default_cache()).folder, device))
