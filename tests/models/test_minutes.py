"""What is read often and what is read seldom become the same minutes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.minutes import minutes_of

STEPS = st.sampled_from([1.0, 7.0, 10.0, 15.0, 45.0, 60.0])


@given(STEPS, st.integers(1, 300), st.integers(1, 40), st.integers(0, 2**32))
def test_minutes_are_means_counted_from_the_end(step, instants, most, seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(instants, 3))
    values[rng.random(values.shape) < 0.3] = np.nan
    found = minutes_of(values, step, most)
    back = np.arange(instants)[::-1] * step // 60
    assert len(found) == min(most, int(back[0]) + 1)
    for minute, row in enumerate(found[::-1]):
        inside = values[back == minute]
        for column in range(3):
            seen = inside[~np.isnan(inside[:, column]), column]
            expected = seen.mean() if len(seen) else np.nan
            np.testing.assert_allclose(row[column], expected, atol=1e-9)


@given(STEPS, st.integers(60, 200), st.integers(0, 2**32))
def test_what_came_before_changes_no_minute(step, instants, seed):
    values = np.random.default_rng(seed).normal(size=(instants, 2))
    longer = np.vstack([np.full((13, 2), 9.0), values])
    inside = len(minutes_of(values, step, 10**6)) - 1
    np.testing.assert_array_equal(
        minutes_of(longer, step, 10**6)[-inside:] if inside else 0,
        minutes_of(values, step, 10**6)[-inside:] if inside else 0,
    )


def test_who_is_read_less_often_than_once_a_minute_has_none():
    assert minutes_of(np.ones((50, 2)), 61.0, 30).shape == (0, 2)


@pytest.mark.parametrize("instants", [0, 1])
def test_nothing_at_all_is_no_error(instants):
    assert minutes_of(np.ones((instants, 2)), 15.0, 30).shape == (instants, 2)
