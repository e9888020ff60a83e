"""When a level runs out."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import TIME, Node, Signal, Window
from models.trend import Array, TrendPredictor, exhaustion, heading

HOUR = 3600.0
DAY = 24 * HOUR
START = datetime(2026, 1, 1, tzinfo=UTC)


def noise(seed, instants, together=0.0):
    """Return noise of variance 1 of which neighbours correlate."""
    rng = np.random.default_rng(seed)
    shocks = rng.normal(size=instants)
    values = np.empty(instants)
    values[0] = shocks[0]
    for i in range(1, instants):
        values[i] = together * values[i - 1] + np.sqrt(1 - together**2) * shocks[i]
    return values


AT: Array = np.arange(0.0, 144_000.0, 300.0)  # 40 hours


def rising(sigma, seed=0):
    """Return a level that starts at .5 and gains .01 an hour: 10 hours are left at the end."""
    return 0.5 + 0.01 * AT / HOUR + sigma * noise(seed, len(AT))


def test_it_says_when_and_how_sure_it_is():
    found = exhaustion(AT, rising(0.01), 1.0, DAY)
    assert found is not None
    assert found.shortest < found.lead < found.longest
    assert found.lead == pytest.approx(10 * HOUR, rel=0.05)
    assert found.probability > 0.99


@given(st.floats(1e-6, 1e6), st.floats(1e-3, 1e3))
def test_units_do_not_matter(scale, clock):
    plain = exhaustion(AT, rising(0.01), 1.0, DAY)
    other = exhaustion(AT * clock, rising(0.01) * scale, scale, DAY * clock)
    assert plain is not None
    assert other is not None
    assert other.lead == pytest.approx(plain.lead * clock, rel=1e-6)
    assert other.longest == pytest.approx(plain.longest * clock, rel=1e-6)
    assert other.probability == pytest.approx(plain.probability, abs=1e-6)


@given(st.floats(-1e3, 1e3))
def test_falling_to_a_floor_is_rising_to_a_ceiling(offset):
    up = exhaustion(AT, rising(0.01), 1.0, DAY)
    down = exhaustion(AT, offset - rising(0.01), offset - 1.0, DAY)
    assert up is not None
    assert down is not None
    assert down.lead == pytest.approx(up.lead, rel=1e-6)


@given(st.integers(0, 1000), st.floats(0.001, 0.02), st.floats(1.1, 3))
def test_more_noise_widens_the_interval(seed, sigma, more):
    at = AT[::12]
    calm, wild = (
        exhaustion(at, 0.5 + 0.01 * at / HOUR + s * noise(seed, len(at)), 1.0, DAY)
        for s in (sigma, sigma * more)
    )
    assert calm is not None
    if wild is not None:  # else it is not sure any more that there is a trend
        assert wild.longest - wild.shortest > calm.longest - calm.shortest


@pytest.mark.parametrize("together", [0.0, 0.5, 0.9])
def test_noise_without_trend_is_given_one_as_rarely_as_promised(together):
    alpha, windows = 0.05, 400
    found = [
        exhaustion(AT, noise(seed, len(AT), together), 4.0, 1e9, alpha) for seed in range(windows)
    ]
    rate = sum(one is not None for one in found) / windows
    assert rate <= alpha + 2 * np.sqrt(alpha * (1 - alpha) / windows)


def test_the_interval_holds_what_it_promises():
    inside = 0
    for seed in range(200):
        found = exhaustion(AT, rising(0.02, seed), 1.0, DAY, alpha=0.1)
        assert found is not None
        # The last value stands at the end of the 40th hour, less one step.
        inside += found.shortest <= 10 * HOUR + 300 <= found.longest
    assert inside >= 160


@pytest.mark.parametrize("together", [0.5, 0.9, 0.97])
def test_the_interval_holds_in_noise_that_hangs_together(together):
    inside = []
    for seed in range(150):
        level = 0.5 + 0.01 * AT / HOUR + 0.02 * noise(seed, len(AT), together)
        found = exhaustion(AT, level, 1.0, DAY, alpha=0.1)
        if found is not None:
            inside.append(found.shortest <= 10 * HOUR + 300 <= found.longest)
    assert len(inside) > 130
    assert np.mean(inside) >= 0.85


def test_what_is_about_to_run_out_may_do_so_at_once():
    found = exhaustion(AT, rising(0.01), 0.901, DAY)
    assert found is not None
    assert found.shortest == 0.0
    assert found.lead < HOUR


@pytest.mark.parametrize(
    "values",
    [np.full(len(AT), 0.5), 0.5 - 0.01 * AT / DAY, 0.1 + 1e-5 * AT / DAY],
    ids=["constant", "going away", "too far to see"],
)
def test_it_abstains(values):
    assert exhaustion(AT, values, 1.0, 1e12) is None


@given(st.integers(0, 10_000), st.integers(2, 300), st.floats(0, 0.95), st.floats(0, 0.1))
def test_what_is_not_heading_anywhere_is_given_no_trend(seed, instants, together, slope):
    at = 15.0 * np.arange(instants)
    values = noise(seed, instants, together) + slope * np.arange(instants)
    values[: instants // 4] = np.where(seed % 3, values[: instants // 4], np.rint(values[0]))
    if seed % 4 == 0:
        values[1::7] = np.nan
    seen = ~np.isnan(values)
    for limit in (-100.0, 100.0):
        found = exhaustion(at[seen], values[seen], limit, DAY)
        assert found is None or heading(values[:, None])[0]


def test_few_levels_that_only_waver_are_heading_somewhere():
    calm = np.array([noise(seed, 240) for seed in range(400)]).T
    assert heading(calm).mean() < 0.03
    assert heading(np.tile(rising(0.01)[:, None], 3)).all()
    assert not heading(np.full((240, 2), 5.0)).any()


@given(
    st.integers(0, 10_000),
    st.integers(20, 300),
    st.integers(2, 300),
    st.floats(0.0, 0.95),
    st.floats(0.3, 1.0),
    st.sampled_from([1.0, -1.0]),
)
def test_after_a_step_only_what_follows_it_counts(seed, before, after, together, drop, sign):
    """Whatever a level did before it was cleared, it is foretold as if it had begun then."""
    rest = noise(seed, before + after, together)
    at: Array = 300.0 * np.arange(before + after)
    head = np.linspace(0.2, 0.5 + drop, before)
    tail = head[-1] - drop + 1e-5 * (at[before:] - at[before])
    values = sign * (np.append(head, tail) + 0.002 * rest)
    limit = sign * 3.0
    found = exhaustion(at, values, limit, DAY)
    assert found == exhaustion(at[before:], values[before:], limit, DAY)
    if found is not None:
        assert heading(values[:, None])[0]


@given(st.integers(0, 10_000), st.integers(40, 400), st.floats(0.0, 0.01))
def test_two_values_after_a_clearing_end_its_alert(seed, before, sigma):
    at: Array = 15.0 * np.arange(before + 2)
    level = 0.5 + 0.4 * at / at[-1] + sigma * noise(seed, len(at))
    assert exhaustion(at[:-2], level[:-2], 1.0, DAY) is not None
    level[-2:] -= 0.3
    assert exhaustion(at, level, 1.0, DAY) is None


def test_a_clearing_that_takes_a_while_is_a_step_too():
    level = np.concatenate([np.linspace(0.5, 0.95, 200), np.linspace(0.9, 0.4, 10)])
    level = np.append(level, 0.4 + 0.0001 * np.arange(30))
    at: Array = np.arange(len(level), dtype=np.float64) * 15
    assert exhaustion(at[:200], level[:200], 1.0, DAY) is not None
    assert exhaustion(at, level + 0.001 * noise(0, len(at)), 1.0, DAY) is None


def test_what_is_cleared_again_and_again_runs_out_only_beyond_where_it_ever_was():
    tooth = 0.5 + 0.4 * np.arange(60) / 60
    at: Array = np.arange(0.0, 14_400.0, 60.0)
    teeth = np.tile(tooth, 4) + 0.002 * noise(0, 240)
    assert exhaustion(at, teeth, 1.0, DAY) is None
    once = exhaustion(at[:120], teeth[120:], 1.0, DAY)
    assert once is not None
    assert once.lead == pytest.approx(15 * 60, rel=0.1)
    higher = np.append(teeth[:180], 0.5 + 0.45 * np.arange(60) / 60)
    assert exhaustion(at, higher, 1.0, DAY) is not None


def test_a_single_instant_is_no_trend():
    assert exhaustion(AT[:1], np.array([0.9]), 1.0, DAY) is None


def window(**levels):
    """Return a window of one host, two thirds of it baseline."""
    signals = tuple(Signal(Node("db1", name.replace("__", "."))) for name in levels)
    frame = pl.DataFrame(
        {"time": [START + timedelta(seconds=s) for s in AT]}, pl.Schema({"time": TIME})
    ).with_columns(
        pl.Series(str(signal.node), values)
        for signal, values in zip(signals, levels.values(), strict=True)
    )
    end = frame["time"][-1]
    return Window(signals, frame[:320], frame[320:], 300.0, end, end)


def test_only_what_can_run_out_is_foreseen_with_its_evidence():
    full = "system__filesystem__utilization/var"
    found = TrendPredictor().predict(
        window(**{full: rising(0.01), "system__cpu__load": rising(0.01)})
    )
    (one,) = found
    assert (one.entity, one.failure, one.source) == ("db1", "disk-full", "trend")
    assert one.evidence == (Node("db1", "system.filesystem.utilization/var"),)
    assert one.since == START
    assert one.calibration == "uncalibrated"
    assert one.lead_time_interval is not None
    shortest, longest = one.lead_time_interval
    assert shortest <= one.lead_time_seconds <= longest


def test_what_was_cleared_heads_there_only_since():
    level = np.append(rising(0.001)[:320], 0.3 + 0.01 * AT[:160] / HOUR)
    (one,) = TrendPredictor().predict(window(system__filesystem__utilization=level))
    assert one.since == START + timedelta(seconds=AT[320])
