"""The probability that a disk fails within a day, a week, a month.

Boosted trees (``forests.py``) give the hazard of three intervals, with the interval as a feature:
the chance of failing in it, having lived to see it. What survives all is multiplied up, so a longer
horizon is never less probable than a shorter one, and a disk that left early still teaches about
the intervals that it lived through. Each hazard is then bent by two numbers that were fitted on
disks which its trees had not seen.

Reference: Tutz, Schmid, "Modeling Discrete Time-to-Event Data", Springer 2016, chapter 3; van
Houwelingen, Putter, "Dynamic Prediction in Clinical Survival Analysis", CRC 2012 (landmarking);
Platt, "Probabilistic Outputs for Support Vector Machines", 1999.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logit

from models.disks.cases import Cases, Trials, trials
from models.disks.features import features
from models.disks.forests import Forests
from models.disks.history import Array, History, Hours
from models.disks.outcomes import EDGES, Outcomes
from models.disks.rates import rates

if TYPE_CHECKING:  # torch is loaded only where an encoder is used
    from models.disks.sequences import DiskEncoder

INTERVALS: Final = len(EDGES) - 1
ROWS_AT_ONCE: Final = 100_000  # bounds the memory, whatever the number of cases
SMALLEST: Final = 1e-9  # hazard, so that its logit is finite


@dataclass(frozen=True, slots=True, eq=False)
class DiskSurvival:
    """A fitted model of how disks fail.

    Attributes:
        trees: Hazard of an interval, given features and the number of the interval.
        rates: How often disks of each known model fail, as ``models.disks.rates`` says it.
        unknown: The same of a model that is not known.
        bend: Slope and intercept on the log-odds of each interval's hazard, (intervals, 2).
        base: Hazard of each interval in the whole fleet, for disks of which nothing is known.
        encoder: What reads the course of a disk's values; None where it did not help.
    """

    trees: Forests
    rates: Mapping[str, Array]
    unknown: Array
    bend: Array
    base: Array
    encoder: "DiskEncoder | None" = None

    def predict(self, history: History, disk: Hours, at: Hours) -> Array:
        """Return the probabilities of failing within each horizon, of shape (cases, horizons).

        Args:
            history: What is known of all disks; rows that begin after a case's moment are not seen.
            disk: Number of each case's disk, -1 for one that is unknown.
            at: Moment of each case, in hours since 1970.
        """
        return cumulative(self.hazards(history, disk, at))

    def hazards(self, history: History, disk: Hours, at: Hours) -> Array:
        """Return the chance of failing in each interval, of shape (cases, intervals)."""
        row = history.known(disk, at)
        hazard = np.tile(self.base, (len(row), 1))
        (seen,) = np.nonzero(row >= 0)
        for some in np.array_split(seen, len(seen) // ROWS_AT_ONCE + 1):
            told = self.told(history, row[some], at[some])
            hazard[some] = bent(raw_hazards(self.trees, told), self.bend)
        return hazard

    def told(self, history: History, row: Hours, at: Hours) -> NDArray[np.float32]:
        """Return the features of cases of which something is known, of shape (cases, features)."""
        return _told(history, row, at, (self.rates, self.unknown), self.encoder)

    def base_risk(self) -> Array:
        """Return the probabilities of a disk of which nothing is known, one a horizon."""
        return np.asarray(cumulative(self.base[None])[0])


def cumulative(hazard: Array) -> Array:
    """Return the probability of failing by the end of each interval.

    Example:
        >>> cumulative(np.array([[0.5, 0.5, 0.0]])).tolist()
        [[0.5, 0.75, 0.75]]
    """
    return np.asarray(1 - np.cumprod(1 - hazard, axis=1), dtype=np.float64)


def raw_hazards(trees: Forests, told: NDArray[np.float32]) -> Array:
    """Return each interval's hazard as the trees see it, of shape (cases, intervals)."""
    if not len(told):
        return np.empty((0, INTERVALS))
    columns = [trees.log_odds(with_interval(told, number)) for number in range(INTERVALS)]
    return np.asarray(expit(np.stack(columns, axis=1)))


def bent(hazard: Array, bend: Array) -> Array:
    """Return ``hazard`` with its log-odds scaled and shifted, an interval at a time."""
    odds = logit(np.clip(hazard, SMALLEST, 1 - SMALLEST))
    return np.asarray(expit(bend[:, 0] * odds + bend[:, 1]))


def fit(
    history: History,
    outcomes: Outcomes,
    cases: Cases,
    disks: Hours,
    trees: Forests | None = None,
    encoder: "DiskEncoder | None" = None,
) -> DiskSurvival:
    """Return a model learned from ``cases``, its hazards not bent yet.

    Args:
        history: What is known of all disks.
        outcomes: What became of them.
        cases: Moments to learn from.
        disks: Those that rates are counted over; none that the model is judged on.
        trees: What the same call has fitted before; None to fit them.
        encoder: What reads the course of values, if anything; it knows none of the other disks.
    """
    known, unknown = rates(history, outcomes, disks)
    learned = trials(outcomes, cases)
    if trees is None:
        row = history.known(cases.disk, cases.at)
        told = _told(history, row, cases.at, (known, unknown), encoder)
        table = np.column_stack([told[learned.case], learned.interval.astype(np.float32)])
        trees = Forests.grow(table, learned.failed, cases.weight[learned.case])
    base = base_hazard(learned, cases.weight)
    straight = np.tile([1.0, 0.0], (INTERVALS, 1))
    return DiskSurvival(trees, known, unknown, straight, base, encoder)


def fit_bend(hazard: Array, learned: Trials, weight: Array) -> Array:
    """Return slope and intercept of each interval, fitted on cases that the trees had not seen.

    Args:
        hazard: As the trees see it, of shape (cases, intervals).
        learned: What became of the cases.
        weight: How many moments of a fleet each case stands for.
    """
    return np.array([_bend_one(hazard, learned, weight, n) for n in range(INTERVALS)])


def _bend_one(hazard: Array, learned: Trials, weight: Array, number: int) -> Sequence[float]:
    mine = learned.interval == number
    case, failed = learned.case[mine], learned.failed[mine]
    odds = logit(np.clip(hazard[case, number], SMALLEST, 1 - SMALLEST))
    share = weight[case] / weight[case].sum()

    def loss(line: Array) -> float:
        z = line[0] * odds + line[1]
        return -float(np.sum(share * np.where(failed, log_expit(z), log_expit(-z))))

    if not failed.any():  # nothing to fit: leave it as the trees have it
        return (1.0, 0.0)
    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead")
    return (max(float(found.x[0]), 0.0), float(found.x[1]))


def base_hazard(learned: Trials, weight: Array) -> Array:
    """Return the hazard of each interval in the whole fleet."""
    mine = [learned.interval == number for number in range(INTERVALS)]
    return np.array(
        [
            np.average(learned.failed[one], weights=weight[learned.case[one]]) if one.any() else 0.0
            for one in mine
        ]
    )


def _told(
    history: History,
    row: Hours,
    at: Hours,
    rates: tuple[Mapping[str, Array], Array],
    encoder: "DiskEncoder | None",
) -> NDArray[np.float32]:
    told = features(history, row, at, *rates)
    if encoder is None:
        return told
    return np.hstack([told, encoder.embed(history, history.disk[row], at)])


def with_interval(told: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Return the features of cases, asked about one interval."""
    return np.column_stack([told, np.full(len(told), number, np.float32)])
