"""What is told where nothing is claimed, and why a graph counts although tests deny it."""

from dataclasses import replace

import numpy as np
import pytest

from diagnose.schema import CausalGraph, Diagnosis, Edge, Node, RootCause, Signal
from diagnose.story import tell
from tests.frames import window


def told(diagnosis, seen, title="Answer"):
    (found,) = [one.sentences for one in tell(diagnosis, seen) if one.title == title]
    return " ".join(found)


@pytest.mark.parametrize("history", [0, 5, 9])
def test_where_nothing_has_a_history_no_peace_is_claimed(history):
    seen = window(np.ones((history, 3)), np.full((12, 3), 5.0))
    answer = told(Diagnosis("calm"), seen)
    assert answer == "No incident can be told: no signal has 10 readings of history."


def test_the_least_usual_signal_is_told_and_not_who_would_be_suspected_first():
    rng = np.random.default_rng(0)
    now = rng.normal(size=(12, 4))
    now[:, 2] += 3
    seen = window(rng.normal(size=(200, 4)), now)
    suspects = (RootCause("db1", "s0", 0.9),)
    answer = told(Diagnosis("calm", ranking_without_graph=suspects), seen)
    assert answer.startswith("No incident: nothing that 4 signals did ")
    assert "Least usual of them: db1 · s2, at its farthest " in answer
    assert "s0" not in answer


def test_a_refuted_graph_says_what_it_still_counts_for():
    edge = Edge(Node("db1", "s0"), Node("db1", "s1"), "topology", direction_from="topology")
    graph = CausalGraph(
        (Node("db1", "s0"), Node("db1", "s1")),
        (edge,),
        verdict="refuted",
        trust=0.44,
        violation_share=0.15,
        null_violation_share=0.24,
        p_value=0.13,
    )
    diagnosis = Diagnosis(
        "x",
        symptom=Node("db1", "s1"),
        root_causes=(RootCause("db1", "s0", 0.9),),
        other_probability=0.1,
        graph=graph,
    )
    tests = told(diagnosis, window(np.ones((20, 2)), np.ones((5, 2))), "Tests")
    assert "as a whole the graph is refuted" in tests
    assert "weighs 44 % in the ranking; of 1 of its edges the direction is known" in tests


def test_what_is_called_and_not_watched_is_told():
    seen = replace(
        window(np.ones((20, 2)), np.ones((5, 2))),
        topology=(("db1", "san"), ("db1", "db1"), ("far", "unseen")),
    )
    diagnosis = Diagnosis(
        "x",
        symptom=Node("db1", "s1"),
        root_causes=(RootCause("db1", "s0", 0.9),),
        other_probability=0.1,
    )
    doubts = told(diagnosis, seen, "What would change our mind")
    assert "Signals of san: db1 calls it, and nothing of it was read." in doubts
    assert "unseen" not in doubts


def test_of_whom_nothing_was_read_no_peace_is_claimed():
    signals = (Signal(Node("db1", "cpu")), Signal(Node("web1", "cpu")))
    now = np.full((12, 2), 1.0)
    now[:, 1] = np.nan
    answer = told(Diagnosis("calm"), window(np.ones((200, 2)), now, signals=signals))
    assert answer.startswith("Nothing was read around the alert of web1. No incident elsewhere: ")


def test_what_is_on_record_is_told_with_its_time():
    signals = (Signal(Node("db1", "cpu")), Signal(Node("db1", "change/deploy"), source="change"))
    now = np.zeros((12, 2))
    now[3, 1] = 1.0
    seen = window(np.zeros((200, 2)), now, signals=signals)
    diagnosis = Diagnosis(
        "x",
        symptom=Node("db1", "cpu"),
        root_causes=(RootCause("db1", "cpu", 0.9),),
        other_probability=0.1,
    )
    when = f"{seen.recent['time'][3]:%H:%M:%S}"
    assert f"On record: deploy on db1, {when} UTC." in told(diagnosis, seen, "Evidence")
