from hypothesis import given
from hypothesis import strategies as st

from models.calls import Relation, relations

NAMES = st.sampled_from(["a", "b", "c", "d", "db/unit", "db"])
CALLS = st.lists(st.tuples(NAMES, NAMES), max_size=12)
MIRROR = {Relation.TO_CALLER: Relation.TO_CALLED, Relation.TO_CALLED: Relation.TO_CALLER}


def test_a_call_is_seen_from_both_ends():
    table = relations(["web", "db"], [("web", "db")])
    assert table[0, 1] == Relation.TO_CALLED
    assert table[1, 0] == Relation.TO_CALLER


def test_what_calls_each_other_is_told_apart():
    assert relations(["a", "b"], [("a", "b"), ("b", "a")])[0, 1] == Relation.BOTH


def test_a_unit_is_its_machine():
    assert relations(["db1", "db1/postgresql.service"], [])[0, 1] == Relation.SAME


def test_entities_without_a_call_are_strangers_and_others_unknown():
    table = relations(["a", "b", "host"], [("a", "x"), ("b", "x")])
    assert table[0, 1] == Relation.STRANGERS
    assert table[0, 2] == Relation.UNKNOWN


def test_a_call_passes_through_what_is_not_considered_only():
    chain = [("web", "mid"), ("mid", "db")]
    assert relations(["web", "db"], chain)[0, 1] == Relation.TO_CALLED
    assert relations(["web", "mid", "db"], chain)[0, 2] == Relation.STRANGERS


@given(st.lists(NAMES, max_size=6), CALLS)
def test_the_table_is_its_own_mirror_whatever_the_topology(entities, topology):
    table = relations(entities, topology)
    assert table.shape == (len(entities), len(entities))
    for i, row in enumerate(table.tolist()):
        for j, relation in enumerate(row):
            assert table[j, i] == MIRROR.get(Relation(relation), relation)
