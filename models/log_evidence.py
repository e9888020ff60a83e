"""How surprising the recent counts of each log template are, whatever the traffic was.

How often a line is written depends on how much there is to do, so that a plain rate tells load from
fault badly. Two ratios do not. A template's share of all that is written changes where lines appear
or vanish out of proportion. And lines that one request writes in turn, in one service or in the
next, are written equally often: where such an invariant breaks, the request stopped between them.
An early return shows in nothing else.

What is usual for all is told by entities, each by the middle of its lines: one that writes every
request down for a while would otherwise set the pace of all. And a ratio that breaks is blamed on
whichever of the two left that pace.

Both are judged on counts over stretches of the recent part that reach the alert, by what they did
in the baseline, without the trend of a single instant. A few minutes of log are enough for that,
where a tail of deviations needs hours.

Reference: Lou, Fu, Yang, Xu, Li, "Mining invariants from console logs for system problem
detection", USENIX ATC 2010; the dispersion of counts is Pearson's (McCullagh, Nelder, "Generalized
linear models", 1989), with a prior, and a quantile of it where earlier faults may be in the past.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betainc, log_ndtr

from diagnose.schema import Signal, Window

Array = NDArray[np.float64]
Columns = NDArray[np.intp]

UNIT: Final = 60.0  # seconds before the alert at which a stretch may begin; one step at least
UNITS: Final = 3  # of which it may be long after the alert: later, the next fault may have begun
LEAST: Final = 5  # records of a template in the baseline that make a ratio
POOLED: Final = 60  # stretches of the baseline that are looked at; longer ones are added up
TEMPLATES: Final = 200  # whose ratios to each other are looked at: the most surprising by share
PRIOR: Final = 2.0  # instants that the prior of a share's dispersion, twice Poisson's, is worth
CALM: Final = 0.75  # quantile of squared residuals that faults in the past leave alone ...
CALM_OF_NORMAL: Final = 1.323  # ... and what it is where residuals are normal
STEADIEST: Final = 0.1  # dispersion below which no invariant is believed: lines straddle instants
FEW: Final = 3  # instants with records below which an invariant is a coincidence
CEILING: Final = 25.0  # beyond it a surprise says nothing more


def log_surprise(window: Window) -> Array:
    """Return -log10 of the chance of each template's recent counts; 0 for all other signals.

    It is the square of the mean root of two surprises, by share and by invariant: one alone is
    believed half.
    """
    surprise = np.zeros(len(window.signals))
    column = np.array([i for i, s in enumerate(window.signals) if _is_line(s)], dtype=np.intp)
    before, after = (_counted(part, column) for part in (window.baseline, window.recent))
    if not len(column) or len(before) < 2 or not len(after):
        return surprise
    alert = int((window.recent["time"] < window.alert_time).sum())
    unit = max(round(UNIT / window.step_seconds), 1)
    entities = np.array([window.signals[i].node.entity for i in column])
    stretches = [
        Stretch(first, end, _pace(before.sum(axis=0), after[first:end].sum(axis=0), entities))
        for first, end in _around(alert, len(after), unit)
    ]
    share = _by_share(before, after, stretches)
    known = np.argsort(-share, kind="stable")[:TEMPLATES]
    invariant = np.zeros(len(column))
    invariant[known] = _by_invariant(_pooled(before[:, known]), after[:, known], stretches)
    both = (np.sqrt(share) + np.sqrt(invariant)) / 2
    surprise[column] = np.minimum(both**2, CEILING)
    return surprise


class Stretch(NamedTuple):
    """Some instants of the recent part.

    Attributes:
        first: The first one.
        end: One behind the last.
        pace: How much of what was written in the whole baseline is written in them by most.
    """

    first: int
    end: int
    pace: float


def _is_line(signal: Signal) -> bool:
    """Return True for a template; the total of a severity says nothing that its lines do not."""
    return signal.source == "template" and signal.node.signal.count("/") > 1


def _counted(part: pl.DataFrame, column: Columns) -> Array:
    """Return the counts of ``part`` at the instants at which logs were collected."""
    values = part.drop("time").to_numpy()[:, column]
    counted: Array = np.nan_to_num(values[~np.isnan(values).all(axis=1)])
    return counted


def _around(alert: int, instants: int, unit: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches, first instant and end, that begin and end near the alert.

    Args:
        alert: First instant at or after the alert.
        instants: Of the recent part.
        unit: Instants that make a minute, or one.
    """
    firsts = {max(alert - unit, 0), min(alert, instants)}
    ends = {min(alert + unit * units, instants) for units in range(1, UNITS + 1)}
    found = [(first, end) for first in sorted(firsts) for end in sorted(ends) if end - first > 1]
    yield from found or [(0, instants)]


def _pace(usual: Array, now: Array, entities: NDArray[np.str_]) -> float:
    """Return the median over entities of how much of their usual lines they write now.

    An entity's is the median over its lines; one with too few lines to tell is left out.
    """
    ratio = now / np.maximum(usual, 1.0)
    apart = [entities == entity for entity in np.unique(entities)]
    telling = [own for own in apart if usual[own].sum() >= LEAST] or [usual >= 0]
    paces = [_weighted_median(ratio[own][:, None], usual[own][:, None])[0] for own in telling]
    return float(np.median(paces))


def _by_share(before: Array, after: Array, stretches: list[Stretch]) -> Array:
    """Return how surprising each template's share of all records is, at its worst stretch."""
    spoken, total = before.sum(axis=1), before.sum()
    expected = before.sum(axis=0) / max(total, 1.0) * spoken[:, None]
    squares = ((before - expected) ** 2 / np.maximum(expected, 0.5)).sum(axis=0)
    dispersion = np.maximum((squares + 2 * PRIOR) / (len(before) - 1 + PRIOR), 1.0)
    worst = np.zeros(before.shape[1])
    for first, end, pace in stretches:
        now = after[first:end].sum(axis=0)
        part = np.clip(pace / (1 + pace), 1e-6, 1 - 1e-6)
        seen, all_seen = now / dispersion, (now + before.sum(axis=0)) / dispersion
        more = np.where(seen > 0, betainc(np.maximum(seen, 1e-9), all_seen - seen + 1, part), 1.0)
        rest = np.maximum(all_seen - seen, 1e-9)
        less = np.where(all_seen > seen, 1 - betainc(seen + 1, rest, part), 1.0)
        chance = np.clip(2 * np.minimum(more, less), 1e-300, 1.0)
        worst = np.maximum(worst, -np.log10(chance))
    return worst


def _pooled(counts: Array) -> Array:
    """Return ``counts`` added up over neighbouring instants, ``POOLED`` of them at most."""
    size = -(-len(counts) // POOLED)
    starts = np.arange(0, len(counts), size)
    return np.add.reduceat(counts, starts, axis=0)


def _by_invariant(before: Array, after: Array, stretches: list[Stretch]) -> Array:
    """Return how far each template left its ratio to the template that foretells it best."""
    seen = before.sum(axis=0)
    usable = np.flatnonzero(seen >= LEAST)
    worst = np.zeros(before.shape[1])
    for template in usable:
        others = usable[usable != template]
        if len(others):
            worst[template] = _broken(before, after, int(template), others, stretches)
    return worst


def _broken(
    before: Array, after: Array, template: int, others: Columns, stretches: list[Stretch]
) -> float:
    """Return the surprise of ``template`` given the other that foretells it most sharply."""
    usual = before.sum(axis=0)
    base, own = before[:, others], before[:, [template]]
    ratio = _weighted_median(own / np.maximum(base, 1e-9), base)
    others, base, ratio = others[ratio > 0], base[:, ratio > 0], ratio[ratio > 0]
    if not len(others):
        return 0.0
    expected = ratio * base
    active = (base > 0) | (own > 0)
    squares = np.where(active, (own - expected) ** 2 / np.maximum(expected, 1.0), np.nan)
    instants = active.sum(axis=0)
    row = np.clip(np.ceil(CALM * instants).astype(np.intp) - 1, 0, len(base) - 1)
    calm = np.sort(squares, axis=0)[row, np.arange(len(others))] / CALM_OF_NORMAL
    dispersion = np.maximum((calm * instants + 1) / (instants + 1), STEADIEST)
    worst = 0.0
    for first, end, pace in stretches:
        now = after[first:end].sum(axis=0)
        foretold = ratio * now[others]
        known = 1 + foretold / np.maximum(expected.sum(axis=0), 1.0)
        variance = dispersion * np.maximum(foretold, 1.0) * known
        vague = variance / np.maximum(foretold, 1.0) ** 2 + 10.0 * (instants < FEW)
        best = int(np.argmin(vague))
        off = now[template] - foretold[best]
        chance = log_ndtr(-abs(off) / np.sqrt(variance[best])) + np.log(2)
        two = [template, int(others[best])]
        worst = max(worst, float(-chance / np.log(10)) * _blame(now[two], pace * usual[two]))
    return worst


def _blame(now: Array, expected: Array) -> float:
    """Return the share of a broken ratio that is due to the first of two: who left the pace."""
    left = np.abs(np.log((now + 0.5) / (expected + 0.5)))
    return float(left[0] / max(left.sum(), 1e-9))


def _weighted_median(values: Array, weights: Array) -> Array:
    """Return the median of each column of ``values``, each counting as much as its weight."""
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    row = (reached >= 0.5 * reached[-1]).argmax(axis=0)
    ordered = np.take_along_axis(values, order, axis=0)
    median: Array = ordered[row, np.arange(values.shape[1])]
    return median
