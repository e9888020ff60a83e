"""The peers on toy windows, where what they must say is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import Kind, Node, Signal
from tests.bench.peers.detectors import DETECTORS
from tests.bench.peers.published import answered, prepared
from tests.bench.peers.rankers import PEERS, PEERS_ON_CALLS, Rows, ranking

LATENCY, LOAD = Kind("response latency", "seconds", "service"), Kind("request rate", load=True)
CHAIN = (("web", "shop"), ("shop", "db"))
SYMPTOM = Node("web", "latency")
ANY_PEER = pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS.keys())
ANY_DETECTOR = pytest.mark.parametrize("detector", DETECTORS.values(), ids=DETECTORS.keys())


def rows(shift, symptom=SYMPTOM, calls=CHAIN, seed=0):
    """Latencies and loads of web, shop and db, of which some move by ``shift``."""
    rng = np.random.default_rng(seed)
    nodes = [Node(entity, name) for entity in ("web", "shop", "db") for name in ("latency", "load")]
    signals = tuple(Signal(node, LOAD if node.signal == "load" else LATENCY) for node in nodes)
    past = 10 + rng.normal(size=(60, len(nodes)))
    now = 10 + rng.normal(size=(6, len(nodes)))
    moved = [shift.get(str(node), 0.0) for node in nodes]
    return Rows(signals, past, now + np.array(moved), symptom, calls)


def first(peer, given_rows):
    return ranking(peer, given_rows)[0].node


@ANY_PEER
def test_what_alone_moved_far_comes_first(peer):
    moved = rows({"db · latency": 50.0})
    assert first(peer, moved) == Node("db", "latency")


@ANY_PEER
@given(seed=st.integers(0, 50))
def test_every_signal_is_ranked_once(peer, seed):
    ranked = ranking(peer, rows({"shop · load": 9.0}, seed=seed))
    assert sorted(str(cause.node) for cause in ranked) == sorted(
        str(signal.node) for signal in rows({}).signals
    )


@ANY_PEER
@pytest.mark.parametrize("part", ["past", "now"])
def test_what_was_never_seen_does_not_come_first(peer, part):
    moved = rows({"db · latency": 50.0})
    getattr(moved, part)[:, 0] = np.nan
    assert first(peer, moved) == Node("db", "latency")


def test_the_symptoms_kind_comes_before_a_larger_movement_of_another():
    moved = rows({"db · latency": 8.0, "shop · load": 80.0})
    assert first(PEERS["n-sigma"], moved) == Node("shop", "load")
    assert first(PEERS["n-sigma, floor, symptom's kind"], moved) == Node("db", "latency")


def test_the_traversal_goes_down_the_calls_as_far_as_callees_are_abnormal():
    moved = rows({"web · latency": 90.0, "shop · latency": 40.0, "db · latency": 20.0})
    assert first(PEERS["n-sigma"], moved) == Node("web", "latency")
    assert first(PEERS["call-graph traversal"], moved) == Node("db", "latency")
    quiet = rows({"web · latency": 90.0, "shop · latency": 40.0})
    assert first(PEERS["call-graph traversal"], quiet) == Node("shop", "latency")


def test_a_cycle_of_calls_ends():
    moved = rows({"shop · latency": 40.0}, calls=(*CHAIN, ("db", "web")))
    assert first(PEERS["call-graph traversal"], moved) == Node("shop", "latency")


def test_who_needs_calls_is_known():
    assert set(PEERS_ON_CALLS) <= PEERS.keys()


@ANY_DETECTOR
def test_an_incident_scores_higher_than_a_healthy_window(detector):
    moved = detector(rows({"web · latency": 12.0}))
    assert moved is not None
    assert moved > detector(rows({}))


def test_without_a_symptom_nothing_is_said_of_it():
    assert DETECTORS["symptom's z"](rows({}, symptom=None)) is None


def test_what_is_handed_over_has_no_gap_and_nothing_constant():
    table = pd.DataFrame({"0": [1.0, np.nan, 3.0], "1": [2.0] * 3, "2": [np.nan] * 3})
    assert prepared(table, 2).to_dict("list") == {"0": [1.0, 1.0, 3.0]}
    with pytest.raises(ValueError, match="no history"):
        prepared(table, 0)


def test_an_exception_is_told_and_is_no_ranking(tmp_path):
    file = tmp_path / "rows.npy"
    np.save(file, [[1.0], [2.0], [3.0]])
    request = {"method": "circa-calls", "table": str(file), "baseline": 2, "edges": []}
    assert answered(request) == {"error": "ValueError: no call graph was given"}
