import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from diagnose.incident.reach import LONGEST_STEP, STEP_SECONDS, median_step

APART = st.lists(st.integers(-(10**6), 4 * 10**9))


@given(APART)
def test_a_step_can_always_be_used(apart):
    step = median_step(np.array(apart, dtype=np.int64))
    assert 1 <= step <= LONGEST_STEP
    assert step == round(step)
    if max(apart, default=0) <= 0:
        assert step == STEP_SECONDS


@given(st.integers(1, int(LONGEST_STEP)), st.lists(st.integers(1, 10**10)))
def test_what_comes_more_often_than_all_the_rest_is_the_step(step, others):
    apart = [step * 10**6] * (len(others) + 1) + others
    assert median_step(np.array(apart, dtype=np.int64)) == step
