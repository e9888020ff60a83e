"""Several predictors as one, and the floor that knowledge lays."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from diagnose.schema import TIME, Node, Prediction, Signal, Window
from models.disks.predictor import SIGNALS, DiskPredictor
from models.disks.stored import load
from models.predictor import Predictors, joined
from models.thresholds import LIMITS, NOMINAL, ThresholdPredictor
from models.trend import TrendPredictor

START = datetime(2026, 1, 1, tzinfo=UTC)
PENDING = Node("db1/sda", "hw.physical_disk.current_pending_sectors")
POWER_ON = Node("db1/sda", "hw.physical_disk.power_on_hours")


def window(levels, step=3600.0):
    """Return a window of signals, half of it baseline."""
    (length,) = {len(values) for values in levels.values()}
    frame = pl.DataFrame(
        {"time": [START + timedelta(seconds=step * i) for i in range(length)]},
        pl.Schema({"time": TIME}),
    ).with_columns(pl.Series(str(node), values, pl.Float64) for node, values in levels.items())
    end = frame["time"][-1]
    half = length // 2
    return Window(tuple(map(Signal, levels)), frame[:half], frame[half:], step, end, end)


PREDICTIONS = st.lists(
    st.builds(
        Prediction,
        st.sampled_from(["a", "b"]),
        st.sampled_from(["disk", "fan"]),
        st.floats(0, 1),
        st.just(60.0),
        st.just(START),
        st.lists(st.builds(Node, st.just("a"), st.sampled_from("xyz")), max_size=2).map(tuple),
    )
)


@given(PREDICTIONS)
def test_one_failure_is_one_prediction_and_no_evidence_is_lost(predictions):
    found = joined(predictions)
    keys = [(one.entity, one.failure) for one in found]
    assert len(set(keys)) == len(keys)
    assert set(keys) == {(one.entity, one.failure) for one in predictions}
    for one in found:
        same = [p for p in predictions if (p.entity, p.failure) == (one.entity, one.failure)]
        assert one.probability == max(p.probability for p in same)
        assert set(one.evidence) == {node for p in same for node in p.evidence}
    assert [p.probability for p in found] == sorted((p.probability for p in found), reverse=True)


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.signal)
def test_a_value_beyond_its_limit_is_announced_since_it_passed(limit):
    fine, bad = limit.value, limit.value + (-0.01 if limit.below else 1)
    node = Node("db1/sda", limit.signal)
    (found,) = ThresholdPredictor().predict(window({node: [fine] * 6 + [bad] * 4}))
    assert (found.failure, found.evidence) == (limit.failure, (node,))
    assert found.probability == NOMINAL[limit.severity]
    assert found.since == START + timedelta(hours=6)
    assert found.calibration == "uncalibrated"


@pytest.mark.parametrize("values", [[0.0] * 10, [None] * 10, [5.0] * 9 + [0.0]])
def test_a_disk_within_its_limits_announces_nothing(values):
    assert ThresholdPredictor().predict(window({PENDING: values})) == ()


@pytest.fixture(scope="module")
def disks():
    return DiskPredictor(load()[0])


def test_a_disk_that_gains_pending_sectors_is_more_likely_to_fail(disks):
    healthy = {Node("db1/sda", signal): [0.0] * 48 for signal in SIGNALS.values()}
    failing = healthy | {
        PENDING: [0.0] * 24 + [16.0] * 24,
        Node("db1/sda", SIGNALS["smart_198"]): [0.0] * 24 + [16.0] * 24,
        Node("db1/sda", SIGNALS["smart_187"]): [0.0] * 24 + [4.0] * 24,
        POWER_ON: [10_000.0 + i for i in range(48)],
    }
    assert disks.predict(window(healthy)) == ()
    (found,) = disks.predict(window(failing))
    assert (found.entity, found.failure, found.source) == ("db1/sda", "disk-failure", "disks")
    assert found.probability > 0.05
    assert PENDING in found.evidence or Node("db1/sda", SIGNALS["smart_187"]) in found.evidence
    assert found.since == START + timedelta(hours=24)


def test_the_floor_holds_whatever_the_others_say(disks):
    failing = window({PENDING: [0.0] * 24 + [1.0] * 24})
    every = Predictors((disks, TrendPredictor(), ThresholdPredictor())).predict(failing)
    (floor,) = ThresholdPredictor().predict(failing)
    (found,) = [one for one in every if (one.entity, one.failure) == ("db1/sda", "disk-failure")]
    assert found.probability >= floor.probability


def test_a_host_without_disks_has_no_disk_that_fails(disks):
    assert disks.predict(window({Node("db1", "system.cpu.load"): [1.0] * 10})) == ()


@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_lead_time_interval_is_one_and_travels_as_json(first, second):
    ends = (min(first, second), max(first, second))
    told = Prediction("a", "disk", 0.5, first, START, lead_time_interval=ends, since=START)
    json = TypeAdapter(Prediction).dump_json(told)
    assert TypeAdapter(Prediction).validate_json(json) == told
    if first != second:
        with pytest.raises(ValueError, match="no interval"):
            Prediction("a", "disk", 0.5, first, START, lead_time_interval=ends[::-1])
