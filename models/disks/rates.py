"""How often disks of a model fail: altogether, with and without errors, and at what age.

What one error means differs from model to model, and so does how models age. A model with few
drive-days is believed to be like the fleet, a cell of it like the fleet's cell times what the model
is worse than the fleet.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.disks.history import RULE, Array, History, Hours
from models.disks.outcomes import Outcomes, held

RATE_DAYS: Final = 60_000  # drive-days of the whole fleet that a model's own rate starts from
FLEET_DAYS: Final = 10_000  # without failure, that every cell of the fleet starts from
LIKE_FLEET: Final = 5  # failures that a model, or a cell of it, is expected to have beforehand
YEARS: Final = 7  # of age; the last is for all that is older
YEAR_HOURS: Final = 8766


def rates(history: History, outcomes: Outcomes, disks: Hours) -> tuple[dict[str, Array], Array]:
    """Return logarithms of failures a drive-day: of each model, and of one that is not known.

    Args:
        history: What is known of all disks.
        outcomes: What became of them.
        disks: Those that are counted.
    """
    counted = np.zeros(len(history.serials), bool)
    counted[disks] = True
    models, place = np.unique(history.model[history.first], return_inverse=True)
    place = place[history.disk]
    begin, end = held(history, outcomes)
    days = np.where(counted[history.disk], (end - begin) / 24, 0.0)
    failures = np.zeros(len(history.disk))
    failing = np.flatnonzero(outcomes.failed & counted)
    last = history.known(failing, outcomes.end[failing])
    failures[last] = 1.0
    erring = errs(history, np.arange(len(place)))
    year = years(history.power_on)
    parts = [(np.zeros_like(place), 1), (erring, 2), (year, YEARS)]
    sums = [
        tuple(_summed(place, cell, cells, what, len(models)) for what in (failures, days))
        for cell, cells in parts
    ]
    fleet = (failures.sum() + 0.5) / (days.sum() + RATE_DAYS)
    failed, lived = sums[0]
    table, unknown = [np.log((failed + fleet * RATE_DAYS) / (lived + RATE_DAYS))], [[np.log(fleet)]]
    for failed, lived in sums[1:]:
        cell = (failed.sum(0) + 0.5) / (lived.sum(0) + FLEET_DAYS)
        expected = (lived * cell).sum(1, keepdims=True)
        worse = (failed.sum(1, keepdims=True) + LIKE_FLEET) / (expected + LIKE_FLEET)
        table.append(np.log((failed + LIKE_FLEET * worse) / (lived + LIKE_FLEET / cell)))
        unknown.append(np.log(cell).tolist())
    known = dict(zip(models.tolist(), np.hstack(table), strict=True))
    return {name: rate for name, rate in known.items() if name}, np.concatenate(unknown)


def errs(history: History, row: Hours) -> Hours:
    """Return 1 for rows that show any error of the SMART rule, else 0."""
    return np.asarray((np.nan_to_num(history.smart[row][:, RULE]) > 0).any(axis=1), np.int64)


def years(power_on: Array) -> Hours:
    """Return whole years of age, of which the last is for all that is older."""
    return np.clip(power_on / YEAR_HOURS, 0, YEARS - 1).astype(np.int64)


def _summed(place: NDArray[np.intp], cell: Hours, cells: int, what: Array, models: int) -> Array:
    sums = np.bincount(place * cells + cell, what, models * cells)
    return np.asarray(sums, dtype=np.float64).reshape(models, cells)
