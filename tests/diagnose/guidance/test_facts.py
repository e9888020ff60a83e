"""What becomes a fact: what moved, where to, and nothing of a sender's words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.guidance.facts import facts_of, facts_of_prediction, kind_of
from diagnose.schema import (
    Anomaly,
    CausalGraph,
    Diagnosis,
    Edge,
    Kind,
    Node,
    Prediction,
    RootCause,
    Signal,
)
from tests.frames import at, window

FAN, HEAT = Node("db1", "ipmi_fan_speed_rpm"), Node("db1", "ipmi_temperature_celsius")
DEPLOY = Signal(Node("web", "change/deploy"), Kind("change: deployment"), "change")
ERRORS = Signal(Node("web", "log/ERROR/x"), Kind("error log message"), "template")


def diagnosis(*causes, anomalies=(), **more):
    found = tuple(RootCause(entity, signal, share) for entity, signal, share in causes)
    rest = 1 - sum(cause.probability for cause in found)
    return Diagnosis("inc-1", HEAT, found, rest, anomalies=anomalies, **more)


def moved(facts):
    return {fact.node: fact.direction for fact in facts.signals}


def test_an_anomaly_moved_where_it_was_seen():
    seen = (Anomaly(FAN, at(0), 9.0, 5.0, 4000, 0), Anomaly(HEAT, at(0), 9.0, 5.0, 40, 90))
    facts = facts_of(diagnosis(("db1", FAN.signal, 0.6), anomalies=seen))
    assert moved(facts) == {FAN: "down", HEAT: "up"}
    assert {fact.kind.name for fact in facts.signals} == {"fan speed", "hardware temperature"}


def test_the_accused_are_entities_and_the_least_likely_are_left_out():
    causes = [("a", "x", 0.5), ("b", "x", 0.3), ("a", "y", 0.1), ("c", "x", 0.001)]
    facts = facts_of(diagnosis(*sorted(causes, key=lambda cause: -cause[2])))
    assert [entity for entity, _ in facts.accused] == ["a", "b"]
    assert facts.accused[0][1] == pytest.approx(0.6)


def test_space_used_rises_as_what_is_free_falls():
    free = Node("db1", "node_filesystem_avail_bytes/mountpoint=/")
    used = Node("db1", "disk_used_percent")
    seen = (Anomaly(free, at(0), 9.0, 5.0, 9e9, 0), Anomaly(used, at(0), 9.0, 5.0, 50, 99))
    facts = facts_of(diagnosis(("db1", free.signal, 0.6), anomalies=seen))
    assert moved(facts) == {free: "up", used: "up"}
    assert {fact.kind.name for fact in facts.signals} == {"file system space used"}


def test_the_best_verdict_of_an_edge_is_kept():
    node = Node("db1", "z")
    edges = (
        Edge(FAN, HEAT, "model", "tier", "refuted", 0.9, 50.0),
        Edge(FAN, node, "model", "tier", "supported", 0.01, 50.0),
    )
    graph = CausalGraph((FAN, HEAT, node), edges)
    facts = facts_of(diagnosis(("db1", FAN.signal, 0.6), graph=graph))
    assert [fact.verdict for fact in facts.signals] == ["supported"]


def test_what_left_its_range_for_a_while_is_a_fact_and_noise_is_not():
    rng = np.random.default_rng(3)
    past, now = rng.normal(100, 1, (200, 3)), rng.normal(100, 1, (20, 3))
    now[8:, 0] += 20
    now[8:, 1] -= 20
    facts = facts_of(diagnosis(("db1", "s2", 0.05)), window(past, now))
    assert moved(facts) == {Node("db1", "s0"): "up", Node("db1", "s1"): "down"}


def test_the_answer_is_a_fact_however_little_it_moved():
    past, now = np.linspace(99, 101, 50)[:, None], np.full((10, 1), 100.5)
    facts = facts_of(diagnosis(("db1", "s0", 0.6)), window(past, now))
    assert moved(facts) == {Node("db1", "s0"): "up"}
    assert facts_of(diagnosis(("db1", "s0", 0.05)), window(past, now)).signals == ()


def test_one_change_is_a_fact_though_there_was_one_before():
    past, now = np.zeros((50, 2)), np.zeros((10, 2))
    past[20, 0] = now[3, 0] = 1
    facts = facts_of(diagnosis(("web", "x", 0.6)), window(past, now, signals=(DEPLOY, ERRORS)))
    assert moved(facts) == {DEPLOY.node: "up"}


def test_one_line_that_was_never_written_before_is_a_fact():
    past, now = np.zeros((50, 2)), np.zeros((10, 2))
    now[3, 1] = 1
    facts = facts_of(diagnosis(("web", "x", 0.6)), window(past, now, signals=(DEPLOY, ERRORS)))
    assert moved(facts) == {ERRORS.node: "up"}


def test_a_gap_is_no_movement():
    past, now = np.full((50, 1), 5.0), np.full((10, 1), np.nan)
    assert facts_of(diagnosis(("db1", "s0", 0.6)), window(past, now)).signals == ()


def test_evidence_of_a_prediction_has_no_direction():
    evidence = (Node("db1", "smart_5_raw"),)
    prediction = Prediction("db1", "disk-failure", 0.7, 86_400.0, at(0), evidence)
    facts = facts_of_prediction(prediction)
    assert facts.accused == (("db1", 0.7),)
    assert [(f.kind.name, f.direction) for f in facts.signals] == [
        ("disk reallocated sectors", None)
    ]


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        ("log/ERROR/no space left on device", "error log message about no disk space"),
        ("log/WARN", "warning log message"),
        ("change/deploy", "change: deployment"),
        ("telemetry.absent", "missing telemetry"),
        ("redis_up", "data store state"),
    ],
)
def test_a_name_tells_what_a_signal_is(signal, kind):
    assert kind_of(Node("web", signal)).name == kind


@given(st.text(max_size=300), st.sampled_from(["log/ERROR/", "change/"]))
def test_no_word_of_a_message_becomes_a_fact(text, source):
    node = Node("web", source + text)
    seen = (Anomaly(node, at(0), 9.0, 5.0, 0, 5),)
    facts = facts_of(diagnosis(("web", node.signal, 0.6), anomalies=seen))
    assert [fact.words for fact in facts.signals] == [""]
