"""Other ways to rank signals, in their plainest form, on the very window that Aitia reads.

Each scores every signal, larger is likelier. Where a method leaves something open (what a constant
signal's scale is, how ties are broken), it has what serves it best on the development sets.

References: n-sigma as in Shan et al., "ε-Diagnosis", WWW 2019; the RobustScorer of Pham, Ha, Zhang,
"BARO", FSE 2024; the information-theoretic tail score of Budhathoki et al., "Causal structure-based
root cause analysis of outliers", ICML 2022; the traversal of Orchard et al., NeurIPS 2025, after
the reference of the PetShop data set (Hardt et al., CLeaR 2024).
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import Node, RootCause, Signal, Window

Array = NDArray[np.float64]

TINY: Final = 1e-9  # scale of a constant: whatever moves it at all comes first
FLOOR: Final = 0.01  # smallest scale, as a share of the mean
ABNORMAL: Final = 5.0  # standard deviations from which the traversal calls a node abnormal
FIRST: Final = 1e6  # more than any score: puts one group of signals before another


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One window as the peers read it.

    Attributes:
        signals: The columns, in order.
        past: The baseline, of shape (instants, signals), NaN where nothing was seen.
        now: The recent part, of the same columns.
        symptom: What the alert named; None where nobody said.
        calls: (caller, callee) pairs of entities.
    """

    signals: tuple[Signal, ...]
    past: Array
    now: Array
    symptom: Node | None
    calls: tuple[tuple[str, str], ...]


Scorer = Callable[[Rows], Array]


def rows_of(window: Window, symptom: Node | None) -> Rows:
    """Return the rows of ``window``."""
    past, now = (part.drop("time").to_numpy() for part in (window.baseline, window.recent))
    return Rows(window.signals, past, now, symptom, window.topology)


def n_sigma(rows: Rows, floor: float = 0.0) -> Array:
    """Return the largest distance from the mean in standard deviations."""
    mean, sigma = np.nanmean(rows.past, axis=0), np.nanstd(rows.past, axis=0)
    scale = np.maximum(sigma, floor * np.abs(mean)) + TINY
    return np.asarray(np.nanmax(np.abs(rows.now - mean), axis=0, initial=0.0) / scale)


def n_sigma_of_kind(rows: Rows) -> Array:
    """Return n-sigma with a floored scale; signals of the symptom's kind come first."""
    score = n_sigma(rows, FLOOR)
    return np.asarray(np.minimum(np.nan_to_num(score), FIRST) + FIRST * _of_symptoms_kind(rows))


def robust_scorer(rows: Rows) -> Array:
    """Return the largest excess over the median in interquartile ranges, those of 0 taken for 1."""
    low, median, high = np.nanquantile(rows.past, [0.25, 0.5, 0.75], axis=0)
    scale = np.where(high > low, high - low, 1.0)
    return np.asarray(np.nanmax((rows.now - median) / scale, axis=0, initial=-FIRST))


def largest_tail_score(rows: Rows) -> Array:
    """Return the largest tail score of an instant; of equal ones, larger n-sigma comes first."""
    return np.asarray(np.nanmax(_tail_scores(rows), axis=0) + 1e-6 * np.log1p(n_sigma(rows)))


def mean_tail_score(rows: Rows) -> Array:
    """Return the mean tail score of the recent instants, ties broken likewise."""
    return np.asarray(np.nanmean(_tail_scores(rows), axis=0) + 1e-6 * np.log1p(n_sigma(rows)))


def traversal(rows: Rows) -> Array:
    """Return n-sigma; before all, abnormal entities of which no callee is abnormal.

    An entity is abnormal where a signal of the symptom's kind is. Those that the symptom's entity
    reaches over abnormal callees come before those that it does not.
    """
    score = np.minimum(np.nan_to_num(n_sigma(rows, FLOOR)), FIRST)
    alike = _of_symptoms_kind(rows)
    abnormal = {
        signal.node.entity
        for signal, of_kind, value in zip(rows.signals, alike, score, strict=True)
        if of_kind and value > ABNORMAL
    }
    callees: dict[str, set[str]] = {}
    for caller, callee in rows.calls:
        callees.setdefault(caller, set()).add(callee)
    reached = _reached(rows.symptom.entity, callees, abnormal) if rows.symptom else set()
    deepest = {entity for entity in abnormal if not callees.get(entity, set()) & abnormal}
    group = [
        2.0 * (s.node.entity in deepest) + (s.node.entity in reached) + (s.node.entity in abnormal)
        for s in rows.signals
    ]
    return np.asarray(score + FIRST * np.array(group) * alike)


PEERS: Final[dict[str, Scorer]] = {
    "n-sigma": n_sigma,
    "n-sigma, floor, symptom's kind": n_sigma_of_kind,
    "BARO RobustScorer": robust_scorer,
    "tail score, largest": largest_tail_score,
    "tail score, mean": mean_tail_score,
    "call-graph traversal": traversal,
}
PEERS_ON_CALLS: Final = ("call-graph traversal",)


def ranking(peer: Scorer, rows: Rows) -> tuple[RootCause, ...]:
    """Return all signals as ``peer`` ranks them, ties in the window's order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of what was never seen
        scores = np.nan_to_num(peer(rows), nan=-np.inf, posinf=0.0)
    return in_order(rows.signals, np.argsort(-scores, kind="stable").tolist())


def in_order(signals: tuple[Signal, ...], order: list[int]) -> tuple[RootCause, ...]:
    """Return the signals at the places in ``order`` as a ranking."""
    nodes = [signals[place].node for place in order]
    return tuple(RootCause(node.entity, node.signal, 0.0) for node in nodes)


def _of_symptoms_kind(rows: Rows) -> NDArray[np.bool_]:
    """Return which signals are of the symptom's kind ("client latency" is a "latency").

    All are where there is no symptom. The symptom itself is not: it is known to be abnormal.
    """
    kind = next((s.kind.name for s in rows.signals if s.node == rows.symptom), None)
    if kind is None:
        return np.ones(len(rows.signals), dtype=np.bool_)
    same = [
        s.kind.name.split()[-1] == kind.split()[-1] and s.node != rows.symptom for s in rows.signals
    ]
    return np.array(same, dtype=np.bool_)


def _tail_scores(rows: Rows) -> Array:
    """Return, for each recent instant, -log of the share of the past as far from the median."""
    median = np.nanmedian(rows.past, axis=0)
    past, now = np.sort(np.abs(rows.past - median), axis=0), np.abs(rows.now - median)
    seen = (~np.isnan(past)).sum(axis=0)
    beyond = np.stack(
        [
            count - np.searchsorted(past[:count, column], now[:, column])
            for column, count in enumerate(seen)
        ],
        axis=1,
    )
    return np.where(np.isnan(now), np.nan, -np.log((beyond + 1) / (seen + 1)))


def _reached(start: str, callees: dict[str, set[str]], abnormal: set[str]) -> set[str]:
    """Return what ``start`` reaches by calls of abnormal entities, itself included."""
    found, open_ = {start}, [start]
    while open_:
        for callee in sorted(callees.get(open_.pop(), set()) & abnormal - found):
            found.add(callee)
            open_.append(callee)
    return found
