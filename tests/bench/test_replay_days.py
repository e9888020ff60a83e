"""Scans become incidents, false ones and found ones; a whole folder becomes a table."""

import numpy as np
import pytest

from tests.bench.replay_days import (
    ALPHAS,
    HISTORY,
    Stretch,
    false_ones,
    found,
    incidents,
    scan,
    segments,
    table,
)


def scanned(score, label=None, length=8, step=60.0):
    first = HISTORY + length * np.arange(len(score))
    marks = None if label is None else np.zeros(HISTORY + length * len(score), bool)
    for begin, end in label or ():
        assert marks is not None
        marks[HISTORY + begin : HISTORY + end] = True
    return Stretch("db1 test", step, first, length, np.array(score, float), marks, length)


def test_accused_scans_within_an_hour_are_one_incident():
    assert incidents(scanned([0, 5, 5, 0, 5] + [0] * 8 + [5, 0]), 3) == [(1, 4), (13, 13)]
    assert incidents(scanned([0, 1, 2]), 3) == []


def test_an_incident_is_false_unless_it_touches_something_labelled():
    score = [5] + [0] * 20 + [5] + [0] * 3
    assert false_ones(scanned(score), 3) == 2
    assert false_ones(scanned(score, [(4, 6)]), 3) == 1
    assert false_ones(scanned(score, [(4, 6), (170, 172)]), 3) == 0


def test_what_is_labelled_is_found_by_a_scan_that_sees_it_and_late_by_so_much():
    label = [(12, 40), (100, 104)]
    assert found(scanned([0, 0, 5, 0, 0] + [0] * 20, label), 3) == [11.0, None]
    assert found(scanned([5] * 5), 3) == []


def test_segments_reach_from_first_to_last_labelled_instant():
    assert segments(np.array([True, False, True, True])) == [(0, 0), (2, 3)]
    assert segments(np.zeros(3, bool)) == []


@pytest.mark.parametrize("step", [60.0, 300.0])
def test_a_server_is_scanned_over_its_days_and_tabulated(step):
    rng = np.random.default_rng(0)
    values = rng.normal(10, 1, (HISTORY + 200, 5))
    label = np.zeros(len(values), np.uint8)
    label[HISTORY + 100 : HISTORY + 130] = 1
    values[label > 0] += 30
    stretch = scan("db1 test", values, label, step, 4)
    assert stretch.days == pytest.approx(200 * step / 86_400, rel=0.2)
    assert found(stretch, 3)[0] is not None
    assert false_ones(stretch, 3) == 0
    lines = list(table([stretch]))
    assert len(lines) == 2 + 2 * len(ALPHAS)
    assert "1 of 1" in lines[2]
