import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.lagged import LaggedMoments, normal_scores

CELL = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.just(0.0)
TABLE = hnp.arrays(float, st.tuples(st.integers(0, 40), st.integers(1, 4)), elements=CELL)


def series(rows=400, lag=0, strength=0.8, seed=0):
    """Return two columns of which the first drives the second, ``lag`` steps later."""
    noise = np.random.default_rng(seed).normal(size=(rows, 2))
    noise[lag:, 1] += strength * noise[: rows - lag, 0]
    return noise


@pytest.mark.parametrize("lag", [0, 1, 2, 3])
def test_the_lag_of_an_effect_is_found(lag):
    moments = LaggedMoments(series(lag=lag), max_lag=3)
    assert moments.lag[0, 1] == lag
    assert moments.gain[0, 1] > 10


def test_what_follows_does_not_lead():
    moments = LaggedMoments(series(lag=1))
    assert moments.lead[0, 1] > moments.lead[1, 0] + 10


def test_independent_noise_gains_nothing():
    noise = np.random.default_rng(1).normal(size=(400, 6))
    gain = LaggedMoments(noise).gain
    assert np.count_nonzero(gain) <= 2


def test_two_random_walks_are_not_taken_for_cause_and_effect():
    walks = np.random.default_rng(2).normal(size=(600, 4)).cumsum(axis=0)
    assert np.median(LaggedMoments(walks).gain) == 0


def test_one_spike_weighs_no_more_than_its_rank():
    calm = series()
    spiked = calm.copy()
    spiked[calm[:, 0].argmax(), 0] = 1e9
    assert np.allclose(LaggedMoments(calm).gain, LaggedMoments(spiked).gain)


def test_gaps_cost_evidence_and_not_correctness():
    values = series(lag=1)
    values[np.random.default_rng(3).random(values.shape) < 0.3] = np.nan
    moments = LaggedMoments(values)
    assert moments.lag[0, 1] == 1
    assert 10 < moments.gain[0, 1] < LaggedMoments(series(lag=1)).gain[0, 1]


def test_a_parent_that_explains_raises_the_score_and_one_that_does_not_lowers_it():
    values = np.column_stack([series(), np.random.default_rng(4).normal(size=400)])
    score = LaggedMoments(values).score
    assert score(1, frozenset({0})) > score(1, frozenset()) > score(1, frozenset({2}))


@given(TABLE)
def test_whatever_was_recorded_the_evidence_is_finite(values):
    moments = LaggedMoments(values)
    size = values.shape[1]
    assert np.isfinite(moments.gain).all()
    assert np.isfinite(moments.lead).all()
    assert (moments.gain.diagonal() == 0).all()
    assert np.isfinite(moments.score(0, frozenset(range(1, size))))


@given(TABLE)
def test_normal_scores_keep_order_and_gaps(values):
    scores = normal_scores(values)
    assert (np.isnan(scores) == np.isnan(values)).all()
    for column, score in zip(values.T, scores.T, strict=True):
        seen = np.isfinite(column)
        order = np.argsort(column[seen], kind="stable")
        assert (np.diff(score[seen][order]) >= 0).all()


def test_a_constant_says_nothing():
    values = series()
    values[:, 0] = 7.0
    moments = LaggedMoments(values)
    assert moments.gain.max() == 0
