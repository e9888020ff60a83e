"""Whether a window is an incident, and which signals have left their normal range in it.

A window is judged as a whole, by three witnesses, and by its symptom where somebody was alerted.
The most surprising *single* signal: corrected for how many there are, its tail read on the line
that the window's own past gives (``models.replay``). The *pattern*: a movement off the directions
in which all signals usually move. The *breadth*: to how many signals something happens at once
(``models.together``). The first two extrapolate from the past, so the shorter it is the less they
weigh; the third knows beforehand how broad calm systems are, and is what remains then. The
*symptom* is one signal that was named beforehand, so nothing is corrected for the others; but its
alert chose the moment because it is high then, so it counts only as far as it exceeds all that it
has shown. Where it is calm, nothing counts of those who were changed meanwhile on record: a service
that its operator stops goes missing, and nobody suffers.

Reference: Genest, Zidek, "Combining probability distributions", Statistical Science 1 (1986), for
pooling by weighted logarithms.
"""

from dataclasses import replace
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Anomaly, Node, Window
from models.deviation import COARSE, Deviations, counts_things, measure, settled, smallest_scale
from models.replay import precedents, replay
from models.together import breadth, pattern

Array = NDArray[np.float64]

LONG: Final = 100.0  # instants (pooled as in the score) after which the past weighs one half
WITNESSES: Final = 3  # each of which may be wrong once in a while
ANSWERS: Final = 2  # of the window and of its symptom, likewise
SHARE: Final = 0.1  # of a movement off the usual directions, by which a signal takes part in it
TOUCHING: Final = 1.5  # steps between the parts of a window, up to which they follow at once
FEW: Final = 3  # signals that are named where none is abnormal by itself


class RobustDetector:
    """Tell an incident from a healthy window, and name the signals that make it one.

    Args:
        alpha: Probability that a healthy window is called an incident, 0..1. With an alert at hand,
            somebody has seen a symptom, and more is let pass; who asks every few minutes without
            any reason needs far less (``tests/bench/replay_days.py``).
        least_score: Robust standard deviations below which a signal is no anomaly by itself,
            however steady it was: what is significant may still be too small to matter.

    Example:
        >>> from datetime import UTC, datetime, timedelta
        >>> import polars as pl
        >>> from diagnose.schema import Node, Signal
        >>> start, name = datetime(2026, 1, 1, tzinfo=UTC), "db1 · hw.fan.speed"
        >>> def part(first, rpm):
        ...     times = [start + timedelta(minutes=first + i) for i in range(len(rpm))]
        ...     frame = pl.DataFrame({"time": times, name: rpm})
        ...     return frame.cast({"time": pl.Datetime("us", "UTC"), name: pl.Float64})
        >>> window = Window(
        ...     (Signal(Node("db1", "hw.fan.speed")),),
        ...     part(0, [1190, 1200, 1210, 1205] * 10),
        ...     part(40, [1200, 0, 0, 0]),
        ...     60, start + timedelta(minutes=41), start + timedelta(minutes=44),
        ... )
        >>> (stopped,) = RobustDetector().detect(window)
        >>> f"{stopped.onset:%H:%M}", stopped.normal, stopped.observed
        ('00:41', 1205.0, 0.0)
    """

    def __init__(self, alpha: float = 0.05, least_score: float = 3.0) -> None:
        self.alpha = alpha
        self.least_score = least_score

    def score(self, window: Window, symptom: Node | None = None) -> float:
        """Return -log10 of the chance that ``window`` is healthy and shows as much; 0 or more.

        Args:
            window: What is asked about.
            symptom: The signal that an alert watches; None where there was no alert.
        """
        return self._judge(window, symptom)[0]

    def detect(self, window: Window, symptom: Node | None = None) -> tuple[Anomaly, ...]:
        """Return what left its normal range, most surprising first; nothing on a healthy window.

        Args:
            window: What is asked about.
            symptom: The signal that an alert watches; None where there was no alert.
        """
        score, found, surprise, shares = self._judge(window, symptom)
        if score < -log10(self.alpha):
            return ()
        named = self._named(found, surprise, shares)
        times = window.recent["time"]
        values = window.recent.drop("time")
        return tuple(
            Anomaly(
                node=window.signals[i].node,
                onset=times[int(found.onset[i] if found.onset[i] >= 0 else found.peak[i])],
                score=float(found.score[i]),
                surprise=float(surprise[i]),
                normal=float(found.normal[i]),
                observed=float(values[int(found.peak[i]), int(i)]),
            )
            for i in named
        )

    def _judge(
        self, window: Window, symptom: Node | None
    ) -> tuple[float, Deviations, Array, Array]:
        """Return the score, and each signal's deviation, surprise and share of the pattern."""
        found = measure(window)
        surprise = replay(window).read(found.surprise)
        told = 0.0
        if (place := window.index().get(symptom) if symptom else None) is not None:
            told = _symptomatic(window, place, surprise, found)
            if told < -log10(self.alpha):
                found, surprise = _without(_changed(window), found, surprise)
        past, now = (part.drop("time").to_numpy() for part in (window.baseline, window.recent))
        calm = past[: settled(window)]
        single = _single(surprise, found, calm, len(now))
        least = smallest_scale(found.normal, counts_things(window, past, now))[found.tested]
        past, now = past[:, found.tested], now[:, found.tested]
        shares, unusual = np.zeros(len(surprise)), 0.0
        if _touching(window):
            unusual, shares[found.tested] = pattern(past, now, least)
        alone = max(single, unusual - log10(WITNESSES), 0.0)
        stretches = len(past) / max(len(now) // COARSE, 1)
        weight = stretches / (stretches + LONG)
        score = weight * alone + (1 - weight) * breadth(past, now, least)
        return max(score, told), found, surprise, shares

    def _named(self, found: Deviations, surprise: Array, shares: Array) -> NDArray[np.intp]:
        """Return which signals make an incident of a window that is one."""
        bar = np.log10(max(int(found.tested.sum()), 1) / self.alpha)
        seen = found.peak >= 0
        order = np.lexsort((-found.largest, -surprise))
        abnormal = seen & (surprise >= bar) & (found.score >= self.least_score)
        if not abnormal.any():
            abnormal = seen & (shares >= SHARE)
        if not abnormal.any():
            abnormal[order[seen[order]][:FEW]] = True
        named: NDArray[np.intp] = order[abnormal[order]]
        return named


def _single(surprise: Array, found: Deviations, past: Array, length: int) -> float:
    """Return -log10 of the chance that any signal is as surprising in a window of the past.

    What a signal has done before is as rare as it was, however many other signals there are.
    """
    rarity = surprise - log10(max(int(found.tested.sum()), 1))
    times = precedents(past, length, found)
    windows = max(len(past) / max(length, 1), 1.0)
    seen = np.where(times > 0, np.log10(windows / np.maximum(times, 1)), np.inf)
    return float(np.minimum(rarity, seen).max(initial=0.0))


def _symptomatic(window: Window, place: int, surprise: Array, found: Deviations) -> float:
    """Return -log10 of the chance that the signal at ``place`` is as surprising by itself.

    It is corrected for all stretches of the past, any of which might have raised the alert.
    """
    past = window.baseline.drop("time").to_numpy()[: settled(window)]
    length = window.recent.height
    if not found.tested[place] or precedents(past, length, found)[place]:
        return 0.0
    return float(surprise[place]) - log10(ANSWERS * max(len(past) / max(length, 1), 1.0))


def _changed(window: Window) -> NDArray[np.bool_]:
    """Return which signals are of an entity of which a change is on record in the recent part."""
    changes = [signal.node for signal in window.signals if signal.source == "change"]
    seen = {node.entity for node in changes if (window.recent[str(node)] > 0).any()}
    return np.array([signal.node.entity in seen for signal in window.signals], dtype=bool)


def _without(
    left: NDArray[np.bool_], found: Deviations, surprise: Array
) -> tuple[Deviations, Array]:
    """Return deviations and surprises as if the signals that are ``left`` out had shown nothing."""
    shown = replace(found, tested=found.tested & ~left, peak=np.where(left, -1, found.peak))
    return shown, np.where(left, 0.0, surprise)


def _touching(window: Window) -> bool:
    """Return whether the recent part follows the baseline at once."""
    if not window.baseline.height or not window.recent.height:
        return False
    distance = window.recent["time"][0] - window.baseline["time"][-1]
    return bool(distance.total_seconds() <= TOUCHING * window.step_seconds)
