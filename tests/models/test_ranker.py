"""A ranking without any causal claim: whole, ordered, and the same in any unit."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import Kind, Node, Signal
from models.ranker import MixtureRanker, RankWeights
from tests.frames import window


def ranked(values, recent=6, signals=None, weights=RankWeights()):
    made = window(values[:-recent], values[-recent:], signals=signals)
    return MixtureRanker(weights).rank(made)


def noise(signals=5, seed=0):
    return np.random.default_rng(seed).normal(5, 1, (126, signals))


@given(st.integers(0, 50), st.integers(1, 30))
def test_probabilities_fall_and_leave_something_for_what_was_not_seen(seed, signals):
    ranking = ranked(noise(signals, seed))
    shares = [cause.probability for cause in ranking]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) < 1
    assert len({cause.node for cause in ranking}) == len(ranking)


@given(st.integers(-20, 20), st.permutations(range(5)))
def test_neither_unit_nor_the_order_of_the_signals_matters(power, order):
    values = noise()
    values[-4:, 2] += 30
    signals = tuple(Signal(Node("db", f"s{i}")) for i in range(5))
    other = tuple(signals[i] for i in order)
    scaled = values[:, list(order)] * 2.0**power
    one, two = ranked(values, signals=signals), ranked(scaled, signals=other)
    assert [cause.node for cause in one] == [cause.node for cause in two]
    assert one[0].signal == "s2"


def test_a_farther_a_rarer_and_an_earlier_movement_come_first():
    values = noise(3)
    values[-4:, 0] += 9
    values[-4:, 1] += 90
    assert [cause.signal for cause in ranked(values)][:2] == ["s1", "s0"]
    values = noise(2, 1)
    values[:-6:15, 0] += 90  # it jumps every quarter of an hour
    values[-4:] += 90
    assert ranked(values)[0].signal == "s1"
    values = np.repeat(noise(1, 2), 2, axis=1)
    values[-5:, 0] += 30
    values[-3:, 1] += 30
    assert ranked(values)[0].signal == "s0"


def test_each_weight_can_be_left_out():
    values = noise()
    values[-4:, 2] += 30
    none = RankWeights(size=0, surprise=0)
    assert {cause.score for cause in ranked(values, weights=none)} == {0.0}


def test_an_entity_is_not_crowded_out():
    values = noise(60)
    values[-4:, :50] += 90
    signals = tuple(Signal(Node("db" if i < 50 else f"web{i}", f"s{i}")) for i in range(60))
    entities = [cause.entity for cause in ranked(values, signals=signals)]
    assert entities.count("db") == 20
    assert len(set(entities)) == RankWeights().entities


@pytest.mark.parametrize("fill", [0.0, float("nan"), 1e100])
def test_a_window_in_which_nothing_moves_has_a_ranking_all_the_same(fill):
    ranking = ranked(np.full((126, 3), fill))
    assert [cause.signal for cause in ranking] == ["s0", "s1", "s2"]
    assert sum(cause.probability for cause in ranking) < 0.2


def busy(*moved, services=20):
    """Return a window of services of which those in ``moved`` are beside themselves."""
    values = noise(services, 3)
    values[-4:, list(moved)] += 30
    kind = Kind("cpu utilization", "ratio", "os")
    return values, tuple(Signal(Node(f"web{i}", "busy"), kind) for i in range(services))


def share(ranking, entity):
    return sum(cause.probability for cause in ranking if cause.entity == entity)


def test_what_moved_alone_of_its_kind_says_more_than_what_many_do():
    alone, signals = busy(4)
    among, _ = busy(*range(4, 16))
    one, many = ranked(alone, signals=signals), ranked(among, signals=signals)
    assert share(one, "web4") > 3 * share(many, "web4")


def test_a_starved_resource_lies_nearer_to_the_fault_than_latency():
    slow, signals = busy(1)
    latency = Kind("response latency", "seconds", "service")
    more = tuple(Signal(Node(f"web{i}", "slow"), latency) for i in range(20))
    starved, _ = busy(2)
    ranking = ranked(np.hstack([starved, slow]), signals=signals + more)
    assert ranking[0].node == Node("web2", "busy")


def test_whoever_complains_is_seldom_the_cause():
    values, signals = busy(3, 5)
    made = window(values[:-6], values[-6:], signals=signals)
    ranker = MixtureRanker()
    asked = share(ranker.rank(made, Node("web3", "busy")), "web3")
    assert asked < share(ranker.rank(made), "web3")


def test_a_symptom_that_was_never_seen_changes_nothing():
    values, signals = busy(3)
    made = window(values[:-6], values[-6:], signals=signals)
    ranker = MixtureRanker()
    assert ranker.rank(made, Node("front", "errors")) == ranker.rank(made)


@pytest.mark.parametrize(
    ("parts", "first"), [(("web", "db"), "web"), (("web",), "host"), ((), "host")]
)
def test_sockets_of_a_host_are_its_parts_where_several_tell_of_themselves(parts, first):
    values = noise(3)
    values[-4:, 0] += 90
    values[-4:, 1] += 9
    kinds = {"host": "open tcp connections", "web": "open file descriptors", "db": "process memory"}
    signals = tuple(Signal(Node(e, k), Kind(k, "count", "os")) for e, k in kinds.items())
    made = window(values[:-6], values[-6:], signals=signals)
    made = replace(made, contains=tuple(("host", part) for part in parts))
    assert MixtureRanker().rank(made)[0].entity == first
