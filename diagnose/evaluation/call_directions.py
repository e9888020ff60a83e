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
from itertools import product
from typing import Final, Literal

import numpy as np

from diagnose.evaluation.accuracy import estimate
from diagnose.evaluation.score_table import ScoreRow, ScoreTable
from diagnose.schema import Kind, Window
from models.causal_lm.belief import Pair, PairBelief, PairScorer
from models.evidence import ANSWERS

Travels = Literal["load", "failures"]

MEASURES: Final = ("right direction", "has an opinion")


def call_tables(
    name: str, windows: Sequence[Window], scorers: Mapping[str, PairScorer]
) -> Iterator[ScoreTable]:
    """Yield how each scorer fares on load, and on failures, along the calls of ``windows``.

    Of a pair that it has no opinion about, one half of the directions is right. Intervals are over
    different (caller, called) pairs.

    Args:
        name: Of the system.
        windows: Of that system, whose calls are known.
        scorers: Who is asked, by name.
    """
    both: tuple[Travels, ...] = ("load", "failures")
    for travels in both:
        by_call = _asked(windows, travels)
        if by_call:
            rows = tuple(_row(who, scorer, by_call) for who, scorer in scorers.items())
            yield ScoreTable(f"Direction of {travels} along calls: {name}", MEASURES, rows)


def _row(who: str, scorer: PairScorer, by_call: Sequence[Sequence[Pair]]) -> ScoreRow:
    pairs = sorted({pair for found in by_call for pair in found})
    said = dict(zip(pairs, scorer.score(pairs), strict=True))
    right, answered = (
        np.array([np.mean([value(said[pair]) for pair in found]) for found in by_call])
        for value in (_right, lambda belief: float(belief.answered))
    )
    return ScoreRow(who, len(by_call), len(by_call), (estimate(right), estimate(answered)))


def _right(belief: PairBelief) -> float:
    return float(np.sign(belief.forward - belief.backward) / 2 + 0.5)


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
