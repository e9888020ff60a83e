"""Several predictors as one, and the floor that knowledge lays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from diagnose.schema import TIME, Kind, Node, Prediction, Signal, Window
from models.disks.predictor import SIGNALS, DiskPredictor, earliest
from models.disks.stored import load, told
from models.kinds import kind_of_metric, kind_of_template
from models.predictor import Predictors, every_predictor, joined
from models.silence import SilencePredictor, silent_since
from models.thresholds import LIMITS, NOMINAL, ThresholdPredictor
from models.trend import TrendPredictor

START = datetime(2026, 1, 1, tzinfo=UTC)
PENDING = Node("db1/sda", "hw.physical_disk.current_pending_sectors")
POWER_ON = Node("db1/sda", "hw.physical_disk.power_on_hours")


def window(levels, step=3600.0, source="metric"):
    """Return a window of signals, half of it baseline."""
    (length,) = {len(values) for values in levels.values()}
    frame = pl.DataFrame(
        {"time": [START + timedelta(seconds=step * i) for i in range(length)]},
        pl.Schema({"time": TIME}),
    ).with_columns(pl.Series(str(node), values, pl.Float64) for node, values in levels.items())
    end = frame["time"][-1]
    half = length // 2
    signals = tuple(Signal(node, kind_of_metric(node.signal), source) for node in levels)
    return Window(signals, frame[:half], frame[half:], step, end, end)


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


# A signal of each kind that a limit is about, where the limit names no signal.
SHOWN = {
    "memory corrected errors": "hw.memory.corrected_errors/mc0",
    "memory uncorrected errors": "hw.memory.uncorrected_errors/mc0",
    "cpu temperature": "hw.temperature/coretemp/Core 0",
    "memory temperature": "dimm_temp_celsius/slot=A1",
    "inlet air temperature": "hw.temperature/Inlet Temp",
    "disk temperature": "hw.physical_disk.temperature",
    "gpu temperature": "hw.gpu.temperature",
    "cpu thermal throttling": "node_cpu_package_throttles_total/package=0",
    "fan speed": "hw.fan.speed/FAN1",
    "hw.status": "hw.status/PSU1 Status",
}
NUMBERS = [limit for limit in LIMITS if "log message" not in limit.signal]


@pytest.mark.parametrize("limit", NUMBERS, ids=lambda limit: f"{limit.signal} {limit.severity}")
def test_a_value_beyond_its_limit_is_announced_since_it_passed(limit):
    fine, bad = limit.value, limit.value + (-0.01 if limit.below else 1)
    if limit.within_hours:
        fine, bad = 7.0, 7.0 + limit.value + 1  # what was counted before the window is history
    node = Node("db1/sda", SHOWN.get(limit.signal, limit.signal))
    found = ThresholdPredictor((limit,)).predict(window({node: [fine] * 6 + [bad] * 4}))
    assert [one.evidence for one in found] == [(node,)]
    assert found[0].failure == (limit.failure or "power-failure")
    assert found[0].probability == NOMINAL[limit.severity]
    assert found[0].since == START + timedelta(hours=6)
    assert found[0].calibration == "uncalibrated"
    assert not ThresholdPredictor((limit,)).predict(window({node: [fine] * 10}))


def test_what_is_counted_is_forgotten_after_a_day():
    node = Node("db1", "hw.memory.corrected_errors/mc0")
    rate = [0.0] * 5 + [11 / 3600] + [0.0] * 30
    assert ThresholdPredictor().predict(window({node: rate[:20]}, source="counter"))
    assert not ThresholdPredictor().predict(window({node: rate}, source="counter"))


def test_a_fan_that_never_turned_is_not_there():
    fan = Node("db1", "hw.fan.speed/FAN2")
    assert ThresholdPredictor().predict(window({fan: [0.0] * 10})) == ()


def test_a_level_in_another_unit_is_not_compared():
    fahrenheit = Signal(PENDING, Kind("cpu temperature", "degF", "hardware"))
    hot = window({PENDING: [0.0] * 9 + [150.0]})
    hot = replace(hot, signals=(fahrenheit,))
    assert not [o for o in ThresholdPredictor().predict(hot) if o.failure == "overheating"]


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("hw.status/FAN3 Redundancy", "fan-failure"),
        ("hw.status/PS2 Input", "power-failure"),
        ("hw.status/DIMM_B2", "memory-failure"),
        ("hw.status/Drive Slot 1", "disk-failure"),
        ("hw.status/CPU1 Temp", "overheating"),
        ("hw.status/Watchdog", "hardware-failure"),
    ],
)
def test_the_name_of_a_part_says_how_it_fails(name, failure):
    (found,) = ThresholdPredictor().predict(window({Node("db1", name): [0.0] * 5 + [1.0] * 5}))
    assert (found.failure, found.probability) == (failure, NOMINAL["warning"])


def test_a_line_about_broken_hardware_announces_it():
    line = Node("db1", "log/ERROR/mce: Hardware Error <*>")
    told = window({line: [0.0] * 8 + [2.0, 0.0]})
    signal = Signal(line, kind_of_template("ERROR", "mce: Hardware Error <*>"), "template")
    (found,) = ThresholdPredictor().predict(replace(told, signals=(signal,)))
    assert (found.failure, found.since) == ("hardware-failure", START + timedelta(hours=8))


@pytest.mark.parametrize("values", [[0.0] * 10, [None] * 10, [5.0] * 9 + [0.0]])
def test_a_disk_within_its_limits_announces_nothing(values):
    assert ThresholdPredictor().predict(window({PENDING: values})) == ()


@pytest.fixture(scope="module")
def disks():
    model, card = load()
    return DiskPredictor(model, told(card))


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
    assert "on disks kept apart, average precision" in found.card
    assert found.probability > 0.05
    assert PENDING in found.evidence or Node("db1/sda", SIGNALS["smart_187"]) in found.evidence
    assert found.since == START + timedelta(hours=24)


def test_the_floor_holds_whatever_the_others_say(disks):
    failing = window({PENDING: [0.0] * 24 + [1.0] * 24})
    every = Predictors((disks, TrendPredictor(), ThresholdPredictor())).predict(failing)
    (floor,) = ThresholdPredictor().predict(failing)
    (found,) = [one for one in every if (one.entity, one.failure) == ("db1/sda", "disk-failure")]
    assert found.probability >= floor.probability


def test_a_disk_says_by_when_one_in_ten_has_failed():
    assert earliest(np.array([0.01, 0.07, 0.1])) == pytest.approx(24 * 3600)
    assert earliest(np.array([0.0, 0.0, 0.3])) == pytest.approx((168 + 55.2) * 3600)


LATENCY = Node("web/shop", "http.server.request.duration")
RISING = [0.1 + 0.002 * i + 0.001 * (i % 5) for i in range(96)]


def test_a_service_that_gets_slower_is_foreseen_before_it_is_slow():
    (found,) = every_predictor().predict(window({LATENCY: RISING}))
    assert (found.failure, found.source) == ("service-degradation", "trend")
    assert found.lead_time_interval is not None
    shortest, longest = found.lead_time_interval
    assert 0 < shortest <= found.lead_time_seconds <= longest
    assert every_predictor().predict(window({LATENCY: RISING[::-1]})) == ()


SPEED = Node("db1", "hw.fan.speed/FAN1")
CORE = Node("db1", "hw.temperature/coretemp/Core 0")


def test_a_fan_that_wears_and_what_it_should_cool_are_foreseen():
    falling = [9000.0 - 50 * i + 20 * (i % 3) for i in range(96)]
    rising = [50 + 0.3 * i + (i % 4) for i in range(96)]
    found = every_predictor().predict(window({SPEED: falling, CORE: rising}))
    assert {one.failure for one in found} == {"fan-failure", "overheating"}
    assert all(one.since == START and one.lead_time_interval for one in found)


def test_who_stops_reporting_is_evidence():
    other = Node("db1", "system.cpu.load")
    gpu = Node("db1/gpu-0", "hw.gpu.power")
    found = SilencePredictor().predict(
        window({PENDING: [0.0] * 10 + [None] * 8, gpu: [1.0] * 18, other: [1.0, None] * 9})
    )
    assert [(one.entity, one.failure) for one in found] == [("db1/sda", "disk-failure")]
    assert found[0].since == START + timedelta(hours=10)
    assert found[0].evidence == (Node("db1/sda", "telemetry.absent"),)
    silent = [1.0] * 10 + [None] * 8
    (host,) = SilencePredictor().predict(window({PENDING: silent, gpu: silent, other: silent}))
    assert (host.entity, host.failure) == ("db1", "outage")


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_silence_lasts_to_the_end_and_longer_than_ever(seen):
    since = silent_since(np.array(seen))
    if since is not None:
        assert not any(seen[since:])
        assert seen[since - 1]
        runs = "".join(map(str, map(int, seen[:since]))).strip("0").split("1")
        assert len(seen) - since > max(map(len, runs))


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
