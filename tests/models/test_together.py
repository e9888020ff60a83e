"""What many signals show together: breadth and pattern, on worlds whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.together import breadth, pattern

SIGNALS = 24
RECENT = 8


def world(kind, seed, instants=420, signals=SIGNALS):
    """Healthy signals: independent ones, or such that follow one load."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(instants, signals))
    if kind == "slow":
        for i in range(1, instants):
            values[i] += 0.9 * values[i - 1]
    elif kind == "heavy tails":
        values = rng.standard_t(3, (instants, signals))
    elif kind == "one load":
        load = 3 * np.sin(np.arange(instants) / 40) + rng.normal(size=instants)
        values = 0.1 * values + load[:, None] * rng.uniform(0.5, 2, signals)
    elif kind == "bursts":
        values += 8 * (rng.random((instants, signals)) < 0.02)
    return values


def broad(values, recent=RECENT, least=0.0):
    return breadth(values[:-recent], values[-recent:], np.full(values.shape[1], least))


def unusual(values, recent=RECENT, least=0.0):
    return pattern(values[:-recent], values[-recent:], np.full(values.shape[1], least))


@pytest.mark.parametrize("kind", ["white", "slow", "heavy tails", "one load", "bursts"])
@pytest.mark.parametrize("witness", [broad, lambda values: unusual(values)[0]])
def test_on_healthy_worlds_one_in_a_hundred_is_rare(kind, witness):
    said = np.array([witness(world(kind, seed)) for seed in range(100)])
    assert (said >= 2).sum() <= 4  # 1 expected; 5 or more happen once in 270


@given(past=st.integers(0, 30), recent=st.integers(0, 120), signals=st.integers(0, 3))
def test_after_hardly_any_past_nothing_is_said(past, recent, signals):
    values = world("white", 3, past + recent, signals)
    least = np.zeros(signals)
    said = breadth(values[:past], values[past:], least)
    unusually, shares = pattern(values[:past], values[past:], least)
    assert np.isfinite([said, unusually]).all()
    assert len(shares) == signals
    if not past or not signals:
        assert said == unusually == 0


def test_a_little_on_many_signals_is_broad_after_a_short_past_and_much_on_one_is_not():
    values = world("white", 1, 38, 200)
    one, many = values.copy(), values.copy()
    one[-6:, 0] += 200
    many[-6:, :40] += 8
    assert broad(one) < 0.5
    assert broad(many) > 1.5


def test_a_past_with_broad_faults_expects_more_of_them_the_longer_it_is():
    def after(instants):
        values = world("white", 2, instants, 200)
        for start in range(10, instants - 20, 40):
            values[start : start + 4, :40] += 8
        values[-6:, :40] += 8
        return broad(values)

    clean = world("white", 2, 40, 200)
    clean[-6:, :40] += 8
    assert broad(clean) >= after(60) > after(2000)
    assert after(2000) < 1.3


def test_a_movement_against_the_load_is_unusual_though_within_each_range():
    values = world("one load", 3)
    against = values.copy()
    against[-5:, 4] = 2 * np.median(values[:, 4]) - values[-5:, 4] - 2
    surprise, shares = unusual(against)
    assert np.abs(against[-5:, 4]).max() < np.abs(values[:, 4]).max()
    assert surprise > 2 > unusual(values)[0]
    assert shares.argmax() == 4
    assert shares.sum() == pytest.approx(1)


def test_what_has_happened_before_is_as_rare_as_it_was():
    values = world("one load", 4, 900)
    values[-5:, 4] += 30
    first = unusual(values)[0]
    for start in (100, 300, 500, 700):
        values[start : start + 5, 4] += 30
    assert unusual(values)[0] <= np.log10(900 / RECENT / 4) + 0.1 < first


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (20, 3), (60, 30), (420, 0)])
def test_a_past_that_is_too_short_tells_no_pattern(shape):
    values = np.vstack([np.ones(shape), np.ones((RECENT, shape[1]))])
    surprise, shares = unusual(values)
    assert surprise == 0
    assert shares.tolist() == [0.0] * shape[1]
    assert broad(values) >= 0


def test_where_nothing_can_be_tested_nothing_is_unusual():
    none, shares = pattern(np.ones((212, 0)), np.ones((28, 0)), np.ones(0))
    assert (none, len(shares)) == (0.0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(-20, 20), st.permutations(range(SIGNALS)))
def test_neither_units_nor_the_order_of_signals_matter(seed, power, order):
    values = world("one load", seed)
    values[-4:, 3] += 2
    other = values[:, list(order)] * 2.0**power
    assert broad(other) == pytest.approx(broad(values), abs=1e-6)
    assert unusual(other)[0] == pytest.approx(unusual(values)[0], abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 0.6), st.integers(0, 20), st.integers(3, 400))
def test_gaps_and_long_recent_parts_are_read_as_well(share, seed, recent):
    values = world("white", seed, 420 + recent)
    values[np.random.default_rng(seed).random(values.shape) < share] = np.nan
    assert np.isfinite(broad(values, recent))
    surprise, shares = unusual(values, recent)
    assert np.isfinite(surprise)
    assert np.isfinite(shares).all()


def test_what_is_below_the_least_scale_is_noise():
    values = np.full((420, SIGNALS), 5.0)
    values[-5:] += 0.01
    assert broad(values) > 1.5
    assert broad(values, least=0.05) < 1.5
    assert unusual(values, least=0.05)[0] == 0
