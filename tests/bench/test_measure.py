"""Bundles moved in time, call graphs changed, and one incident measured from end to end."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.incident.bundle import read_bundle
from diagnose.incident.window import make_window
from tests.bench.measure import Job, measure_set
from tests.bench.records import AITIA
from tests.bench.shape import shape_of
from tests.bench.variants import (
    ASKED,
    EARLY,
    LATE,
    ON_TIME,
    RANDOM,
    REVERSED,
    graphs_of,
    in_time,
    random_calls,
)
from tests.frames import incident, put, series


@pytest.fixture
def bundle(tmp_path):
    rng = np.random.default_rng(3)
    metrics = pl.concat(
        series(entity, name, [*rng.normal(size=40), *(far + rng.normal(size=8))])
        for entity, far in (("web", 9.0), ("db", 40.0))
        for name in ("latency", "cpu")
    )
    facts = incident(
        alert=42 * 60,
        as_of=47 * 60,
        symptom={"entity": "web", "signal": "latency"},
        topology=[["web", "db"]],
    )
    return put(tmp_path / "made", facts, metrics, truth={"root_causes": [{"entity": "db"}]})


def test_alert_and_question_move_together(bundle):
    found = dict(in_time(bundle))
    minute = timedelta(minutes=1)
    on_time = found[ON_TIME]
    for name, shift in ((EARLY, -minute), (LATE, minute)):
        assert found[name].alert_time == on_time.alert_time + shift
        assert found[name].as_of == on_time.as_of + shift
    assert found[ASKED[0]].as_of == on_time.alert_time
    assert ASKED[15] not in found  # the bundle ends before


def test_nothing_is_read_after_the_question(bundle):
    for moved in dict(in_time(bundle)).values():
        assert moved.readings.select(pl.col("time").max()).collect().item() <= moved.as_of


def test_other_graphs_have_as_many_calls(bundle):
    read = read_bundle(bundle)
    kinds = [(kind, other.topology) for kind, other in graphs_of(read)]
    assert kinds[0] == (REVERSED, (("db", "web"),))
    assert {kind for kind, _ in kinds[1:]} == {RANDOM}
    assert all(len(calls) == 1 for _, calls in kinds)
    assert kinds == [(kind, other.topology) for kind, other in graphs_of(read)]


@given(st.integers(0, 1000), st.integers(2, 9))
def test_random_calls_are_as_many_and_have_no_cycle(seed, entities):
    calls = tuple((f"e{i}", f"e{i + 1}") for i in range(entities - 1))
    drawn = random_calls(calls, np.random.default_rng(seed))
    assert len(set(drawn)) == len(calls)
    left = set(drawn)
    while left:
        callers = {caller for caller, _ in left}
        ends = {call for call in left if call[1] not in callers}
        assert ends
        left -= ends


def test_shape_knows_no_value(bundle):
    file = bundle / "metrics.parquet"
    before = shape_of(read_bundle(bundle), make_window(read_bundle(bundle)))
    metrics = pl.read_parquet(file)
    metrics.with_columns(pl.col("value").shuffle(seed=1) * 7).write_parquet(file)
    after = shape_of(read_bundle(bundle), make_window(read_bundle(bundle)))
    assert after == before


def test_one_incident_from_end_to_end(bundle):
    found = measure_set(Job("made", (bundle,), "none", None))
    (measured,) = found.bundles
    assert not found.failed
    assert found.peak_mebibytes > 100
    assert measured.incident
    assert not measured.pairs
    assert measured.found[ON_TIME]["n-sigma"].tolist() == [1, 1, 1, 1, 1]
    assert measured.found[EARLY].keys() == measured.found[LATE].keys()
    assert AITIA in measured.found[LATE]
    assert AITIA in measured.abnormal
    assert measured.expected is not None
    assert measured.expected[0] == 0.5
    assert measured.stages["all"] >= measured.stages["detect"]


def test_a_bundle_that_cannot_be_read_is_told_and_not_scored(bundle, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "truth.json").write_text('{"root_causes": []}')
    found = measure_set(Job("made", (broken,), "none", None))
    assert found.bundles == ()
    assert found.failed[0][0] == "broken"
