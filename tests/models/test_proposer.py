from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.schema import Failure, Node
from models.causal_lm.belief import UNANSWERED, PairBelief
from models.evidence import RIGHT, USED, WORK, ProposalWeights, credibility
from models.proposer import GraphProposer
from tests.models.scm import (
    START,
    anomalies_of,
    compare,
    shop,
    signals_of,
    simulate,
    simulate_shop,
    window_of,
)

PAIR = signals_of("db1 disk_q", "db1 query_latency")
DISK, LATENCY = (signal.node for signal in PAIR)
UTILIZED = signals_of("db1 disk_util", "db1 query_latency")
APART = signals_of("db1 disk_util", "db2 query_latency")
NO_KNOWLEDGE = ProposalWeights(model=1, topology=0, load=0, tier=0, onset=0, distance=0)


class Opinion:
    """A scorer with one answer about any two kinds in the order of their names."""

    sent = ()

    def __init__(self, belief=UNANSWERED):
        self.belief = belief
        self.asked = []

    def score(self, pairs):
        self.asked.extend(pairs)
        return tuple(self.belief if a < b else self.belief.reversed() for a, b in pairs)


def noise(size, rows=200, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, size))


def propose(values, signals, topology=(), anomalies=None, symptom=None, contains=(), **options):
    window = replace(window_of(values, signals, topology=topology), contains=contains)
    anomalies = anomalies_of(signals) if anomalies is None else anomalies
    return GraphProposer(**options).propose(window, anomalies, symptom or signals[-1].node)


def edges_of(graph):
    return {(edge.cause, edge.effect) for edge in graph.edges}


def of_shops(rows=600, seeds=8, **options):
    """Return mean recall, precision and share of right directions over simulated shops."""
    results = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        signals, edges, topology = shop(rng)
        values = simulate_shop(edges, len(signals), rows, rng)
        graph = propose(values, signals, topology, **options)
        results.append(compare(graph, signals, edges))
    return np.mean(results, axis=0)


def test_most_edges_of_simulated_services_are_found_and_directed():
    recall, precision, direction = of_shops()
    assert recall > 0.9
    assert precision > 0.9
    assert direction > 0.95


def test_with_few_instants_topology_makes_up_for_data():
    known = of_shops(rows=70)
    unknown = of_shops(rows=70, weights=NO_KNOWLEDGE)
    assert known[0] > unknown[0] + 0.1
    assert known[2] > unknown[2]


class Informed:
    """A scorer that knows the simulated services."""

    sent = ()

    def score(self, pairs):
        return tuple(self.about(*pair) for pair in pairs)

    def about(self, a, b):
        known = [("request rate", "cpu utilization"), ("cpu utilization", "response latency")]
        if (a.name, b.name) in known:
            return PairBelief(3, -3, -3)
        return PairBelief(-3, 3, -3) if (b.name, a.name) in known else PairBelief(-3, -3, 3)


def test_with_few_instants_a_model_that_knows_makes_up_for_data():
    guess = of_shops(rows=70, weights=NO_KNOWLEDGE)
    informed = of_shops(rows=70, weights=NO_KNOWLEDGE, scorer=Informed())
    assert informed[0] > guess[0] + 0.1
    assert informed[2] >= guess[2]


def test_a_lag_is_found_and_directs_the_edge():
    values = noise(2, rows=400)
    values[2:, 1] += values[:-2, 0]
    (edge,) = propose(values, signals_of("a m01", "a m02")).edges
    assert (edge.cause.signal, edge.effect.signal) == ("m01", "m02")
    assert (edge.origin, edge.direction_from, edge.lag_seconds) == ("data", "lag", 20.0)
    assert edge.verdict == "untestable"


def test_where_nothing_tells_the_direction_the_edge_says_so():
    rng = np.random.default_rng(5)
    both = rng.normal(size=400)
    values = both[:, None] + 0.5 * rng.normal(size=(400, 2))
    values[:, 1] = values[:, 0] + 0.5 * rng.normal(size=400)
    graph = propose(values, signals_of("a m01", "a m02"), weights=replace(NO_KNOWLEDGE, lag=0))
    assert {edge.direction_from for edge in graph.edges} <= {"none", "lag"}


def test_what_lies_deeper_is_never_the_effect():
    values = noise(2, rows=400)
    values[1:, 0] += values[:-1, 1]  # the data say that latency drives the disk
    for edge in propose(values, PAIR).edges:
        assert (edge.cause, edge.effect) == (DISK, LATENCY)
        assert edge.direction_from == "tier"


def test_load_may_act_on_what_lies_deeper():
    signals = signals_of("db1 requests", "db1 cpu")
    values = noise(2)
    values[:, 1] += values[:, 0]
    (edge,) = propose(values, signals, symptom=signals[1].node).edges
    assert edge.cause == signals[0].node


def test_heat_may_follow_work():
    signals = signals_of("db1 cpu", "db1 cpu_temp")
    values = noise(2)
    values[1:, 1] += values[:-1, 0]
    assert edges_of(propose(values, signals)) == {(signals[0].node, signals[1].node)}


@pytest.mark.parametrize(
    ("work", "used"),
    [
        ("db1 jvm_gc_duration", "db1 cpu"),
        ("db1 pg_stat_user_tables_seq_scan", "db1 disk_read_bytes"),
        ("db1 requests_in_flight", "db1 jvm_threads"),
    ],
)
def test_work_may_use_up_what_lies_deeper(work, used):
    signals = signals_of(work, used)
    assert signals[0].kind.name in WORK
    assert signals[1].kind.name in USED
    values = noise(2)
    values[1:, 1] += values[:-1, 0]
    assert edges_of(propose(values, signals)) == {(signals[0].node, signals[1].node)}


@pytest.mark.parametrize("signal", ["latency_p90", "availability", "error_rate"])
def test_failures_travel_from_the_called_to_the_caller_even_unseen_in_the_baseline(signal):
    signals = signals_of(f"db {signal}", f"front {signal}")
    (edge,) = propose(np.ones((100, 2)), signals, topology=[("front", "db")]).edges
    assert (edge.cause, edge.effect) == (signals[0].node, signals[1].node)
    assert (edge.origin, edge.direction_from, edge.lag_seconds) == ("topology", "topology", None)


def test_a_starved_host_slows_its_parts_and_is_starved_by_them_even_unseen_in_the_baseline():
    names = ("batch process_cpu_seconds", "host cpu_pressure", "host uptime", "web latency_p90")
    signals = signals_of(*names)
    contains = [("host", "web"), ("host", "batch")]
    topology = [("web", "db"), ("batch", "db")]
    graph = propose(np.ones((100, 4)), signals, topology, contains=contains)
    taken, short, _, latency = (signal.node for signal in signals)
    assert edges_of(graph) == {(taken, short), (short, latency)}
    assert {edge.origin for edge in graph.edges} == {"topology"}
    assert not propose(np.ones((100, 4)), signals, topology).edges


def test_connections_that_a_caller_holds_open_are_open_at_the_called_because_of_it():
    signals = signals_of("db process_open_fds", "front process_open_fds")
    (edge,) = propose(np.ones((100, 2)), signals, topology=[("front", "db")]).edges
    assert (edge.cause, edge.effect) == (signals[1].node, signals[0].node)


def test_what_parts_leave_on_their_host_acts_on_none_of_them():
    signals = signals_of("host node_sockstat_TCP_tw", "web latency_p90")
    values = noise(2, rows=400)
    values[1:, 1] += 3 * values[:-1, 0]  # the host's sockets lead
    sockets, latency = (signal.node for signal in signals)
    graph = propose(values, signals, [("web", "db")], contains=[("host", "web")])
    assert edges_of(graph) <= {(latency, sockets)}


def test_a_broken_disk_makes_its_host_wait_and_so_what_runs_there():
    signals = signals_of("h/sda media_errors", "h io_pressure", "h/web latency_p90")
    graph = propose(np.ones((100, 3)), signals, [("h/web", "db")])
    disk, wait, latency = (signal.node for signal in signals)
    assert edges_of(graph) >= {(disk, wait), (wait, latency)}


def test_data_do_not_turn_a_failure_against_the_calls():
    signals = signals_of("db latency_p90", "front latency_p90")
    values = noise(2, rows=400)
    values[1:, 0] += 3 * values[:-1, 1]  # the caller leads
    assert (signals[1].node, signals[0].node) not in edges_of(
        propose(values, signals, topology=[("front", "db")])
    )


def test_what_a_database_shows_reaches_who_calls_it():
    signals = signals_of("pg pg_stat_activity_max_tx_duration", "shop error_rate")
    (edge,) = propose(np.zeros((100, 2)), signals, topology=[("shop", "pg")]).edges
    assert edge.cause.entity == "pg"


def test_of_a_service_its_answers_reach_who_calls_it_and_not_what_lies_behind_them():
    signals = signals_of("shop event_loop_lag", "shop latency_p90", "web error_rate")
    loop, answer, web = (signal.node for signal in signals)
    edges = edges_of(propose(np.zeros((100, 3)), signals, topology=[("web", "shop")]))
    assert (answer, web) in edges
    assert (loop, web) not in edges


def test_load_travels_from_the_caller_to_the_called():
    signals = signals_of("db requests", "front requests")
    (edge,) = propose(np.ones((100, 2)), signals, topology=[("front", "db")]).edges
    assert (edge.cause.entity, edge.effect.entity) == ("front", "db")


def test_a_service_that_shows_nothing_does_not_cut_the_path():
    signals = signals_of("db latency_p90", "front latency_p90")
    graph = propose(np.ones((100, 2)), signals, topology=[("front", "mid"), ("mid", "db")])
    assert edges_of(graph) == {(signals[0].node, signals[1].node)}


def test_services_that_never_call_each_other_are_not_joined():
    signals = signals_of("a latency_p90", "b latency_p90")
    values = noise(1) + 0.1 * noise(2, seed=1)
    topology = [("front", "a"), ("c", "b"), ("front", "c")]
    assert propose(values, signals, topology=topology).edges == ()
    assert propose(values, signals).edges  # without a topology anything may be


def test_the_model_adds_an_edge_that_nothing_speaks_against():
    believed = Opinion(PairBelief(-3, 3, -3))  # not "query latency acts on disk queue"
    graph = propose(noise(2), PAIR, scorer=believed, model_weight=3.0)
    (edge,) = graph.edges
    assert edge.origin == "model"
    assert propose(noise(2), PAIR).edges == ()


def test_the_model_is_asked_of_kinds_only_and_not_of_what_it_cannot_know():
    asked = Opinion()
    signals = (*PAIR, *signals_of("db1 secret-name-42", "db1 disk_q2"))
    propose(noise(4), signals, scorer=asked, symptom=LATENCY)
    names = {kind.name for pair in asked.asked for kind in pair}
    assert names == {"disk io queue", "database query latency", "disk read rate"}
    assert all(a != b for a, b in asked.asked)


@pytest.mark.parametrize("belief", [UNANSWERED, PairBelief(3, -3, -3), PairBelief(-3, 3, -3)])
def test_a_model_without_weight_changes_nothing(belief):
    rng = np.random.default_rng(9)
    signals, edges, topology = shop(rng)
    values = simulate_shop(edges, len(signals), 300, rng)
    silent = Opinion(belief)
    graph = propose(values, signals, topology, scorer=silent, model_weight=0.0)
    assert graph == propose(values, signals, topology)
    assert silent.asked == []


def test_an_operator_requires_and_forbids():
    graph = propose(noise(2), PAIR, required=[("*disk*", "*latency*")])
    (edge,) = graph.edges
    assert (edge.origin, edge.direction_from) == ("operator", "operator")
    values = noise(2)
    values[:, 1] += 3 * values[:, 0]
    assert propose(values, PAIR, forbidden=[("db1 · disk_q", "query_latency")]).edges == ()


def test_an_operator_speaks_of_kinds_where_entities_are_joined():
    """By a kind, nothing is required between machines of which no call is known."""
    rule = [("disk utilization", "*latency")]
    assert edges_of(propose(noise(2), UTILIZED, required=rule)) == {
        tuple(signal.node for signal in UTILIZED)
    }
    assert propose(noise(2), APART, required=rule).edges == ()
    named = [("db1 · disk utilization", "db2 · *latency")]
    assert len(propose(noise(2), APART, required=named).edges) == 1
    values = noise(2)
    values[:, 1] += 3 * values[:, 0]
    assert propose(values, UTILIZED).edges
    assert propose(values, UTILIZED, forbidden=rule).edges == ()


def test_what_is_required_and_forbidden_is_forbidden():
    rules = [("disk_q", "*latency")]
    assert propose(noise(2), PAIR, required=rules, forbidden=rules).edges == ()


def test_required_edges_that_form_a_cycle_are_refused():
    with pytest.raises(Failure, match="cycle"):
        propose(noise(2), PAIR, required=[("disk*", "query*"), ("query*", "disk*")])


def test_only_the_earlier_half_of_the_baseline_is_read():
    signals, edges, topology = shop(np.random.default_rng(1))
    values = simulate_shop(edges, len(signals), 212, np.random.default_rng(2))
    other = values.copy()
    other[100:] = np.random.default_rng(3).normal(size=other[100:].shape) * 1e6
    assert propose(values, signals, topology) == propose(other, signals, topology)


def test_a_symptom_that_the_window_does_not_hold_stands_alone():
    lost = Node("db1", "nowhere")
    graph = propose(noise(2), PAIR, symptom=lost)
    assert (graph.nodes, graph.edges) == ((lost,), ())


def test_no_anomalies_leave_the_symptom_and_what_is_near_it():
    graph = propose(noise(2), PAIR, anomalies=())
    assert graph.nodes[0] == LATENCY


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 60), st.floats(0, 1), st.booleans())
def test_any_telemetry_gives_an_acyclic_graph_in_time_order_of_tiers(seed, rows, holes, calls):
    rng = np.random.default_rng(seed)
    signals = shop(rng)[0]
    values = simulate([], len(signals), rows + 12, rng).round(int(rng.integers(0, 3)))
    values[rng.random(values.shape) < holes] = np.nan
    topology = [("s0", "s1"), ("s1", "s0"), ("s2", "nobody"), ("s3", "s3")] if calls else []
    graph = propose(values, signals, topology)
    assert graph.nodes[0] == signals[-1].node
    assert len(graph.nodes) <= 12
    assert graph == propose(values, signals, topology)


def test_a_dozen_signals_over_an_hour_take_a_moment():
    rng = np.random.default_rng(0)
    signals, edges, topology = shop(rng)
    window = window_of(simulate_shop(edges, len(signals), 3600, rng), signals, 1.0, topology)
    begin = perf_counter()
    GraphProposer().propose(window, anomalies_of(signals), signals[-1].node)
    assert perf_counter() - begin < 1.0  # some 20 ms where nobody else needs the processor


def test_onsets_direct_what_nothing_else_does():
    signals = signals_of("a m01", "a m02")
    values = noise(1, rows=400) + 0.3 * noise(2, rows=400, seed=7)
    late, early = anomalies_of(signals)
    anomalies = (late, replace(early, onset=START - timedelta(seconds=60)))
    weights = replace(NO_KNOWLEDGE, lag=0, onset=5)
    (edge,) = propose(values, signals, anomalies=anomalies, weights=weights).edges
    assert (edge.cause, edge.direction_from) == (early.node, "lag")


def test_columns_without_a_single_value_are_fine():
    window = window_of(np.full((40, 2), np.nan), PAIR)
    assert window.baseline.select(pl.all().exclude("time")).null_count().sum_horizontal()[0] == 56
    assert GraphProposer().propose(window, (), LATENCY).nodes


def test_a_model_whose_links_the_data_show_is_credible_and_a_guess_is_not():
    rng = np.random.default_rng(0)
    gain = rng.gamma(1.0, size=200)
    assert credibility(gain + rng.gamma(1.0, size=200), gain) > 0.99
    assert credibility(rng.normal(size=200), gain) < 0.2
    assert credibility(-gain, gain) < 1e-6


@given(st.integers(0, 60), st.integers(0, 1000))
def test_credibility_is_a_probability_and_asks_for_no_units(pairs, seed):
    opinion, gain = np.random.default_rng(seed).normal(size=(2, pairs))
    found = credibility(opinion, gain)
    assert 0 <= found <= 1
    assert credibility(3 * opinion + 1, np.exp(gain)) == pytest.approx(found)


def test_a_few_pairs_or_one_opinion_about_all_change_nothing():
    some = np.array([0.1, 2.0])
    assert credibility(some, some) == RIGHT
    assert credibility(np.ones(50), np.arange(50.0)) == RIGHT
