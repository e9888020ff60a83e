"""Levels that must not reach a limit, and what is told of one that is heading there.

How a level is foretold is each model's own (``trend``, ``growth``); what it is asked about, and how
its answer becomes a prediction, is the same.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from diagnose.schema import Prediction, Signal, Source, Window
from models.kinds import named

HORIZON_SECONDS: Final = 30 * 86_400.0
FARTHEST: Final = 10.0  # times the observed span: nobody can see further


@dataclass(frozen=True, slots=True)
class Exhaustible:
    """A level that must not reach its limit.

    Attributes:
        signal: Its name, or the part of it before "/", or the name of its kind.
        limit: In the signal's unit; of a relative one, multiples of the baseline's median.
        failure: What happens there.
        relative: Whether only the signal's own past says how much is too much.
    """

    signal: str
    limit: float
    failure: str
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """When a level reaches its limit; times in seconds before or after the last value.

    Attributes:
        seen: For how long it has been heading there.
        lead: Most likely time.
        shortest: Lower end of the interval.
        longest: Upper end of it.
        probability: Confidence that the limit is reached within the horizon.
    """

    seen: float
    lead: float
    shortest: float
    longest: float
    probability: float


@dataclass(frozen=True, slots=True)
class Forecaster:
    """One way to foretell levels.

    Attributes:
        source: Its name, in what it predicts.
        card: What it is and assumes, in a sentence or two.
        sources: Which signals it can read.
        ask: Of a window, a signal's readings (``readings``) and a level: when its limit is reached;
            None where that is not sure.
    """

    source: str
    card: str
    sources: Collection[Source]
    ask: Callable[[Window, Signal, pl.DataFrame, Exhaustible], Exhaustion | None]


def foreseen(
    window: Window, levels: Iterable[Exhaustible], by: Forecaster, horizon_seconds: float
) -> tuple[Prediction, ...]:
    """Return what reaches its limit within the horizon, soonest first."""
    levels = tuple(levels)
    found = [
        _prediction(window, signal, level, by, seen["time"][-1], reached)
        for signal in window.signals
        if signal.source in by.sources
        for level in levels
        if named(signal, level.signal) and (seen := readings(window, signal)).height
        if (reached := by.ask(window, signal, seen, level)) and reached.lead <= horizon_seconds
    ]
    return tuple(sorted(found, key=lambda one: (one.lead_time_seconds, one.entity)))


def readings(window: Window, signal: Signal) -> pl.DataFrame:
    """Return when a signal was read and what it was, "time" and its name, without holes."""
    name = str(signal.node)
    parts = (window.baseline, window.recent)
    return pl.concat([part.select("time", name) for part in parts]).drop_nulls(name)


def _prediction(
    window: Window,
    signal: Signal,
    level: Exhaustible,
    by: Forecaster,
    last: datetime,
    reached: Exhaustion,
) -> Prediction:
    return Prediction(
        signal.node.entity,
        level.failure,
        reached.probability,
        reached.lead,
        window.as_of,
        (signal.node,),
        calibration="uncalibrated",
        lead_time_interval=(reached.shortest, reached.longest),
        since=last - timedelta(seconds=reached.seen),
        source=by.source,
        card=by.card,
    )
