"""Laws of the measure: units and neighbours do not matter; late alerts and slow faults show."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.schema import Kind, Node, Signal
from models.deviation import CALM, HISTORY, WORST, measure, sustained
from tests.frames import window

FIELDS = ("normal", "scale", "score", "largest", "surprise", "peak", "onset", "tested")


def noise(seed, instants=208, signals=4):
    return np.random.default_rng(seed).normal(5, 1, (instants, signals))


def parts(values, recent=8, step=60.0):
    return window(values[:-recent], values[-recent:], step)


def alike(one, two, fields=FIELDS, columns=slice(None)):
    for name in fields:
        np.testing.assert_allclose(getattr(one, name)[columns], getattr(two, name)[columns])


@given(st.integers(0, 50), st.integers(-20, 20))
def test_the_unit_does_not_matter(seed, power):
    values = noise(seed)
    values[-4:, 0] += 9
    one, two = measure(parts(values)), measure(parts(values * 2.0**power))
    alike(one, two, ("score", "surprise", "largest", "peak", "onset"))


def test_another_signal_changes_nothing():
    values = noise(0)
    values[-4:, 0] += 9
    beside = np.column_stack([values, np.full(len(values), 7.0), np.full(len(values), np.nan)])
    alike(measure(parts(values)), measure(parts(beside)), columns=slice(0, 4))


def test_the_hour_of_a_short_history_does_not_matter():
    values = noise(1)
    one, two = measure(parts(values)), measure(parts(np.vstack([np.full((60, 4), np.nan), values])))
    alike(one, two, ("normal", "scale", "score", "surprise"))


numbers = st.floats(-1e100, 1e100, allow_subnormal=False) | st.just(float("nan"))


@settings(max_examples=60)
@given(st.lists(numbers, min_size=1, max_size=60), st.integers(0, 30))
def test_whatever_was_read_every_measure_is_finite(values, recent):
    column = np.array(values)[:, None]
    cut = max(len(column) - recent, 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measure(window(column[:cut], column[cut:]))
    for name in ("normal", "scale", "score", "largest", "surprise"):
        assert np.isfinite(getattr(found, name)).all()
    assert (found.scale > 0).all()
    assert (found.score <= WORST).all()


@pytest.mark.parametrize("late", [1, 5, 10])
@pytest.mark.parametrize("shape", ["noise", "zero", "steady"])
def test_an_alert_that_comes_late_hides_nothing(shape, late):
    past = {"noise": noise(2, 200, 1), "zero": np.zeros((200, 1)), "steady": np.full((200, 1), 3.0)}
    values = past[shape].copy()
    values[-late:] = 40
    found = measure(window(values, np.full((6, 1), 40.0)))
    assert found.score[0] > 10
    assert found.surprise[0] > 3


def test_a_leak_that_has_begun_before_the_alert_is_far_from_normal():
    values = noise(3, 300, 1)
    values[250:, 0] += np.linspace(0, 40, 50)
    assert measure(parts(values)).surprise[0] > 3


@given(st.integers(0, 30), st.integers(1, 4))
def test_a_fault_of_long_ago_hides_no_fault_of_now(seed, faults):
    values = noise(seed, 300, 1)
    for k in range(faults):
        values[30 + 50 * k : 33 + 50 * k] += 20
    values[-6:] += 20
    assert measure(parts(values)).score[0] > 10


def test_one_blip_is_no_sustained_deviation_and_two_in_a_row_are():
    values = np.zeros((8, 2))
    values[3, :] = 9
    values[4, 1] = 8
    values[6, 0] = 9
    assert sustained(values)[0].tolist() == [0, 8]


def test_what_was_seen_counts_as_in_a_row_whatever_lies_between():
    values = np.array([[np.nan], [9], [np.nan], [np.nan], [8], [np.nan]])
    score, stretches, brief = sustained(values)
    assert (score.tolist(), stretches.tolist(), brief.tolist()) == ([8], [2], [False])
    assert sustained(values[:2])[0].tolist() == [9]
    assert sustained(values[:1])[0].tolist() == [0]
    assert sustained(values[:0])[0].tolist() == [0]


def test_what_was_seen_once_since_the_alert_had_no_time_to_hold_and_counts_alone():
    values = np.zeros((6, 3))
    values[5, 0] = 9  # the only reading since the alert
    values[3, 1] = 9  # a blip before it
    values[4, 2] = 9  # the last that was seen, shortly before it
    values[5, 2] = np.nan
    score, _, brief = sustained(values, since=1)
    assert (score.tolist(), brief.tolist()) == ([9, 0, 9], [True, True, True])
    score, _, brief = sustained(values, since=2)
    assert (score.tolist(), brief.tolist()) == ([0, 0, 9], [False, False, True])
    assert sustained(values)[0].tolist() == [0, 0, 0]


@given(st.integers(1, 400))
def test_more_time_since_the_alert_never_makes_a_blip_louder(instants):
    values = np.random.default_rng(instants).exponential(size=(instants, 3))
    scores = [sustained(values, since)[0] for since in range(instants + 1)]
    assert all((late <= early).all() for early, late in pairwise(scores))


@given(st.integers(1, 400))
def test_a_long_recent_part_is_pooled_to_about_forty_stretches(instants):
    score, stretches, _ = sustained(np.full((instants, 1), 5.0))
    assert score[0] == 5
    assert min(instants, 40) <= stretches[0] < 80


def test_a_signal_with_little_history_or_not_seen_lately_is_not_tested():
    values = noise(4)
    values[: len(values) - 8 - HISTORY + 1, 0] = np.nan
    values[-8:, 1] = np.nan
    assert measure(parts(values)).tested.tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("unit", "source", "moved"),
    [("count", "metric", False), ("By", "metric", True), ("count", "counter", True)],
)
def test_only_gauges_of_counts_vary_by_the_root_of_their_number(unit, source, moved):
    signal = Signal(Node("a", "x"), Kind("x", unit), source)
    found = measure(window(np.full((99, 1), 4.0), np.full((5, 1), 6.0), signals=(signal,)))
    assert (found.score[0] > 3) == moved


@pytest.mark.parametrize("blip", [10.0, -10.0, 40.0])
def test_a_fault_begins_with_its_own_excursion_and_not_with_a_blip_that_was_over(blip):
    values = noise(1, 240)
    values[205:209, 0] += blip
    values[225:, 0] += 60
    assert measure(parts(values, 40)).onset[0] == 25


@given(gap=st.integers(1, CALM - 1), start=st.integers(0, 20))
def test_an_excursion_that_is_interrupted_goes_on(gap, start):
    values = noise(2, 240)
    values[200 + start :, 0] += 60
    values[205 + start : 205 + start + gap, 0] -= 60
    assert measure(parts(values, 40)).onset[0] == start
