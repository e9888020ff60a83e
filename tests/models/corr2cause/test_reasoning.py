"""The steps from a premise to its essential graph: each follows from the one before it."""

import re
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.generate import items
from models.corr2cause.graphs import colliders, pattern_of
from models.corr2cause.names import METRIC_NAMES, SIGNAL_NAMES, WORDS, shortened
from models.corr2cause.reasoning import reasoning
from models.corr2cause.retelling import listed, sections
from models.corr2cause.statements import statements_of
from tests.models.corr2cause.test_graphs import dags

NAMES = ("db", "web", "cpu load", "D", "E")
SEPARATED = re.compile(r"(?P<pair>.+? - .+?)(?: \| (?P<given>.+))? : (?P<middles>.+)")


@given(dags(5))
def test_joined_is_what_is_dependent_and_never_apart(dag):
    pattern = pattern_of(dag)
    told = {name: listed(rest) for name, rest in sections(reasoning(pattern, NAMES))}
    never = {one.partition(" | ")[0] for one in told["apart"]}
    assert told["skeleton"] == [pair for pair in told["dependent"] if pair not in never]
    assert told["skeleton"] == [f"{NAMES[a]} - {NAMES[b]}" for a, b in pattern.edges()]


@given(dags(5))
def test_a_separated_pair_is_told_again_with_what_collides_between_its_ends(dag):
    pattern = pattern_of(dag)
    told = {name: listed(rest) for name, rest in sections(reasoning(pattern, NAMES))}
    joined = {frozenset(pair.split(" - ")) for pair in told["skeleton"]}
    found = set()
    for text in told["v-structures"]:
        shape = SEPARATED.fullmatch(text)
        assert shape
        assert text.partition(" : ")[0] in told["apart"]
        a, b = shape["pair"].split(" - ")
        given_too = (shape["given"] or "").split(" + ")
        middles = [] if shape["middles"] == "none" else shape["middles"].split(" + ")
        assert middles == [
            name
            for name in NAMES
            if {frozenset({a, name}), frozenset({b, name})} <= joined and name not in given_too
        ]
        found |= {tuple(NAMES.index(name) for name in (a, middle, b)) for middle in middles}
    assert found == colliders(pattern.parents, pattern.lines)
    pairs = {one.partition(" | ")[0] for one in told["apart"]}
    assert len(told["v-structures"]) == len(pairs)


@given(dags(5))
def test_what_is_told_again_is_what_a_premise_says(dag):
    pattern = pattern_of(dag)
    told = {name: listed(rest) for name, rest in sections(reasoning(pattern, NAMES))}
    said = {
        f"{NAMES[one.a]} - {NAMES[one.b]}"
        + (" | " if one.given else "")
        + " + ".join(name for place, name in enumerate(NAMES) if one.given >> place & 1)
        for one in statements_of(pattern)
        if one.independent
    }
    assert set(told["apart"]) <= said
    assert {one.partition(" | ")[0] for one in told["apart"]} == {
        one.partition(" | ")[0] for one in said
    }


@given(
    st.lists(st.sampled_from((*SIGNAL_NAMES, *METRIC_NAMES, *WORDS)), unique=True, max_size=7),
)
def test_a_short_name_is_a_beginning_that_only_its_own_variable_has(names):
    short = shortened(names)
    assert len(set(short)) == len(names)
    assert all(name.startswith(each) for name, each in zip(names, short, strict=True))
    for (name, each), (other, theirs) in combinations(zip(names, short, strict=True), 2):
        assert each == name or not re.match(rf"{re.escape(each)}(?![^\s_.])", other)
        assert theirs == other or not re.match(rf"{re.escape(theirs)}(?![^\s_.])", name)


def test_items_reason_in_short_names():
    for item in items(7, 60):
        short = shortened(item.names)
        assert item.argument.partition(":")[0].endswith(
            tuple(f" {a}, {b}" for a in short for b in short if a != b)
        )
        told = {name: listed(rest) for name, rest in sections(item.reasoning)}
        named = {name for pair in told["skeleton"] for name in pair.split(" - ")}
        assert named <= set(short)
