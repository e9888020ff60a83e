"""Which moments of which disks a model learns from, and what each tells.

A case is a disk at a moment. Few disks fail, and few have errors, so the last month of each that
fails is asked often, the times of errors now and then, and the rest of all lives seldom; weights
undo this, so that what is learned is the rate in a fleet. A case tells about an interval after it
only where the disk was watched to the interval's end, or failed in it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.disks.history import ERRORS, SMART, Array, History, Hours
from models.disks.outcomes import EDGES, Outcomes, held

SPARSE_DAYS: Final = 120  # one case in as many days, of a disk that is not about to fail
ERROR_DAYS: Final = 8  # likewise, of one that has errors
DENSE_HOURS: Final = 31 * 24  # before a failure, where cases are dense
DENSE_A_DAY: Final = 3
TIMEOUT: Final = SMART.index("smart_188")


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


def draw(history: History, outcomes: Outcomes, rng: np.random.Generator) -> Cases:
    """Return moments in the lives of all disks, dense before failures, less so after errors."""
    begin, end = held(history, outcomes)
    every = np.where(suspect(history), ERROR_DAYS, SPARSE_DAYS)
    row = np.repeat(np.arange(len(begin)), rng.poisson((end - begin) / 24 / every))
    sparse = history.disk[row]
    at = (begin[row] + rng.random(len(row)) * (end - begin)[row]).astype(np.int64)
    far = ~outcomes.failed[sparse] | (outcomes.end[sparse] - at > DENSE_HOURS)
    dense = np.repeat(np.flatnonzero(outcomes.failed), DENSE_HOURS // 24 * DENSE_A_DAY)
    late = outcomes.end[dense] - 1 - (rng.random(len(dense)) * DENSE_HOURS).astype(np.int64)
    there = late >= outcomes.begin[dense]
    return Cases(
        np.concatenate([sparse[far], dense[there]]),
        np.concatenate([at[far], late[there]]),
        np.concatenate([every[row][far], np.full(there.sum(), 1 / DENSE_A_DAY)]),
    )


def suspect(history: History) -> NDArray[np.bool_]:
    """Return which rows show an error, or a command that once timed out."""
    errors = (np.nan_to_num(history.smart[:, ERRORS]) > 0).any(axis=1)
    return np.asarray(errors | (history.risen[:, TIMEOUT] >= 0))


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
