"""A recorded incident told again, on a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors import replay
from collectors.replay import Replay
from diagnose.schema import EDGES, LOGS, READINGS

BUNDLE = Path(__file__).parent.parent / "incidents" / "02_cpu_hog"
START = datetime(2027, 5, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


def recorded(_=None):
    clock = Clock()
    collector = Replay(BUNDLE, clock)
    list(collector.collect(LONG_AGO))
    clock.now += timedelta(minutes=5)
    return collector


def tables(given_frames):
    frames = list(given_frames)
    return {
        name: pl.concat([schema.to_frame(), *(f for f in frames if f.schema == schema)])
        for name, schema in (("readings", READINGS), ("logs", LOGS), ("edges", EDGES))
    }


def test_rows_come_as_long_after_the_start_as_they_were_recorded():
    clock = Clock()
    collector = Replay(BUNDLE, clock)
    list(collector.collect(LONG_AGO))
    clock.now += timedelta(minutes=2)
    told = tables(collector.collect(LONG_AGO))
    kept = pl.read_parquet(BUNDLE / "metrics.parquet")
    early = kept.filter(pl.col("time") <= pl.col("time").min() + timedelta(minutes=2))
    at_once = kept.filter(pl.col("time") == pl.col("time").min())
    assert told["readings"]["time"].is_between(START, clock.now).all()
    assert told["readings"].height == early.height - at_once.height
    assert told["edges"].height > 0


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 900), min_size=1, max_size=6))
def test_each_row_once_however_often_it_is_asked(steps):
    clock = Clock()
    collector = Replay(BUNDLE, clock)
    parts = tables(collector.collect(LONG_AGO))
    for seconds in [*steps, 36_000]:
        clock.now += timedelta(seconds=seconds)
        again = Replay(BUNDLE, clock)  # another process goes on
        again.cursor = collector.cursor
        collector = again
        more = tables(collector.collect(LONG_AGO))
        parts = {name: pl.concat([parts[name], more[name]]) for name in parts}
    assert parts["readings"].height == pl.read_parquet(BUNDLE / "metrics.parquet").height
    assert parts["logs"].height == pl.read_parquet(BUNDLE / "logs.parquet").height


def test_a_reader_that_stops_half_way_goes_on_there(monkeypatch):
    monkeypatch.setattr(replay, "BATCH", 1000)
    collector = recorded()
    first = next(collector.collect(LONG_AGO))
    rest = tables(collector.collect(LONG_AGO))["readings"]
    told = pl.concat([first, rest])
    assert first.height == 1000
    assert told.height == told.unique().height


def test_a_bundle_that_is_gone_is_said(tmp_path):
    with pytest.raises((OSError, ValueError), match=r"."):
        list(Replay(tmp_path).collect(LONG_AGO))
