"""Signals over time, as curves in a box of 1000 by 100 that the page stretches."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.page.axis import Axis
from diagnose.page.text import shortened, visible
from diagnose.schema import Anomaly, Diagnosis, Node, Signal, Window
from diagnose.wording import digits, duration, moment, quantity

Floats = NDArray[np.float64]
Role = Literal["cause", "path", "symptom", "candidate", "abnormal", "closest"]

TRACKS: Final = 8  # that fit on a laptop's screen
POINTS: Final = 240  # drawn of a curve; of what lies between two, the least and the most
WIDTH: Final = 1000.0
HEIGHT: Final = 100.0
MARGIN: Final = 6.0  # above and below the curve
NAME: Final = 40  # columns of a signal's name
ENTITY: Final = 22  # columns of an entity's
RANGE: Final = (0.01, 0.99)  # quantiles of the baseline that bound its normal range
HISTORY: Final = 10  # instants that make one
GRAINS: Final = ((7200, 600), (120, 30), (0, 1))  # from so many seconds on, rounded to these
COUNTED: Final = ("template", "change")  # sources that are drawn as bars


@dataclass(frozen=True, slots=True)
class Curve:
    """What to draw of one signal.

    Attributes:
        line: An SVG path; breaks where nothing was seen. "" where nothing was seen at all.
        bars: The same for counts, as an area.
        band: Upper edge and height of the normal range; None where there is no history.
        normal: Height of the baseline's median.
    """

    line: str
    bars: str
    band: tuple[float, float] | None
    normal: float | None


@dataclass(frozen=True, slots=True)
class Track:
    """One timeline with its words.

    Attributes:
        onset: Where the signal left its normal range, in percent of the axis.
        spoken: All of it, for who cannot see it.
    """

    role: Role
    word: str
    entity: str
    signal: str
    name: str
    curve: Curve
    onset: float | None
    left: str
    normal: str
    observed: str
    spoken: str


WORDS: Final = {
    "cause": "likeliest cause",
    "path": "on the path",
    "symptom": "symptom",
    "candidate": "candidate",
    "abnormal": "abnormal",
    "closest": "",
}


def tracks(diagnosis: Diagnosis, window: Window, axis: Axis) -> tuple[Track, ...]:
    """Return the timelines of the path's signals, then of what else the answer weighs."""
    signals = {signal.node: signal for signal in window.signals}
    seen = {anomaly.node: anomaly for anomaly in diagnosis.anomalies}
    roles: dict[Node, Role] = {}
    for node, role in _wanted(diagnosis):
        if node in signals and len(roles) < TRACKS:
            roles.setdefault(node, role)
    return tuple(
        _track(role, signals[node], seen.get(node), window, axis) for node, role in roles.items()
    )


def _wanted(diagnosis: Diagnosis) -> Iterator[tuple[Node, Role]]:
    first = diagnosis.root_causes[:1]
    for cause in first:
        yield cause.node, "cause"
        if diagnosis.symptom and diagnosis.symptom != cause.node:
            yield diagnosis.symptom, "symptom"
        for node in cause.path:
            yield node, "path"
    for cause in diagnosis.root_causes[1:4]:
        yield cause.node, "candidate"
    for anomaly in diagnosis.anomalies:
        yield anomaly.node, "abnormal"
    for cause in diagnosis.root_causes or diagnosis.ranking_without_graph:
        yield cause.node, "candidate" if first else "closest"


def _track(
    role: Role, signal: Signal, anomaly: Anomaly | None, window: Window, axis: Axis
) -> Track:
    name = str(signal.node)
    past = window.baseline[name].drop_nulls().to_numpy()
    values = axis.frame[name].fill_null(float("nan")).to_numpy()
    words = _levels(signal, past, _lately(window, name), anomaly, window.step_seconds)
    onset = anomaly.onset if anomaly else None
    left = _left(onset, window.alert_time) if onset else ""
    entity, said = visible(signal.node.entity), visible(signal.node.signal)
    return Track(
        role,
        WORDS[role],
        shortened(entity, ENTITY),
        shortened(said, NAME),
        f"{entity} · {said}",
        curve(values, past, axis, signal.source in COUNTED),
        axis.place(onset) if onset else None,
        left,
        words[0],
        words[1],
        f"{entity} · {said}: normally {words[0]}, in the incident {words[1]}"
        + (f", {left}" if left else ""),
    )


def _lately(window: Window, name: str) -> Floats:
    """Return what a signal showed since the alert; since a little before, if nothing since."""
    since = window.recent.filter(pl.col("time") >= window.alert_time)[name].drop_nulls()
    return (since if len(since) else window.recent[name].drop_nulls()).to_numpy()


def _levels(
    signal: Signal, past: Floats, lately: Floats, anomaly: Anomaly | None, step_seconds: float
) -> tuple[str, str]:
    """Return what a signal showed in normal life and in the incident; of counts, how many."""
    unknown = ("no history", "not seen")
    if signal.source in COUNTED:
        means = [part.mean() * 60 / step_seconds if len(part) else None for part in (past, lately)]
        told = [unknown[i] if m is None else f"{digits(m)}/min" for i, m in enumerate(means)]
        return told[0], told[1]
    normal = float(np.median(past)) if len(past) else None
    observed = anomaly.observed if anomaly else None
    if observed is None and len(lately):
        farthest = np.abs(lately - normal).argmax() if normal is not None else -1
        observed = float(lately[farthest])
    values = (normal, observed)
    told = [
        unknown[i] if value is None else quantity(value, signal.kind.unit)
        for i, value in enumerate(values)
    ]
    return told[0], told[1]


def _left(onset: datetime, alert: datetime) -> str:
    """Return when a signal left its normal range, told from the alert, which people know."""
    seconds = (alert - onset).total_seconds()
    if abs(seconds) < 0.5:
        return "at the alert"
    side = "before" if seconds > 0 else "after"
    grain = next(size for least, size in GRAINS if abs(seconds) >= least)
    return f"{duration(grain * round(abs(seconds) / grain))} {side} the alert, {moment(onset)}"


def curve(values: Floats, past: Floats, axis: Axis, counts: bool) -> Curve:
    """Return what to draw of ``values``.

    Args:
        values: One an instant of ``axis``; NaN is drawn as a gap.
        past: What the baseline showed, for the normal range.
        axis: Where the instants stand.
        counts: Whether they are counts, which are drawn as bars from zero.
    """
    seen = [float(value) for value in values[np.isfinite(values)]]
    usual: list[float] = []  # lower end, median and upper end of the normal range
    if len(past) >= HISTORY:
        usual = [float(edge) for edge in np.quantile(past, (RANGE[0], 0.5, RANGE[1]))]
    ends = [*seen, *usual, *([0.0] if counts else [])]
    least, most = min(ends, default=0.0), max(ends, default=0.0)
    if most <= least:  # a constant lies in the middle, a count of nothing at the bottom
        room = max(abs(least), 1.0)
        least, most = (0.0, 1.0) if counts else (least - room, most + room)

    def height(value: float) -> float:
        share = (value - least) / (most - least)
        return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share, 1)

    points = [
        (x * WIDTH / 100, height(value) if np.isfinite(value) else None)
        for x, value in zip(axis.places, values, strict=True)
    ]
    bars, width = _grouped(points) if counts else ([], 0.0)
    return Curve(
        _ground(bars, width) if counts else _line(_thinned(points), axis),
        _bars(bars, width),
        _band(height(usual[0]), height(usual[2])) if usual else None,
        height(usual[1]) if usual else None,
    )


def _band(lower: float, upper: float) -> tuple[float, float]:
    """Return upper edge and height of the normal range, which is seen even where it is a point."""
    return upper, max(lower - upper, 1.0)


Place = tuple[float, float | None]


def _thinned(points: Sequence[Place]) -> Iterable[Place]:
    """Return ``points``, or of each group its first, highest and lowest, where there are many."""
    size = max(1, 2 * len(points) // POINTS)
    if size <= 2:
        return points
    kept: list[Place] = []
    for begin in range(0, len(points), size):
        group = points[begin : begin + size]
        seen = [point for point in group if point[1] is not None]
        gap = next((point for point in group if point[1] is None), None)
        if seen:
            ends = {min(seen, key=lambda p: p[1] or 0.0), max(seen, key=lambda p: p[1] or 0.0)}
            kept += sorted(ends)
        if gap:
            kept.append(gap)
    return kept


def _line(points: Iterable[Place], axis: Axis) -> str:
    """Return the path of a curve that breaks at gaps and where the axis does."""
    parts: list[str] = []
    breaks = [part.left * WIDTH / 100 for part in axis.stretches[1:]]
    pen = False
    for x, y in points:
        if y is None:
            pen = False
            continue
        if breaks and x >= breaks[0] - 0.1:
            breaks.pop(0)
            pen = False
        # A line of no length has round ends: a value between two gaps is seen as a dot.
        parts.append(f"L{x:.1f} {y:g}" if pen else f"M{x:.1f} {y:g}h0")
        pen = True
    return "".join(parts)


def _grouped(points: Sequence[Place]) -> tuple[list[Place], float]:
    """Return the highest point of each group, and how wide a group is; None only where all are."""
    size = max(1, -(-len(points) // POINTS))
    groups = [points[begin : begin + size] for begin in range(0, len(points), size)]
    tops = [min((y for _, y in group if y is not None), default=None) for group in groups]
    bars = [(group[0][0], top) for group, top in zip(groups, tops, strict=True)]
    return bars, WIDTH / max(len(groups), 1)


def _ground(bars: Sequence[Place], width: float) -> str:
    """Return the line on which bars stand, as far as anything was counted."""
    bottom = HEIGHT - MARGIN
    return "".join(
        f"M{max(x - width / 2, 0):.1f} {bottom:g}h{width:.1f}" for x, y in bars if y is not None
    )


def _bars(bars: Sequence[Place], width: float) -> str:
    """Return the path of bars."""
    bottom = HEIGHT - MARGIN
    return "".join(
        f"M{max(x - width / 2, 0):.1f} {bottom:g}V{y:g}h{max(width * 0.8, 1.5):.1f}V{bottom:g}z"
        for x, y in bars
        if y is not None and y < bottom
    )
