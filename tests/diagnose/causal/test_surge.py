"""Whether more demand from outside is what the symptom is about, and where it came in."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.causal.surge import PEAK, surge
from diagnose.schema import Anomaly, Diagnosis, Kind, Node, RootCause, Signal
from diagnose.story import tell
from models.demand import new_demand
from tests.frames import window

NAMES = ("customers", "front", "shop", "store")
CALLS = (("customers", "front"), ("front", "shop"), ("shop", "store"))
SYMPTOM = Node("front", "latency")


def asked(times, calls=CALLS):
    """Return a window in which each entity is asked ``times`` as often as before."""
    signals = tuple(
        Signal(Node(name, "requests"), Kind("request rate", load=True)) for name in NAMES
    )
    seen = window(np.full((60, 4), 10.0), 10.0 * np.tile(times, (12, 1)), signals=signals)
    return replace(seen, topology=calls)


def test_demand_that_rose_all_the_way_is_told_of_where_it_came_in():
    share = (0.9 - PEAK) / (1 - PEAK)
    found = surge(asked([10, 10, 10, 10]), SYMPTOM, hop=0.9)
    assert found == {"customers": pytest.approx(share * share * 0.9)}


def test_it_reaches_a_symptom_through_who_is_slow_below():
    far = surge(asked([10, 10, 10, 10], (("customers", "shop"), ("front", "shop"))), SYMPTOM, 0.9)
    near = surge(asked([10, 10, 10, 10]), SYMPTOM, 0.9)
    assert 0 < far["customers"] < near["customers"]


@pytest.mark.parametrize(
    ("times", "calls", "why"),
    [
        ([1, 1, 1, 1], CALLS, "nothing rose"),
        ([1.8, 1.8, 1.8, 1.8], CALLS, "a day's peak"),
        ([1, 1, 10, 10], CALLS, "shop, whom somebody calls, asks more of its own accord"),
        ([0, 0, 0, 0], CALLS, "nobody asks any more"),
        ([10, 1, 1, 1], CALLS, "it was not handed on"),
        ([10, 10, 10, 10], (), "no calls are known"),
    ],
)
def test_nothing_else_is_a_surge(times, calls, why):
    assert not any(surge(asked(times, calls), SYMPTOM, hop=0.9).values()), why


def test_a_symptom_of_whom_no_calls_are_known_is_no_error():
    assert surge(asked([10, 10, 10, 10]), Node("elsewhere", "latency"), hop=0.9) == {}


@given(st.floats(0.1, 100), st.floats(0.1, 1000))
def test_new_demand_is_a_share_and_does_not_depend_on_units(times, unit):
    plain = new_demand(asked([times] * 4))
    scaled = asked([times] * 4)
    columns = [str(signal.node) for signal in scaled.signals]
    scaled = replace(
        scaled,
        baseline=scaled.baseline.with_columns(scaled.baseline.select(columns) * unit),
        recent=scaled.recent.with_columns(scaled.recent.select(columns) * unit),
    )
    assert new_demand(scaled) == pytest.approx(plain)
    assert all(0 <= share < 1 for share in plain.values())


def test_before_the_alert_no_demand_is_new():
    seen = asked([10, 10, 10, 10])
    early = replace(seen, alert_time=seen.as_of, recent=seen.recent.head(5))
    assert new_demand(early) == {}


def test_the_story_says_how_much_more_is_asked_and_of_whom():
    window = asked([10, 8, 6, 4])
    cause = RootCause("customers", "requests", 0.9)
    path = dict(told(window, cause))["Path"]
    assert "customers, 10 times" in path[0]
    assert "front (8 times), shop (6 times), store (4 times)" in path[0]
    other = dict(told(window, RootCause("shop", "requests", 0.9)))["Path"]
    assert not any("times" in sentence for sentence in other)


def told(window, cause):
    anomaly = Anomaly(cause.node, window.alert_time, 9.0, 9.0)
    found = Diagnosis(
        "surge",
        root_causes=(cause,),
        other_probability=0.1,
        symptom=SYMPTOM,
        anomalies=(anomaly,),
        alert_time=window.alert_time,
        as_of=window.as_of,
    )
    return [(paragraph.title, paragraph.sentences) for paragraph in tell(found, window)]


def test_demand_that_was_never_seen_before_is_not_known_to_be_new():
    seen = asked([10, 10, 10, 10])
    front = str(Node("front", "requests"))
    unseen = pl.lit(None, pl.Float64).alias(front)
    share = new_demand(replace(seen, baseline=seen.baseline.with_columns(unseen)))
    assert "front" not in share
    assert share["shop"] == pytest.approx(0.9)
