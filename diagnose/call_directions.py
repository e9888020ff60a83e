"""Does a model know which way things travel along calls that were recorded, not simulated?

Load travels from the caller to the called, failures from the called to the caller. Of each call of
a bundle, every kind that one end shows is held against every other kind that the other end shows,
and the model, told the two kinds alone, says which acts on which. It is not told who calls whom.

Assumes:
    A caller's answers follow what the called runs short of and how it answers; what the called
    shows follows the caller's load. The load of the called and other signals of the caller say
    nothing, and neither does one kind at both ends.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from diagnose.accuracy import Estimate, estimate
from diagnose.schema import Kind, Window
from models.causal_lm.belief import Pair, PairScorer
from models.evidence import ANSWERS

Travels = Literal["load", "failures"]


@dataclass(frozen=True, slots=True)
class CallDirections:
    """How often one scorer has the direction right.

    Attributes:
        who: Its name.
        travels: What acts along the calls.
        calls: Different (caller, called) pairs; intervals are over them.
        answered: Share of the pairs of kinds that it has an opinion about.
        right: Share of right directions; no opinion counts one half.
    """

    who: str
    travels: Travels
    calls: int
    answered: float
    right: Estimate


def call_directions(
    windows: Sequence[Window], scorers: Mapping[str, PairScorer]
) -> Iterator[CallDirections]:
    """Yield how each scorer fares on what acts along the calls of ``windows``.

    Args:
        windows: Of systems whose calls are known.
        scorers: Who is asked, by name.
    """
    both: tuple[Travels, ...] = ("load", "failures")
    asked = {travels: _asked(windows, travels) for travels in both}
    for who, scorer in scorers.items():
        for travels, by_call in asked.items():
            if not by_call:
                continue
            pairs = sorted({pair for found in by_call for pair in found})
            said = dict(zip(pairs, scorer.score(pairs), strict=True))
            leans = {pair: belief.forward - belief.backward for pair, belief in said.items()}
            right = [
                np.mean([np.sign(leans[pair]) / 2 + 0.5 for pair in found]) for found in by_call
            ]
            answered = float(np.mean([belief.answered for belief in said.values()]))
            yield CallDirections(who, travels, len(by_call), answered, estimate(np.array(right)))


def _asked(windows: Sequence[Window], travels: Travels) -> list[list[Pair]]:
    """Return, for each call, the (cause, effect) pairs of kinds, each once."""
    calls: dict[tuple[str, str], set[Pair]] = {}
    for window in windows:
        kinds: dict[str, set[Kind]] = {}
        for signal in window.signals:
            if signal.kind.tier != "unknown":
                kinds.setdefault(signal.node.entity, set()).add(signal.kind)
        for caller, called in window.topology:
            ends = kinds.get(caller, set()), kinds.get(called, set())
            calls.setdefault((caller, called), set()).update(_acting(*ends, travels))
    return [sorted(pairs) for pairs in calls.values() if pairs]


def _acting(caller: set[Kind], called: set[Kind], travels: Travels) -> Iterator[Pair]:
    """Yield which kind acts on which along one call."""
    if travels == "load":
        pairs = product((k for k in caller if k.load), (k for k in called if not k.load))
    else:
        pairs = product(
            (k for k in called if not k.load),
            (k for k in caller if k.tier in ANSWERS and not k.load),
        )
    yield from ((cause, effect) for cause, effect in pairs if cause.name != effect.name)
