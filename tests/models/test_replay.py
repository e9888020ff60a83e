"""Surprises are read on the line that the window's own past gives."""

import numpy as np
import pytest

from models.deviation import measure
from models.replay import Line, precedents, replay
from tests.frames import window

SIGNALS = 40


def made(values, recent=8):
    return window(values[:-recent], values[-recent:])


def bursts(rng, instants=600):
    started = rng.random((instants, SIGNALS)) < 0.01
    on = started | np.roll(started, 1, axis=0) | np.roll(started, 2, axis=0)
    return rng.normal(10, 0.3, (instants, SIGNALS)) + 15 * on


def test_light_tails_make_a_steeper_line_than_bursts():
    rng = np.random.default_rng(0)
    calm = replay(made(rng.normal(size=(600, SIGNALS))))
    wild = replay(made(bursts(rng)))
    assert calm.slope < 1 < wild.slope


def test_a_fault_in_the_past_bends_the_line_little():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(600, SIGNALS))
    clean = replay(made(values))
    values[300:310, :4] += 50
    assert replay(made(values)).slope == pytest.approx(clean.slope, rel=0.3)


def test_a_line_keeps_the_order_and_what_is_usual():
    surprise = np.array([0.0, 0.5, 1.0, 2.0, 9.0])
    read = Line(0.8, 1.5).read(surprise)
    assert (np.diff(read) >= 0).all()
    assert read[:2].tolist() == [0.0, 0.5]
    np.testing.assert_array_equal(Line().read(surprise), surprise)


@pytest.mark.parametrize("shape", [(0, 3), (5, 3), (20, 3), (600, 1)])
def test_a_past_that_tells_little_leaves_surprises_as_they_are(shape):
    values = np.random.default_rng(2).normal(size=shape)
    line = replay(window(values, np.ones((8, shape[1]))))
    assert line.slope == pytest.approx(1, abs=0.3)
    if shape[0] * shape[1] < 200:
        assert line == Line()


def test_constants_and_gaps_are_replayed():
    values = np.zeros((600, SIGNALS))
    values[:, 1] = np.nan
    assert replay(made(values)) == Line(0.0, 0.7)


def test_a_burst_like_those_of_every_hour_is_no_surprise():
    rng = np.random.default_rng(3)
    values = bursts(rng)
    values[-8:, 0] = [10, 10, 25, 25, 25, 10, 10, 10]
    window_ = made(values)
    raw = measure(window_).surprise
    assert replay(window_).read(raw)[0] < raw[0]


def test_what_many_signals_did_at_once_in_the_past_is_not_what_one_alone_is_read_by():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(600, SIGNALS))
    clean = replay(made(values)).slope
    faults, bursting = values.copy(), values.copy()
    for start in (100, 250, 400):
        faults[start : start + 6, :15] += 50
        for i in range(15):
            bursting[(start + 8 * i) : (start + 8 * i + 6), i] += 50
    assert replay(made(faults)).slope == pytest.approx(clean, rel=0.1)
    assert replay(made(bursting)).slope > 2 * clean


@pytest.mark.parametrize("times", [0, 1, 4])
def test_what_a_signal_did_before_is_counted(times):
    values = np.random.default_rng(5).normal(10, 1, (600, 3))
    for k in range(times):
        values[100 * k + 20 : 100 * k + 24, 0] += 30
    values[-5:, 0] += 30
    window_ = made(values)
    found = precedents(values[:560], 8, measure(window_))
    assert found[0] == times


def test_a_jump_as_long_ago_by_half_is_no_precedent():
    values = np.random.default_rng(6).normal(10, 1, (600, 1))
    values[50:60] += 15
    values[-5:] += 30
    assert precedents(values[:560], 8, measure(made(values))).tolist() == [0]
