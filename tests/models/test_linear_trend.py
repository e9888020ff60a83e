"""A line in noise whose neighbours hang together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress

from models.linear_trend import linear_trend

AT = np.arange(40.0)


def noise(seed, together):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=len(AT))
    for i in range(1, len(AT)):
        values[i] = together * values[i - 1] + np.sqrt(1 - together**2) * values[i]
    return values


def middle(trend, limit, sure=0.5):
    return trend.crossing(limit, sure, AT[-1], 1e4)


@given(st.integers(0, 10_000), st.floats(0.05, 2), st.floats(-1e3, 1e3), st.floats(1e-6, 1e6))
def test_units_do_not_matter(seed, slope, offset, scale):
    level = slope * AT + noise(seed, 0.5)
    plain, other = linear_trend(AT, level), linear_trend(60 * AT + 7, scale * (level + offset))
    for chance in (0.05, 0.5, 0.95):
        if plain.above(1e4, 200.0) > chance > plain.above(AT[-1], 200.0):
            other_at = other.crossing(scale * (200 + offset), chance, 60 * AT[-1] + 7, 6e5 + 7)
            assert other_at == pytest.approx(60 * middle(plain, 200.0, chance) + 7, rel=1e-5)
    assert other.rising() == pytest.approx(plain.rising(), abs=1e-6)


@given(st.integers(0, 10_000))
def test_a_falling_level_is_a_rising_one_upside_down(seed):
    level = 0.1 * AT + noise(seed, 0.7)
    up, down = linear_trend(AT, level), linear_trend(AT, -level)
    assert up.rising() + down.rising() == pytest.approx(1.0, abs=1e-9)
    assert up.above(60.0, 5.0) + down.above(60.0, -5.0) == pytest.approx(1.0, abs=1e-9)


def test_among_strangers_it_is_as_sure_as_least_squares():
    sure, errors = [], []
    for seed in range(100):
        level = 0.2 * AT + noise(seed, 0.0)
        trend = linear_trend(AT, level)
        low, high = (middle(trend, 20.0, p) for p in (0.05, 0.95))
        fit = linregress(AT, level)
        error = fit.stderr * np.sqrt((100 - AT.mean()) ** 2 + AT.var()) / fit.slope
        sure.append((high - low) / (2 * 1.686 * error))
        errors.append(trend.slope @ trend.likely - fit.slope)
    assert np.median(sure) == pytest.approx(1.0, abs=0.1)
    assert np.abs(errors).max() < 0.02


@pytest.mark.parametrize("together", [0.0, 0.5, 0.8, 0.9])
def test_it_is_right_as_often_as_it_says(together):
    rising = np.array([linear_trend(AT, noise(seed, together)).rising() for seed in range(400)])
    assert np.mean((rising > 0.05) & (rising < 0.95)) >= 0.86


def test_a_few_wild_values_do_not_turn_it():
    level = 0.2 * AT + 0.3 * noise(1, 0.0)
    wild = level.copy()
    wild[[3, 20, 33]] = [500.0, -900.0, 300.0]
    calm, turned = (middle(linear_trend(AT, one), 20.0) for one in (level, wild))
    assert turned == pytest.approx(calm, rel=0.05)


@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_a_line_without_noise_is_itself(slope):
    trend = linear_trend(AT, 5.0 + slope * AT)
    assert trend.slope @ trend.likely == pytest.approx(slope, abs=1e-9)
    if slope:
        assert middle(trend, 20.0) == pytest.approx(50.0, rel=1e-6)


@given(st.integers(0, 10_000), st.floats(0.05, 2))
def test_a_chance_is_never_more_than_sure(seed, slope):
    trend = linear_trend(AT, slope * AT + noise(seed, 0.5))
    assert 0 <= trend.above(1e9, 0.0) <= 1
    assert 0 <= trend.rising() <= 1
