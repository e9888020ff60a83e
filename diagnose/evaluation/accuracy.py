"""How good a ranking is, beside what chance would give, and how sure we can be of the number.

AC@k is the number of true causes among the first k, divided by the most that could be there; Avg@5
is the mean of AC@1 to AC@5. Chance is the exact expectation for a random order of everything that
could be named. Intervals are percentile bootstraps over incidents.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.schema import RootCause

DEPTH: Final = 5  # places of a ranking that count
RESAMPLES: Final = 2000

Name = str | tuple[str, str]  # an entity, or an entity and a signal


@dataclass(frozen=True, slots=True)
class TrueCause:
    """A fault as its recorder wrote it down.

    Attributes:
        entity: Where it was.
        signal: Which signal shows it; None where nobody said.
        also: Signals that show it as well and count as right.
    """

    entity: str
    signal: str | None = None
    also: tuple[str, ...] = ()

    def names(self, pairs: bool) -> frozenset[Name]:
        """Return the names that count as this cause; empty where it has none at this level."""
        if not pairs:
            return frozenset({self.entity})
        signals = () if self.signal is None else (self.signal, *self.also)
        return frozenset((self.entity, signal) for signal in signals)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over incidents with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """AC@1, AC@3 and Avg@5 over several incidents, and the same by chance."""

    n: int
    ac1: Estimate
    ac3: Estimate
    avg5: Estimate
    chance_ac1: float
    chance_ac3: float
    chance_avg5: float


def places(ranking: Sequence[RootCause], pairs: bool) -> list[Name]:
    """Return what a ranking names, best first, each once."""
    names: dict[Name, None] = {}
    for cause in ranking:
        names.setdefault((cause.entity, cause.signal) if pairs else cause.entity)
    return list(names)


def hits(ranked: Sequence[Name], causes: Sequence[frozenset[Name]]) -> NDArray[np.float64]:
    """Return AC@1 .. AC@5 of one incident with at least one cause.

    Example:
        >>> hits(["db", "web"], [frozenset({"web"})]).tolist()
        [0.0, 1.0, 1.0, 1.0, 1.0]
    """
    distinct = set(causes)
    found = [
        sum(any(name in cause for name in ranked[:k]) for cause in distinct) / min(k, len(distinct))
        for k in range(1, DEPTH + 1)
    ]
    return np.array(found)


def chance(candidates: int, causes: Sequence[frozenset[Name]]) -> NDArray[np.float64]:
    """Return the expectation of AC@1 .. AC@5 for a random order of ``candidates`` names.

    Example:
        >>> chance(10, [frozenset({"web"})]).round(2).tolist()
        [0.1, 0.2, 0.3, 0.4, 0.5]
    """
    distinct = set(causes)
    expected = []
    for k in range(1, DEPTH + 1):
        drawn = min(k, candidates)
        missed = [
            comb(max(candidates - len(cause), 0), drawn) / comb(candidates, drawn)
            for cause in distinct
        ]
        expected.append(sum(1 - share for share in missed) / min(k, len(distinct)))
    return np.array(expected)


def accuracy(
    found: Sequence[NDArray[np.float64]], expected: Sequence[NDArray[np.float64]]
) -> Accuracy | None:
    """Return the accuracy over incidents; None where there are none.

    Args:
        found: ``hits`` of each incident.
        expected: ``chance`` of each incident.
    """
    if not found:
        return None
    scores, by_chance = np.stack(found), np.stack(expected).mean(axis=0)
    return Accuracy(
        len(found),
        estimate(scores[:, 0]),
        estimate(scores[:, 2]),
        estimate(scores.mean(axis=1)),
        float(by_chance[0]),
        float(by_chance[2]),
        float(by_chance.mean()),
    )


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Return the mean of ``values`` and its bootstrap interval; the same for the same values."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (RESAMPLES, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(values.mean()), float(low), float(high))


def difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Estimate:
    """Return the mean of ``ours`` - ``theirs`` with its interval.

    Both were measured on the same incidents, which are resampled as pairs: what makes an incident
    hard for everybody then widens nothing.

    Args:
        ours: One value an incident.
        theirs: One value an incident, in the same order.

    Example:
        >>> difference(np.array([1.0, 0.0, 1.0]), np.array([0.5, -0.5, 0.5]))
        Estimate(value=0.5, low=0.5, high=0.5)
    """
    return estimate(ours - theirs)
