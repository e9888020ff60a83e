"""How long before failures alarms come."""

import numpy as np
import pytest

from diagnose.evaluation.disk_scores import ranked
from tests.bench.disks import noticed, recall_at

# Four disks, asked 1000, 1000, 1000 and 2000 times; the first two fail.
DISK = np.repeat(np.arange(4), [1000, 1000, 1000, 2000])
LEFT = np.where(DISK < 2, 30.0 * np.tile(np.arange(1000, 0, -1), 5) - 15, np.inf)


def said(**alarms):
    """Return the cases of which those of a disk at so many days from failure are suspected."""
    risk = np.full(len(DISK), 0.01)
    for disk, days in alarms.items():
        risk[(int(disk[1:]) == DISK) & np.isin(LEFT, days)] = 0.9
    return risk


@pytest.mark.parametrize(("days", "first"), [([15.0], 15), ([45.0, 15.0], 45), ([75.0], 75)])
def test_the_first_alarm_counts(days, first):
    cases = ranked(DISK, LEFT <= 30, said(_0=days), LEFT)
    assert noticed(cases, 1).tolist() == [first, 0]


def test_more_alarms_are_seen_no_later():
    risk = np.random.default_rng(0).random(len(DISK))
    cases = ranked(DISK, LEFT <= 30, risk, LEFT)
    few, many = noticed(cases, 1), noticed(cases, 100)
    assert (few <= many).all()
    assert recall_at(cases, 1) <= recall_at(cases, 100)


def test_a_rule_that_alarms_too_often_has_no_bar():
    """Cases that are said to be equal are alarmed together or not at all."""
    risk = np.ones(len(DISK))
    assert noticed(ranked(DISK, LEFT <= 30, risk, LEFT), 1).tolist() == [0, 0]
