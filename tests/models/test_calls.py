from hypothesis import given
from hypothesis import strategies as st

from models.calls import Relation, relations

NAMES = st.sampled_from(["a", "b", "c", "d", "db/unit", "db"])
CALLS = st.lists(st.tuples(NAMES, NAMES), max_size=12)
MIRROR = {
    Relation.TO_CALLER: Relation.TO_CALLED,
    Relation.TO_CALLED: Relation.TO_CALLER,
    Relation.TO_PART: Relation.TO_WHOLE,
    Relation.TO_WHOLE: Relation.TO_PART,
}


def test_a_call_is_seen_from_both_ends():
    table = relations(["web", "db"], [("web", "db")])
    assert table[0, 1] == Relation.TO_CALLED
    assert table[1, 0] == Relation.TO_CALLER


def test_what_calls_each_other_is_told_apart():
    assert relations(["a", "b"], [("a", "b"), ("b", "a")])[0, 1] == Relation.BOTH


def test_a_unit_is_a_part_of_its_machine():
    assert relations(["db1", "db1/postgresql.service"], [])[0, 1] == Relation.TO_PART
    assert relations(["db1/nginx.service", "db1/postgresql.service"], [])[0, 1] == Relation.SAME


def test_what_a_host_contains_is_its_part_however_deep():
    contains = [("host", "vm"), ("vm", "pod")]
    assert relations(["host", "pod"], [], contains)[0, 1] == Relation.TO_PART
    assert relations(["host", "pod/web"], [], contains)[0, 1] == Relation.TO_PART
    assert relations(["host", "pod"], [("pod", "host")], contains)[0, 1] == Relation.TO_PART


def test_what_contains_itself_is_told_nothing_of():
    table = relations(["a", "b"], [], [("a", "b"), ("b", "a")])
    assert table[0, 1] == table[1, 0] == Relation.UNKNOWN


def test_a_call_on_one_machine_is_a_call():
    table = relations(["h/web", "h/db", "h/mail"], [("h/web", "h/db"), ("h/mail", "h/db")])
    assert table[0, 1] == Relation.TO_CALLED
    assert table[0, 2] == Relation.STRANGERS


def test_entities_without_a_call_are_strangers_and_others_unknown():
    table = relations(["a", "b", "host"], [("a", "x"), ("b", "x")])
    assert table[0, 1] == Relation.STRANGERS
    assert table[0, 2] == Relation.UNKNOWN


def test_a_call_passes_through_what_is_not_considered_only():
    chain = [("web", "mid"), ("mid", "db")]
    assert relations(["web", "db"], chain)[0, 1] == Relation.TO_CALLED
    assert relations(["web", "mid", "db"], chain)[0, 2] == Relation.STRANGERS


@given(st.lists(NAMES, max_size=6), CALLS, CALLS)
def test_the_table_is_its_own_mirror_whatever_the_topology(entities, topology, contains):
    table = relations(entities, topology, contains)
    assert table.shape == (len(entities), len(entities))
    for i, row in enumerate(table.tolist()):
        for j, relation in enumerate(row):
            assert table[j, i] == MIRROR.get(Relation(relation), relation)
