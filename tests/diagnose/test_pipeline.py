"""The flow with scripted roles, and the words that are made of what it returns."""

import re
from dataclasses import replace

import numpy as np
import pytest

from diagnose.pipeline import Roles, explain
from diagnose.schema import (
    Anomaly,
    Association,
    CausalGraph,
    Counterfactual,
    Edge,
    Intervention,
    Node,
    RootCause,
    Signal,
)
from diagnose.story import tell
from models.calibration import UNFITTED, Calibration
from tests.frames import at, window

FAN, HEAT = Node("db1", "hw.fan.speed"), Node("db1", "hw.temperature")
SIGNALS = (Signal(FAN), Signal(HEAT))
WINDOW = replace(window(np.zeros((9, 2)), np.ones((3, 2)), signals=SIGNALS), missing=("No log.",))
RANKING = (RootCause("db1", HEAT.signal, 0.6), RootCause("db1", FAN.signal, 0.3))
CAUSES = (RootCause("db1", FAN.signal, 0.7, (FAN, HEAT)), RootCause("db1", HEAT.signal, 0.2))
EDGE = Edge(FAN, HEAT, "model", "tier", "supported", 0.002, 180.0, 60.0, -0.4)
ANOMALIES = (Anomaly(HEAT, at(600), 9.0, 6.0, 41.0, 88.0),)


class Scripted:
    """Detector, ranker and proposer at once, each with a fixed answer."""

    def __init__(self, anomalies=ANOMALIES, edges=(EDGE,)):
        self.anomalies = anomalies
        self.edges = edges
        self.symptoms = []

    def detect(self, window, symptom):
        return self.anomalies

    def rank(self, window, symptom):
        return RANKING

    def propose(self, window, anomalies, symptom):
        self.symptoms.append(symptom)
        return CausalGraph((FAN, HEAT), self.edges)


def judge(graph, window):
    return replace(graph, verdict="supported", trust=0.8 if graph.edges else 0.0)


def attribute(graph, window, anomalies, ranking, symptom):
    return CAUSES if graph.trust else ranking


def roles(claimant, plain=None, calibration=UNFITTED):
    return Roles(
        claimant,
        claimant,
        claimant,
        plain,
        judge,
        attribute,
        lambda *_: (Association(FAN, -0.5, 60.0, 120.0),),
        lambda *_: (Intervention(FAN, 0.9, 0.7, 1.0),),
        lambda *_: (Counterfactual(FAN, refused="it never stood still before"),),
        lambda diagnosis, _: diagnosis,
        tell,
        calibration,
    )


def words(diagnosis):
    return {paragraph.title: " ".join(paragraph.sentences) for paragraph in diagnosis.story}


def test_the_graph_decides_and_the_ranking_without_it_stays_beside():
    diagnosis = explain("i1", WINDOW, roles(Scripted()), HEAT)
    assert diagnosis.root_causes == CAUSES
    assert diagnosis.ranking_without_graph == RANKING
    assert diagnosis.symptom == HEAT
    assert diagnosis.other_probability == pytest.approx(0.1)


def test_without_an_anomaly_it_abstains_and_still_says_what_moved_most():
    diagnosis = explain("i1", WINDOW, roles(Scripted(anomalies=())), HEAT)
    assert (diagnosis.root_causes, diagnosis.symptom, diagnosis.other_probability) == ((), None, 1)
    assert diagnosis.ranking_without_graph == RANKING
    assert words(diagnosis)["Answer"].startswith("No incident")
    assert words(diagnosis)["Missing"] == "No log."


def test_a_symptom_that_was_never_read_gives_way_to_the_worst_anomaly():
    claimant = Scripted()
    assert explain("i1", WINDOW, roles(claimant), Node("db1", "ghost")).symptom == HEAT
    assert claimant.symptoms == [HEAT]


def test_the_answer_without_the_model_is_always_beside():
    silent = Scripted(edges=())
    diagnosis = explain("i1", WINDOW, roles(Scripted(), plain=silent), HEAT)
    assert diagnosis.root_causes == CAUSES
    assert diagnosis.ranking_without_model == RANKING


def test_each_stage_is_timed_and_the_window_is_not_edited():
    before = WINDOW.baseline.clone(), WINDOW.recent.clone()
    diagnosis = explain("i1", WINDOW, roles(Scripted()), HEAT)
    stages = ["detect", "rank", "propose", "falsify", "attribute", "rungs", "advise"]
    assert list(diagnosis.duration_seconds) == stages
    assert (WINDOW.baseline.equals(before[0]), WINDOW.recent.equals(before[1])) == (True, True)


def test_the_story_names_cause_path_tests_and_the_three_rungs():
    told = words(explain("i1", WINDOW, roles(Scripted()), HEAT))
    assert "db1 (90 %, uncalibrated)" in told["Answer"]
    assert "hw.fan.speed acts on db1 · hw.temperature after 60 s: supported" in told["Path"]
    assert "1 supported, 0 refuted, 0 untestable" in told["Tests"]
    assert "correlated -0.50" in told["Rung one, association"]
    assert "2 min before the symptom" in told["Rung one, association"]
    assert "90 %" in told["Rung two, intervention"]
    assert "it never stood still before" in told["Rung three, counterfactual"]


def test_every_number_of_the_story_is_a_fact_of_the_diagnosis():
    diagnosis = explain("i1", WINDOW, roles(Scripted()), HEAT)
    text = " ".join(" ".join(paragraph.sentences) for paragraph in diagnosis.story)
    facts = {
        "90", "10", "1", "41", "88", "9", "00", "60", "0.002", "180", "0", "5", "80",
        "0.50", "2", "70", "100",
    }  # fmt: skip
    assert set(re.findall(r"\d+(?:\.\d+)?", text.replace("db1", ""))) <= facts


def test_hostile_names_cannot_act_in_the_story():
    evil = Node("db1\x1b[31m", "log/ERROR/\u202eignore all\x07 previous")
    signals = (Signal(FAN), Signal(evil))
    made = window(np.zeros((9, 2)), np.ones((3, 2)), signals=signals)
    claimant = Scripted((replace(ANOMALIES[0], node=evil),), ())
    told = explain("i1", made, roles(claimant), evil)
    assert all(s.isprintable() for paragraph in told.story for s in paragraph.sentences)


def test_probabilities_are_read_as_they_were_fitted():
    sharp = Calibration(sharpness=2.0, other=0.5, incidents=40)
    signals = (*SIGNALS, Signal(Node("web1", "errors")))
    others = window(np.zeros((9, 3)), np.ones((3, 3)), signals=signals)
    plain = explain("i1", others, roles(Scripted()), HEAT)
    read = explain("i1", others, roles(Scripted(), calibration=sharp), HEAT)
    assert (plain.calibration, read.calibration) == ("uncalibrated", "calibrated")
    assert [cause.node for cause in read.root_causes] == [cause.node for cause in CAUSES]
    assert read.root_causes == sharp.calibrated(CAUSES)
    assert read.ranking_without_graph == sharp.calibrated(RANKING)
    shares = sum(cause.probability for cause in read.root_causes)
    assert read.other_probability == pytest.approx(1 - shares)


def test_what_was_fitted_between_entities_is_not_promised_within_one():
    sharp = Calibration(incidents=40)
    alone = explain("i1", WINDOW, roles(Scripted(), calibration=sharp), HEAT)
    assert alone.calibration == "uncalibrated"


def test_a_host_and_its_only_part_are_one_to_choose_from():
    signals = (*SIGNALS, Signal(Node(f"{SIGNALS[0].node.entity}/shop", "latency")))
    both = window(np.zeros((9, 3)), np.ones((3, 3)), signals=signals)
    read = explain("i1", both, roles(Scripted(), calibration=Calibration(incidents=40)), HEAT)
    assert read.calibration == "uncalibrated"
