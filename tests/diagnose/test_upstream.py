"""Which signal drives a prediction."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import CausalGraph, Edge, Node, Prediction
from diagnose.upstream import one_a_cause, upstream

AT = datetime(2026, 1, 1, tzinfo=UTC)
FAN = Node("db1", "hw.fan.speed/fan1")
CPU = Node("db1", "hw.temperature/cpu")
DISK = Node("db1/sda", "hw.physical_disk.temperature")
LOAD = Node("db1", "requests")


def predicted(failure, *evidence, probability=0.5, lead=3600.0):
    return Prediction("db1", failure, probability, lead, AT, evidence)


def edge(cause, effect, strength=0.5, **other):
    told = {"origin": "rule", "direction_from": "tier", "verdict": "supported"} | other
    tested = told["verdict"] != "untestable"
    numbers = {"p_value": 0.01, "effective_n": 50.0, "strength": strength} if tested else {}
    return Edge(cause, effect, **told, **numbers)


def graph(*edges):
    nodes = dict.fromkeys(node for one in edges for node in (one.cause, one.effect))
    return CausalGraph(tuple(nodes), edges)


def test_the_strongest_chain_is_followed_to_its_end():
    judged = graph(edge(FAN, CPU, -0.8), edge(LOAD, CPU, 0.3), edge(CPU, DISK, 0.4))
    assert upstream(predicted("disk-overheating", DISK), judged) == (FAN, CPU, DISK)


@pytest.mark.parametrize(
    "claim",
    [
        {"verdict": "refuted"},
        {"verdict": "refuted", "origin": "operator"},
        {"verdict": "untestable"},
        {"direction_from": "none"},
        {"direction_from": "none", "origin": "topology"},
    ],
)
def test_what_is_not_known_to_act_drives_nothing(claim):
    assert upstream(predicted("cpu-overheating", CPU), graph(edge(FAN, CPU, **claim))) == ()


@pytest.mark.parametrize("origin", ["operator", "topology"])
def test_a_known_edge_needs_no_test_but_one_that_passed_comes_first(origin):
    known = edge(LOAD, CPU, origin=origin, verdict="untestable")
    assert upstream(predicted("cpu-overheating", CPU), graph(known)) == (LOAD, CPU)
    both = graph(known, edge(FAN, CPU, 0.2))
    assert upstream(predicted("cpu-overheating", CPU), both) == (FAN, CPU)


def test_evidence_that_has_a_cause_is_followed_where_the_weightiest_has_none():
    assert upstream(predicted("disk-failure", LOAD, DISK), graph(edge(CPU, DISK))) == (CPU, DISK)


def test_one_cause_is_one_prediction_and_no_evidence_is_lost():
    judged = graph(edge(FAN, CPU), edge(CPU, DISK))
    fan = predicted("fan-failure", FAN, probability=0.2)
    cpu = predicted("cpu-overheating", CPU, probability=0.9, lead=7200.0)
    disk = predicted("disk-overheating", DISK, probability=0.9)
    full = predicted("disk-full", Node("db1", "system.filesystem.utilization//"), probability=0.1)
    found = one_a_cause((fan, cpu, disk, full), judged)
    assert [one.failure for one in found] == ["disk-overheating", "disk-full"]
    assert found[0].upstream == (FAN, CPU, DISK)
    assert found[0].evidence == (DISK, CPU, FAN)
    assert found[1] == full


NODES = [FAN, CPU, DISK, LOAD]
CHAINS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(-1, 1)).filter(lambda e: e[0] < e[1]),
    max_size=6,
).map(lambda edges: graph(*(edge(NODES[a], NODES[b], weight) for a, b, weight in edges)))
FORESEEN = st.lists(
    st.builds(
        predicted,
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(NODES),
        probability=st.floats(0, 1),
    ),
    max_size=5,
)


@given(FORESEEN, CHAINS)
def test_a_path_follows_edges_and_no_two_predictions_share_a_cause(foreseen, judged):
    found = one_a_cause(foreseen, judged)
    arrows = {(one.cause, one.effect) for one in judged.edges}
    for one in found:
        assert set(zip(one.upstream, one.upstream[1:], strict=False)) <= arrows
        assert not one.upstream or one.upstream[-1] in one.evidence
    causes = [(one.upstream or one.evidence)[0] for one in found]
    assert len(set(causes)) == len(causes)
    assert {node for one in found for node in one.evidence} == {
        node for one in foreseen for node in one.evidence
    }
    if foreseen:
        assert found[0].probability == max(one.probability for one in foreseen)
