from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.arguments import EVERYWHERE, NOWHERE, argument
from models.corr2cause.classes import classes_in
from models.corr2cause.graphs import pattern_of
from models.corr2cause.relations import Claim, claims, is_entailed
from tests.models.corr2cause.test_graphs import dags

NAMES = tuple("ABCDE")


@given(dags(5), st.data())
def test_arguments_are_made_of_arrows_and_decide_the_claim(dag, data):
    pattern = pattern_of(dag)
    claim = data.draw(st.sampled_from(claims(pattern.size)))
    told, _, reason = argument(pattern, claim, NAMES).partition(": ")
    if reason not in (NOWHERE, EVERYWHERE):
        for path in reason.split(", "):
            nodes = [NAMES.index(name) for name in path.replace(" - ", " -> ").split(" -> ")]
            for cause, effect in pairwise(nodes):
                joined = pattern.lines if " - " in path else pattern.parents
                assert joined[effect] >> cause & 1
    if told.startswith("direct"):
        x, y = told.removeprefix("direct ").split(", ")
        assert is_entailed(pattern, claim) == (reason == f"{x} -> {y}")
    else:
        assert is_entailed(pattern, claim) == (reason != NOWHERE)


@given(dags(5), st.data())
def test_a_claim_turned_round_has_the_same_argument(dag, data):
    pattern = pattern_of(dag)
    claim = data.draw(
        st.sampled_from(claims(pattern.size)).filter(
            lambda one: one.kind not in ("collider", "confounder")
        )
    )
    assert argument(pattern, claim, NAMES) == argument(pattern, claim.turned(), NAMES)


def test_what_no_arrows_show_is_told_as_such():
    held = [
        argument(pattern, claim, NAMES)
        for pattern in classes_in(4, "train")
        for claim in claims(4)
        if is_entailed(pattern, claim)
    ]
    assert any(one.endswith(EVERYWHERE) for one in held)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("ancestor", "indirect A, D: A -> C -> D"),
        ("collider", "common effect A, D: none"),
        ("cause", "any A, D: A -> C -> D"),
    ],
)
def test_the_shortest_path_is_told(kind, told):
    pattern = pattern_of((0, 0, 0b11, 0b100))
    assert argument(pattern, Claim(kind, 0, 3), NAMES) == told
