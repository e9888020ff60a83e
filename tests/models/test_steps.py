"""Where levels step down."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.steps import medians, stepping


def wandering(together):
    """Return a thousand levels of variance 1 without any step; neighbours correlate."""
    shocks = np.random.default_rng(1).normal(size=(240, 1000))
    if together == 1.0:
        return shocks.cumsum(axis=0)
    level = shocks.copy()
    for i in range(1, len(level)):
        level[i] = together * level[i - 1] + np.sqrt(1 - together**2) * shocks[i]
    return level


@pytest.mark.parametrize("together", [0.0, 0.5, 0.9, 1.0])
def test_noise_has_no_steps(together):
    assert stepping(wandering(together)).any(axis=0).mean() < 0.005


def test_the_blip_before_is_no_step():
    level = np.full((40, 1), 0.5)
    level[20:22] = 0.9
    assert not stepping(level).any()


@given(st.integers(0, 1000), st.integers(3, 60), st.integers(2, 60), st.floats(-1e3, 1e3))
def test_a_step_is_seen_where_it_is_in_any_unit(seed, before, after, offset):
    if before + after < 8:
        return
    level = np.repeat([1.0, 0.0], [before, after])
    level += 0.01 * np.random.default_rng(seed).normal(size=before + after)
    for scale in (1e-3, 1e3):
        stepped = stepping(scale * (level + offset)[:, None])
        assert np.flatnonzero(stepped).tolist() == [before]
        assert stepped[before] == -1
        np.testing.assert_array_equal(stepping(-scale * (level + offset)[:, None]), -stepped)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), min_size=1, max_size=9))
def test_medians_are_those_of_each_stretch(stretches):
    first = np.cumsum([0, *(len(part) for part in stretches[:-1])])
    found = medians(np.concatenate(stretches), first)
    assert found == pytest.approx([np.median(part) for part in stretches])
