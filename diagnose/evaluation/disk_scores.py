"""How good predictions of failing disks are, as an operator meets them.

Every disk in service is asked at each landmark, so that a disk counts often and its answers hang
together: intervals are percentile bootstraps over disks, never over cases. A case whose disk left
before the horizon without failing has no outcome and is left out. Cases of equal probability share
one threshold, so that a rule which says only yes or no gains nothing by the order of its rows.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import Estimate

Array = NDArray[np.float64]

RESAMPLES: Final = 100
BINS: Final = 10
BUDGET: Final = 0.01  # share of the cases that may alarm


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one way to predict, at one horizon.

    Attributes:
        cases: How many have an outcome.
        failures: In how many the disk fails within the horizon; also what chance scores.
        average_precision: Area under precision and recall.
        recall_at_budget: Share of failures among the hundredth of cases that is most suspected.
        lead_days: Median of the days from the first alarm within that budget to the failure, over
            disks that alarmed before they failed; None where none did.
        calibration_error: Mean distance between what is said and what happens, over ten bins of
            equally many cases, relative to the mean of what happens.
        said: Mean probability.
    """

    cases: int
    failures: int
    average_precision: Estimate
    recall_at_budget: Estimate
    lead_days: Estimate | None
    calibration_error: Estimate
    said: float


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Cases sorted by probability, the most suspected first.

    Attributes:
        disk: Number of each case's disk.
        failed: Whether it failed within the horizon.
        probability: What was said.
        last: Places after which the probability changes: the thresholds there are.
        left_days: Days to the disk's failure; infinity where it did not fail.
    """

    disk: NDArray[np.int64]
    failed: NDArray[np.bool_]
    probability: Array
    last: NDArray[np.intp]
    left_days: Array

    def curve(self, weight: Array) -> tuple[Array, Array, Array]:
        """Return precision, recall and share of cases alarmed at each threshold."""
        alarms = np.cumsum(weight)[self.last]
        hits = np.cumsum(weight * self.failed)[self.last]
        total = max(hits[-1], 1e-12)
        return hits / np.maximum(alarms, 1e-12), hits / total, alarms / alarms[-1]


def ranked(
    disk: NDArray[np.int64], failed: NDArray[np.bool_], probability: Array, left_days: Array
) -> Ranked:
    """Return cases in the order of suspicion."""
    order = np.argsort(-probability, kind="stable")
    said = probability[order]
    last = np.flatnonzero(np.append(np.diff(said) != 0, True))
    return Ranked(disk[order], failed[order], said, last, left_days[order])


def score(cases: Ranked, rng: np.random.Generator) -> Scores:
    """Return how good ``cases`` are, with 95 % intervals over disks."""
    _, cluster = np.unique(cases.disk, return_inverse=True)
    disks = int(cluster.max(initial=-1)) + 1
    draws = [np.bincount(rng.integers(0, disks, disks), minlength=disks) for _ in range(RESAMPLES)]

    drawn = np.array([_measured(cases, draw[cluster].astype(float)) for draw in draws])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    precision, recall, error = (
        Estimate(value, float(low[i]), float(high[i]))
        for i, value in enumerate(_measured(cases, np.ones(len(cases.disk))))
    )
    lead, said = _lead_days(cases, rng), float(cases.probability.mean())
    return Scores(len(cases.disk), int(cases.failed.sum()), precision, recall, lead, error, said)


def gained(ours: Ranked, theirs: Ranked, rng: np.random.Generator) -> Estimate:
    """Return by how much the average precision of one way is above another's on the same cases.

    The 95 % interval is over disks, both asked about the same ones.
    """
    disks = int(ours.disk.max(initial=-1)) + 1
    draws = [np.bincount(rng.integers(0, disks, disks), minlength=disks) for _ in range(RESAMPLES)]

    def difference(draw: NDArray[np.int64]) -> float:
        first, second = (_average_precision(one, draw[one.disk]) for one in (ours, theirs))
        return first - second

    low, high = np.quantile([difference(draw) for draw in draws], [0.025, 0.975])
    return Estimate(difference(np.ones(disks, np.int64)), float(low), float(high))


def _average_precision(cases: Ranked, weight: NDArray[np.int64]) -> float:
    precision, recall, _ = cases.curve(weight.astype(np.float64))
    return float(np.sum(precision * np.diff(recall, prepend=0.0)))


def _measured(cases: Ranked, weight: Array) -> tuple[float, float, float]:
    precision, recall, share = cases.curve(weight)
    # The mean precision over the failures, each at its own threshold; and what the threshold finds
    # that alarms on the budget, where alarms among equals are taken at random.
    average = float(np.sum(precision * np.diff(recall, prepend=0.0)))
    found = float(np.interp(BUDGET, np.append(0.0, share), np.append(0.0, recall)))
    return average, found, calibration_error(cases, weight)


def precision_at_recall(cases: Ranked, recall: float) -> float:
    """Return the precision of the first threshold that finds the share ``recall`` of failures."""
    precision, found, _ = cases.curve(np.ones(len(cases.disk)))
    place = min(int(np.searchsorted(found, recall - 1e-12)), len(precision) - 1)
    return float(precision[place])


def calibration_error(cases: Ranked, weight: Array) -> float:
    """Return the mean distance between said and seen, as a share of the mean that was seen."""
    number = len(cases.disk)
    bin_ = np.arange(number) * BINS // max(number, 1)
    held = np.maximum(np.bincount(bin_, weight, BINS), 1e-12)
    said = np.bincount(bin_, weight * cases.probability, BINS) / held
    seen = np.bincount(bin_, weight * cases.failed, BINS) / held
    mean = np.average(seen, weights=held)
    return float(np.average(np.abs(said - seen), weights=held) / max(mean, 1e-12))


def _lead_days(cases: Ranked, rng: np.random.Generator) -> Estimate | None:
    """Return the median lead of the first alarm within the budget, over disks that fail."""
    alarmed = np.arange(len(cases.disk)) < BUDGET * len(cases.disk)
    mine = alarmed & np.isfinite(cases.left_days)
    if not mine.any():
        return None
    disks, place = np.unique(cases.disk[mine], return_inverse=True)
    lead = np.zeros(len(disks))
    np.maximum.at(lead, place, cases.left_days[mine])
    drawn = np.median(lead[rng.integers(0, len(lead), (RESAMPLES, len(lead)))], axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(np.median(lead)), float(low), float(high))
