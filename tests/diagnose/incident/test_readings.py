"""Readings on a regular step: laws of alignment, of rates and of the clock."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.incident.readings import (
    ABSURD,
    Span,
    align,
    batches,
    collected,
    counters,
    phase_of,
    rates,
    span_between,
)
from diagnose.schema import Failure, Node
from tests.frames import at, readings

STEP = timedelta(seconds=60)
SPAN = Span(at(0), 10, STEP)
nan = float("nan")
rows = st.lists(
    st.tuples(
        st.integers(-600, 1200), st.sampled_from("ab"), st.sampled_from(["x", "y"]), st.floats()
    ),
    max_size=40,
)


@given(rows)
def test_every_number_was_read_near_its_instant(given_rows):
    nodes, values = align(readings(*given_rows).lazy(), SPAN)
    assert nodes == sorted(nodes)
    for (i, j), value in np.ndenumerate(values):
        near = [
            v
            for s, e, x, v in given_rows
            if Node(e, x) == nodes[j] and -30 <= s - 60 * i < 30 and abs(v) <= ABSURD
        ]
        assert (value in near) if near else np.isnan(value)


@pytest.mark.parametrize(
    ("read", "shown"),
    [
        ([0.0, 0.0, 0.0, 5.0, 9.0], 0.0),  # the median of what was read, not of distinct values
        ([3.0, 1.0], 1.0),
        ([nan, 2.0, float("inf"), -1e300], 2.0),
    ],
)
def test_a_step_shows_the_lower_median(read, shown):
    _, values = align(readings(*((i, "a", "x", v) for i, v in enumerate(read))).lazy(), SPAN)
    assert values[0, 0] == shown


def test_a_step_of_a_counter_shows_its_greatest_value():
    _, values = align(readings((0, "a", "x_total", 7.0), (1, "a", "x_total", 9.0)).lazy(), SPAN)
    assert values[0, 0] == 9


@given(st.lists(st.floats(0, 1e9) | st.just(nan), min_size=2, max_size=30))
def test_a_rate_is_never_negative_and_a_gap_stays_a_gap(counts):
    column = np.array(counts)[:, None]
    rate = rates(column, 1.0)
    assert (rate[~np.isnan(rate)] >= 0).all()
    assert np.isnan(rate[np.isnan(column[1:])]).all()


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30), st.data())
def test_the_rates_of_a_counter_sum_to_its_growth_whatever_is_missing(steps, data):
    count = np.cumsum(steps)
    missing = data.draw(st.sets(st.integers(1, len(count) - 2))) if len(count) > 2 else set()
    count[list(missing)] = nan
    rate = rates(count[:, None], 60.0)[:, 0]
    seen = np.flatnonzero(~np.isnan(count))
    grown = np.nansum(rate[seen[1:] - 1] * np.diff(seen) * 60)
    assert grown == pytest.approx(count[seen[-1]] - count[seen[0]], rel=1e-9, abs=1e-3)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([10, 20, 5, 15], [10, 5, 10]),  # a restart
        ([1000, 999.9, 1001], [0, 1.1]),  # a correction
        ([nan, 3, 5], [nan, 2]),  # the first value tells nothing
        ([0, nan, nan, 6], [nan, nan, 2]),
    ],
)
def test_rates_of_restarts_corrections_and_gaps(counts, expected):
    np.testing.assert_allclose(rates(np.array(counts, float)[:, None], 1.0)[:, 0], expected)


def test_a_name_makes_a_counter_only_while_the_values_agree():
    up, down = np.arange(200.0), np.tile([5.0, 1.0], 100)
    nodes = [Node("a", name) for name in ("x_total", "queue_count", "x_total/code=500", "gauge")]
    values = np.column_stack([up, down, up, up])
    assert counters(nodes, values).tolist() == [True, False, True, False]


@given(st.integers(0, 59), st.integers(1, 100))
def test_instants_lie_where_readings_are_taken(offset, rounds):
    table = readings(*((60 * i + offset, "a", "x", 1.0) for i in range(rounds)))
    assert phase_of(table.lazy(), STEP) == timedelta(seconds=offset)


def test_the_phase_does_not_depend_on_what_is_repeated_or_strays():
    jitter = np.random.default_rng(0).normal(30, 1, 50)
    table = readings(*((60 * i + j, "a", "x", 1.0) for i, j in enumerate(jitter)))
    stray = readings(*[(0, "b", "x", 1.0)] * 500)
    phase = phase_of(pl.concat([table, stray]).lazy(), STEP)
    assert 27 < phase.total_seconds() < 33


@given(st.integers(-500, 500), st.integers(-500, 500), st.integers(1, 120), st.integers(0, 119))
def test_a_span_holds_the_instants_of_its_clock_and_no_other(start, length, step, phase):
    pace = timedelta(seconds=step)
    span = span_between(at(start), at(start + length), pace, timedelta(seconds=phase))
    times = span.times().to_list()
    assert len(times) == max(0, span.instants)
    assert all(at(start) <= time <= at(start + length) for time in times)
    epoch = at(0).timestamp()
    expected = [s for s in range(start, start + length + 1) if (epoch + s - phase) % step == 0]
    assert times == [at(s) for s in expected]


def test_a_table_is_read_in_batches_even_when_empty(monkeypatch):
    monkeypatch.setattr("diagnose.incident.readings.BATCH", 3)
    table = readings(*((i, "a", "x", 1.0) for i in range(10)))
    assert pl.concat(batches(table.lazy())).equals(table)
    assert [batch.height for batch in batches(table.clear().lazy())][:1] == [0]


def test_a_damaged_file_is_told(tmp_path):
    file = tmp_path / "metrics.parquet"
    readings((0, "a", "x", 1.0)).write_parquet(file)
    table = pl.scan_parquet(file)
    table.collect_schema()
    file.unlink()
    for read in (collected, lambda lazy: list(batches(lazy))):
        with pytest.raises(Failure, match="cannot be read"):
            read(table)
