"""Which moments of which disks a model learns from, and what each tells.

A case is a disk at a moment. Few disks fail, so the last month of each is asked often and the rest
of all lives seldom; weights undo this, so that what is learned is the rate in a fleet. A case tells
about an interval after it only where the disk was watched to the interval's end, or failed in it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.disks.history import Array, Hours
from models.disks.outcomes import EDGES, Outcomes

SPARSE_DAYS: Final = 100  # one case in as many days, of a disk that is not about to fail
DENSE_HOURS: Final = 31 * 24  # before a failure, where cases are dense
DENSE_A_DAY: Final = 3
RATE_DAYS: Final = 60_000  # drive-days of the whole fleet that a model's own rate starts from


@dataclass(frozen=True, slots=True, eq=False)
class Cases:
    """Moments to learn from; one entry a case.

    Attributes:
        disk: Number of the disk.
        at: The moment, in hours since 1970.
        weight: How many moments of a fleet it stands for.
    """

    disk: Hours
    at: Hours
    weight: Array


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """Cases and intervals of which the outcome is known; one entry a pair.

    Attributes:
        case: Place of the case.
        interval: Number of the interval, 0 for the first of ``EDGES``.
        failed: Whether the disk failed in it.
    """

    case: Hours
    interval: Hours
    failed: NDArray[np.bool_]


def draw(outcomes: Outcomes, disks: Hours, rng: np.random.Generator) -> Cases:
    """Return moments in the lives of ``disks``, dense before failures."""
    begin, end = outcomes.begin[disks], outcomes.end[disks]
    disks, begin, end = (array[end > begin] for array in (disks, begin, end))
    often = rng.poisson((end - begin) / 24 / SPARSE_DAYS)
    sparse = np.repeat(disks, often)
    length = np.repeat(end - begin, often)
    at = (np.repeat(begin, often) + rng.random(len(sparse)) * length).astype(np.int64)
    far = ~outcomes.failed[sparse] | (outcomes.end[sparse] - at > DENSE_HOURS)
    dense = np.repeat(disks[outcomes.failed[disks]], DENSE_HOURS // 24 * DENSE_A_DAY)
    late = outcomes.end[dense] - 1 - (rng.random(len(dense)) * DENSE_HOURS).astype(np.int64)
    there = late >= outcomes.begin[dense]
    return Cases(
        np.concatenate([sparse[far], dense[there]]),
        np.concatenate([at[far], late[there]]),
        np.concatenate([np.full(far.sum(), SPARSE_DAYS), np.full(there.sum(), 1 / DENSE_A_DAY)]),
    )


def trials(outcomes: Outcomes, cases: Cases) -> Trials:
    """Return what each case tells about each interval; nothing where the disk left too early."""
    left = outcomes.end[cases.disk] - cases.at
    failed = outcomes.failed[cases.disk]
    found = []
    for interval, (low, high) in enumerate(pairwise(EDGES)):
        fails = failed & (left <= high)
        at_risk = (left > low) | (low == 0)
        case = np.flatnonzero(at_risk & (fails | (left >= high)))
        found.append((case, np.full(len(case), interval), fails[case]))
    return Trials(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def rates(outcomes: Outcomes, disks: Hours) -> tuple[dict[str, float], float]:
    """Return the logarithm of the failures a drive-day: of each model, and of the whole fleet.

    A model with few drive-days is believed to be like the fleet.
    """
    models, place = np.unique(outcomes.model[disks], return_inverse=True)
    days = np.bincount(place, (outcomes.end - outcomes.begin)[disks] / 24)
    failures = np.bincount(place, outcomes.failed[disks])
    fleet = (failures.sum() + 0.5) / (days.sum() + RATE_DAYS)
    rate = np.log((failures + fleet * RATE_DAYS) / (days + RATE_DAYS))
    known = {str(m): float(r) for m, r in zip(models, rate, strict=True) if m}
    return known, float(np.log(fleet))
