"""What follows from holding a signal, and which smallest changes reach a goal."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from diagnose.goal import SURE, plan
from diagnose.schema import Goal, Node, Plan, Setting, WhatIf
from diagnose.whatif import what_if
from tests.diagnose.simulated import World, window
from tests.diagnose.test_attribute import judged
from tests.diagnose.test_intervene import ALONE, FORK, LEFT, MIDDLE, RIGHT, SYMPTOM, incident

GRAPH = FORK.graph(lags=True)


@pytest.fixture(scope="module")
def told():
    """Return an answer that several tests look at."""
    return ask(incident({0: 6.0}), LEFT, 1.0)


def ask(seen, node, value, graph=GRAPH):
    return what_if("inc-1", graph, seen, SYMPTOM, Setting(node, value))


def reach(seen, bound, at_most=True, node=SYMPTOM, graph=GRAPH):
    return plan("inc-1", graph, seen, SYMPTOM, Goal(node, bound, at_most))


def test_the_effect_is_told_for_all_that_lies_between(told):
    assert [effect.node for effect in told.effects] == [MIDDLE, SYMPTOM]
    for effect in told.effects:
        assert effect.low < 0.8 < effect.high
        assert effect.expected == pytest.approx(0.8, abs=0.4)
        assert effect.observed > 4


def test_a_cause_that_acts_later_is_followed_later():
    seen = incident({0: 6.0})
    with_lags = ask(seen, LEFT, 2.0).effects[-1].expected
    without = ask(seen, LEFT, 2.0, FORK.graph()).effects[-1].expected
    assert abs(with_lags - 1.6) < abs(without - 1.6)


def test_what_nobody_saw_is_refused_with_the_nearest_value_that_can_be_told():
    found = ask(incident({0: 6.0}), LEFT, 20.0)
    assert found.effects == ()
    assert "nobody saw what 20 does" in (found.refused or "")
    assert found.nearest is not None
    assert 1 < found.nearest < 4
    assert ask(incident({0: 6.0}), LEFT, found.nearest).refused is None
    assert found.counterfactual is not None
    assert found.counterfactual.occurred is None


def test_two_values_that_were_never_seen_together_are_refused():
    world = World(
        np.array([[0, 0.97, 1.0], [0, 0, 1.0], [0] * 3]), np.zeros((3, 3), int), np.zeros(3)
    )
    rng = np.random.default_rng(3)
    live = world.live(rng, 640)
    live[:, 1] = live[:, 0] + 0.1 * rng.normal(size=640)
    live[:, 2] = live[:, 0] + live[:, 1] + rng.normal(size=640)
    live[610:, 2] += 9.0
    _, second, last = world.nodes
    seen = window(world.nodes, live[:600], live[600:])
    values = [float(np.quantile(live[:600, 1], share)) for share in (0.02, 0.98)]
    edges = [(0, 2), (1, 2)]
    told = [
        what_if("inc-1", judged(world, edges=edges), seen, last, Setting(second, value))
        for value in values
    ]
    assert all("never seen together" in (one.refused or "") for one in told)


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (ALONE, "no edge that held in its test leads from"),
        (Node("elsewhere", "disk"), "no edge that held in its test leads from"),
        (SYMPTOM, "it is the symptom itself"),
        (RIGHT, f"{LEFT} has left all that normal life showed as well"),
    ],
)
def test_it_says_why_it_cannot_tell(node, reason):
    assert reason in (ask(incident({0: 8.0}), node, 0.0).refused or "")


def test_an_effect_is_attacked_three_ways_and_one_that_is_none_does_not_survive(told):
    names = [one.name for one in told.refutations]
    assert names == ["placebo", "random common cause", "data subset"]
    assert all(one.upheld for one in told.refutations)
    width = np.ptp(np.quantile(incident({0: 6.0}).baseline[str(LEFT)], (0.005, 0.995)))
    assert told.refutations[0].effect == pytest.approx(0.8 * width, rel=0.15)
    assert abs(told.refutations[0].under_attack) < 0.1
    false = FORK.graph([(4, 3)])
    none = what_if("inc-1", false, incident({4: 6.0, 3: 6.0}), SYMPTOM, Setting(ALONE, 1.0))
    assert not all(one.upheld for one in none.refutations)


def test_had_the_cause_stayed_there_the_symptom_would_not_have_occurred():
    answer = ask(incident({0: 5.5}), LEFT, 0.0).counterfactual
    assert answer is not None
    assert answer.occurred is False


def test_a_goal_is_reached_by_moving_the_only_cause_and_no_farther_than_needed():
    seen = incident({0: 6.0})
    found = reach(seen, 2.5)
    assert found.refused is None
    way = found.ways[0]
    assert way.chance >= SURE
    assert way.effect.expected < 2.5
    assert {setting.node for setting in way.settings} <= {LEFT, MIDDLE}
    assert [one.size for one in found.ways] == sorted(one.size for one in found.ways)
    harder = reach(seen, 0.5)
    assert harder.ways[0].size > way.size


def test_two_causes_are_moved_where_no_single_one_does_it():
    world = World(np.array([[0, 0, 1.0], [0, 0, 1.0], [0] * 3]), np.zeros((3, 3), int), np.zeros(3))
    seen = incident({0: 1.5, 1: 1.5}, world=world, rows=800, recent=40)
    last = world.nodes[-1]
    found = plan("inc-1", judged(world), seen, last, Goal(last, 0.0, True))
    assert found.ways
    for way in found.ways:
        assert len(way.settings) == 2
        assert way.effect.high < 0.5


def test_where_nothing_reaches_the_goal_it_says_so_and_what_comes_closest():
    found = reach(incident({0: 6.0}), -50.0)
    assert found.ways == ()
    assert "reaches it nine times in ten" in (found.refused or "")
    assert found.closest is not None
    assert found.closest.chance == 0
    nothing = reach(incident({0: 6.0}), 1.0, node=ALONE)
    assert "nothing is known to act on" in (nothing.refused or "")


def test_answers_survive_json_and_are_the_same_each_time(told):
    seen = incident({0: 6.0})
    ways = reach(seen, 1.0)
    for answer, kind in ((told, TypeAdapter(WhatIf)), (ways, TypeAdapter(Plan))):
        assert kind.validate_json(kind.dump_json(answer)) == answer
    assert ask(seen, LEFT, 1.0) == told
    assert reach(seen, 1.0) == ways
