"""Which signals have left their normal range, so that a healthy window stays silent.

Bonferroni's correction over all signals: the more there is to look at, the higher the bar for
each. Autocorrelation and tails are met by asking for a sustained deviation (``models.deviation``)
and by reading its surprise on the line that the window's own past gives (``models.replay``).
"""

import numpy as np

from diagnose.schema import Anomaly, Window
from models.deviation import measure
from models.replay import replay


class RobustDetector:
    """Flag signals whose sustained deviation their own past makes incredible.

    Args:
        alpha: Probability that a healthy window raises anything at all, 0..1.
        least_score: Robust standard deviations below which nothing is an anomaly, however steady
            the signal was: what is significant may still be too small to matter.

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

    def detect(self, window: Window) -> tuple[Anomaly, ...]:
        """Return what left its normal range, most surprising first; nothing on a healthy window."""
        found = measure(window)
        surprise = replay(window).read(found.surprise)
        bar = np.log10(max(int(found.tested.sum()), 1) / self.alpha)
        abnormal = (surprise >= bar) & (found.score >= self.least_score)
        order = np.lexsort((-found.largest, -surprise))
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
            for i in order
            if abnormal[i]
        )
