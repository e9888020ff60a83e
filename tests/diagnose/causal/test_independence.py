import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnose.causal.independence import GIVEN, NOTHING, PAST, independence, moments
from tests.diagnose.simulated import remembering

NONE = np.full((1, 1), NOTHING)
NOW, FEW = np.array([0]), np.arange(3)
DEPTH = len(FEW) + PAST + GIVEN
ALPHA = 0.05


def ask(values, first=0, second=1, given=(), lags=NOW):
    known = np.array([given], dtype=np.int64) if given else NONE
    return independence(moments(values, DEPTH), np.array([first]), np.array([second]), known, lags)


def ask_all(left, right, lags=FEW):
    """Return the test of each column of ``left`` with each of ``right``."""
    count = left.shape[1]
    first = np.repeat(np.arange(count), count)
    second = np.tile(np.arange(count), count) + count
    measured = moments(np.hstack((left, right)), DEPTH)
    return independence(measured, first, second, np.full((count**2, 1), NOTHING), lags)


def series(rng, memory, instants, count=30):
    return remembering(rng, np.full(count, memory), instants)


def false_alarms(left, right):
    return float((ask_all(left, right).p_value <= ALPHA).mean())


def naive_false_alarms(left, right):
    count = left.shape[1]
    r = np.corrcoef(left, right, rowvar=False)[:count, count:]
    return float((np.abs(np.arctanh(r)) * np.sqrt(len(left) - 3) >= 1.96).mean())


@pytest.mark.parametrize("instants", [200, 900])
@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9, 0.95])
def test_false_alarms_keep_their_rate_however_long_the_memory(memory, instants):
    rng = np.random.default_rng(1)
    left, right = series(rng, memory, instants), series(rng, memory, instants)
    assert false_alarms(left, right) <= 0.08
    if memory >= 0.9:
        assert naive_false_alarms(left, right) >= 0.4


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_a_correlation_of_a_third_is_seen(memory):
    rng = np.random.default_rng(2)
    cause, noise = series(rng, memory, 300, 60), series(rng, memory, 300, 60)
    effect = 0.3 * cause + np.sqrt(1 - 0.3**2) * noise
    pairs = np.arange(60)
    measured = moments(np.hstack((cause, effect)), DEPTH)
    found = independence(measured, pairs, pairs + 60, np.full((60, 1), NOTHING), FEW)
    assert (found.p_value <= ALPHA).mean() >= 0.9
    assert np.median(found.correlation) == pytest.approx(0.3, abs=0.05)


def test_heavy_tails_and_one_wild_instant_are_no_dependence():
    rng = np.random.default_rng(3)
    left, right = rng.standard_cauchy((400, 30)), rng.standard_cauchy((400, 30))
    left[200], right[200] = 1e9, 1e9
    assert false_alarms(left, right) <= 0.08


def test_rates_that_are_averaged_over_minutes_are_no_dependence():
    rng = np.random.default_rng(4)
    smooth = np.apply_along_axis(np.convolve, 0, rng.normal(size=(608, 60)), np.ones(8), "valid")
    found = ask_all(smooth[:, :30], smooth[:, 30:])
    assert (found.p_value <= ALPHA).mean() <= 0.08
    assert np.median(found.effective_n) < len(smooth)


def test_what_a_day_does_to_both_is_no_dependence():
    rng = np.random.default_rng(5)
    day = 2 * np.sin(np.linspace(0, 4 * np.pi, 600))[:, None] + np.linspace(0, 2, 600)[:, None]
    left, right = rng.normal(size=(600, 30)) + day, rng.normal(size=(600, 30)) + day
    assert naive_false_alarms(left, right) >= 0.9
    assert false_alarms(left, right) <= 0.1


def test_a_common_cause_explains_its_effects():
    rng = np.random.default_rng(6)
    load, left, right = series(rng, 0.9, 800, 3).T
    values = np.stack((left + load, right + np.roll(load, 1), load), axis=1)
    assert ask(values, lags=FEW).p_value[0] <= 0.001
    assert ask(values, given=(2,), lags=FEW).p_value[0] > ALPHA


def test_the_lag_is_found_and_its_choice_is_paid_for():
    rng = np.random.default_rng(7)
    cause, noise = series(rng, 0.8, 400, 2).T
    values = np.stack((cause, np.roll(cause, 2) * 0.3 + noise), axis=1)
    named, searched = ask(values, lags=np.array([2])), ask(values, lags=FEW)
    assert searched.lag[0] == 2
    assert searched.p_value[0] == pytest.approx(3 * named.p_value[0], rel=0.05)
    assert ask(values, first=1, second=0, lags=FEW).p_value[0] > ALPHA  # no effect on the past


def test_it_does_not_mind_which_comes_first():
    rng = np.random.default_rng(8)
    values = series(rng, 0.7, 300, 4) @ rng.normal(size=(4, 4))
    both = np.arange(-1, 2)
    one = ask(values, 0, 1, (2, 3), both)
    other = ask(values, 1, 0, (3, 2), both)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.lag == -other.lag


def test_units_and_monotone_scales_do_not_matter():
    rng = np.random.default_rng(9)
    values = series(rng, 0.5, 200, 3) @ rng.normal(size=(3, 3))
    scaled = np.stack((np.exp(values[:, 0]), values[:, 1] * 1e9 - 5, values[:, 2] ** 3), axis=1)
    one, other = ask(values, given=(2,)), ask(scaled, given=(2,))
    assert one.p_value == pytest.approx(other.p_value)


def test_gaps_cost_certainty_and_raise_no_false_alarm():
    rng = np.random.default_rng(10)
    left, right = series(rng, 0.9, 500), series(rng, 0.9, 500)
    left[rng.random(left.shape) < 0.2] = np.nan
    right[100:200] = np.nan
    found = ask_all(left, right)
    assert (found.p_value <= ALPHA).mean() <= 0.08
    assert found.effective_n.max() < 400
    both = series(rng, 0.5, 500, 1) + 0.5 * series(rng, 0.5, 500, 2)
    both[rng.random(both.shape) < 0.2] = np.nan
    assert ask(both).p_value[0] <= 0.001


def test_signals_that_hardly_move_are_not_tested():
    rng = np.random.default_rng(11)
    moving, constant, twice, errors = rng.normal(size=(4, 300))
    constant[:], twice[2:] = 7.0, 0.0
    errors[:] = np.arange(300) % 25 == 0
    values = np.stack((moving, constant, twice, errors, np.roll(errors, 3), moving), axis=1)
    assert np.isnan(ask(values, 0, 1).p_value[0])
    assert np.isnan(ask(values, 0, 2).p_value[0])
    assert np.isnan(ask(values, 3, 4).p_value[0])  # twelve each: they meet by chance or never
    assert np.isfinite(ask(values, 0, 3).p_value[0])
    assert np.isnan(ask(values, 0, 3, (5,)).p_value[0])  # nothing is left of its own twin


@pytest.mark.parametrize("shape", [(0, 2), (2, 2), (12, 2), (30, 2)])
def test_too_few_rows_are_not_tested(shape):
    found = ask(np.random.default_rng(12).normal(size=shape))
    assert np.isnan(found.p_value[0])


@settings(max_examples=40, deadline=None)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(0, 60), st.just(3)),
        elements=st.sampled_from([np.nan, 0.0, 1.0, -1e300, 1e300]) | st.floats(-9, 9),
    )
)
def test_whatever_was_seen_the_answer_is_a_probability_or_none(values):
    found = ask(values, given=(2,), lags=FEW)
    known = np.isfinite(found.p_value)
    assert ((found.p_value[known] >= 0) & (found.p_value[known] <= 1)).all()
    assert (np.abs(found.correlation[known]) <= 1).all()
    assert (found.effective_n[known] <= len(values)).all()
