"""Who could have caused most of what is abnormal, by calls and by edges."""

from dataclasses import replace

import numpy as np
import pytest

from diagnose.causal.coverage import coverage
from diagnose.causal.influence import influence
from diagnose.schema import Anomaly, CausalGraph, Edge, Kind, Node, Signal
from tests.frames import at, window

FRONT, SHOP, STORE, OTHER = (Node(name, "latency") for name in ("front", "shop", "store", "other"))
CALLS = (("front", "shop"), ("shop", "store"), ("front", "other"))


def covered(moved, topology=CALLS, edges=(), symptom=FRONT, load=False):
    kind = Kind("request rate", load=load)
    signals = tuple(Signal(node, kind) for node in (FRONT, SHOP, STORE, OTHER))
    seen = window(np.zeros((20, 4)), np.zeros((6, 4)), signals=signals)
    seen = replace(seen, topology=topology)
    anomalies = [Anomaly(node, at(0), 9.0, 9.0) for node in moved]
    graph = CausalGraph((FRONT, SHOP, STORE, OTHER), tuple(edges))
    return coverage(seen, influence(graph, 60), anomalies, symptom, hop=0.9, certain=5.0)


def test_the_deepest_of_what_moved_together_covers_most():
    share = covered([FRONT, SHOP, STORE])
    assert share["store"] == pytest.approx((1 + 0.9 + 0.81) / 3)
    assert share["shop"] == pytest.approx((1 + 0.9) / 3)
    assert share["other"] == pytest.approx(0.9 / 3)


def test_a_caller_covers_nothing_of_what_it_calls():
    share = covered([STORE], symptom=STORE)
    assert share["store"] == 1
    assert share["front"] == share["shop"] == 0


def test_demand_that_rose_is_nobodys_fault():
    assert covered([SHOP, STORE, OTHER], load=True) == covered([], load=True)


def test_an_edge_that_no_test_refuted_counts_as_a_call_does():
    edge = Edge(OTHER, FRONT, "model", "model", "supported", 0.001, 100.0)
    known = covered([FRONT, OTHER], topology=(), edges=[edge])
    assert known["other"] == pytest.approx((1 + 0.9) / 2)
    refuted = Edge(OTHER, FRONT, "model", "model", "refuted", 0.9, 100.0)
    assert covered([FRONT, OTHER], topology=(), edges=[refuted])["other"] == 0.5


def test_a_symptom_without_a_signal_is_no_error():
    assert covered([SHOP], symptom=Node("elsewhere", "latency"))["shop"] == 1
