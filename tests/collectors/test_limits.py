"""What is remembered of series is bounded, and what is asked for is not forgotten."""

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from collectors.limits import ActiveSeries, Limits, in_time

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
PERIOD = timedelta(minutes=30)


@given(st.lists(st.integers(-100_000, 100_000)))
def test_rows_are_kept_or_counted(seconds):
    frame = pl.DataFrame({"time": [NOW + timedelta(seconds=s) for s in seconds]}).cast(
        {"time": pl.Datetime("us", "UTC")}
    )
    kept, rejected = in_time(frame, NOW, Limits(past=timedelta(hours=1)))
    assert kept.height + sum(rejected.values()) == len(seconds)
    assert rejected.get("too_old", 0) == sum(s < -3600 for s in seconds)
    assert rejected.get("too_far_in_future", 0) == sum(s > 600 for s in seconds)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=40))
def test_there_are_never_more_than_the_limit(asked):
    active: ActiveSeries[int, str] = ActiveSeries(4, PERIOD)
    now = NOW
    for key, periods in asked:
        now += periods * PERIOD / 2
        active.turn(now)
        known = active.get(key)
        assert known in (None, str(key))
        if known is None and active.add(key, str(key)):
            assert active.get(key) == str(key)
        assert len(active) <= 4


def test_what_is_asked_for_stays_and_the_rest_is_forgotten():
    active: ActiveSeries[str, int] = ActiveSeries(2, PERIOD)
    active.turn(NOW)
    assert active.add("kept", 1)
    assert active.add("left", 2)
    assert not active.add("more", 3)
    for period in range(1, 5):
        active.turn(NOW + period * PERIOD)
        assert active.get("kept") == 1
    assert active.get("left") is None
    assert active.add("more", 3)
