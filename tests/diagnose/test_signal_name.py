"""Signals, settings and goals as people write them."""

import pytest

from diagnose.failure import Failure
from diagnose.schema import Node
from diagnose.signal_name import goal_of, named, setting_of

NODES = [
    Node("web", "p95"),
    Node("host-1/db", "space/mountpoint=/data"),
    Node("host-1", "db/space"),
    Node("x", "rate<=5"),
]
UNITS = {NODES[0]: "s"}


@pytest.mark.parametrize("node", NODES)
def test_every_name_is_found_as_tables_print_it_and_with_a_slash(node):
    assert named(f"{node.entity}/{node.signal}", NODES) == node
    assert named(str(node), NODES) == node


def test_a_setting_may_have_equal_signs_in_its_name():
    setting = setting_of("host-1/db/space/mountpoint=/data=1e9", NODES, UNITS)
    assert (setting.node, setting.value) == (NODES[1], 1e9)
    assert setting_of(" web/p95 = -0.25", NODES, UNITS).unit == "s"


@pytest.mark.parametrize(("text", "at_most"), [("web/p95<=0.2", True), ("web/p95 >= 0.2", False)])
def test_a_goal_has_a_bound_on_either_side(text, at_most):
    goal = goal_of(text, NODES, UNITS)
    assert (goal.node, goal.bound, goal.at_most, goal.unit) == (NODES[0], 0.2, at_most, "s")


def test_a_goal_on_a_signal_with_a_sign_in_its_name():
    assert goal_of("x/rate<=5>=7", NODES, UNITS).node == NODES[3]


@pytest.mark.parametrize(
    ("ask", "text", "said"),
    [
        (setting_of, "web/p59=1", "did you mean web/p95?"),
        (setting_of, "p95=1", "did you mean web/p95?"),
        (setting_of, "zzzzzz=1", "names them all"),
        (setting_of, "web/p95", "names no value"),
        (setting_of, "web/p95=fast", "fast is no number"),
        (setting_of, "web/p95=nan", "nan is no finite number"),
        (goal_of, "web/p95<0.2", "is no goal"),
        (goal_of, "web/p95<=", "is no goal"),
        (goal_of, "web/p95<=1e999", "no finite number"),
    ],
)
def test_what_is_written_otherwise_is_told_with_a_way_out(ask, text, said):
    with pytest.raises(Failure, match=said.replace("?", r"\?")):
        ask(text, NODES, UNITS)
