from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.simulator.concepts import concepts, links
from models.simulator.questions import TOPOLOGIES, edge_questions
from models.simulator.vocabularies import NAMES, Vocabulary

HELD_OUT = {name for name, concept in concepts().items() if concept.held_out}


def concepts_of(question):
    """Return the names of both concepts, whatever the vocabulary called them."""
    back = {name: concept for table in NAMES.values() for concept, name in table.items()}
    return [back.get(kind.name, kind.name) for kind in (question.first, question.second)]


def test_the_same_arguments_give_the_same_questions():
    assert list(edge_questions(1, 40, "dev")) == list(edge_questions(1, 40, "dev"))
    assert list(edge_questions(1, 40, "dev")) != list(edge_questions(2, 40, "dev"))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_every_answer_is_as_likely_in_either_order_and_none_is_frequent(seed):
    answers = Counter(question.answer for question in edge_questions(seed, 300, "dev"))
    assert 50 < answers["forward"] < 130
    assert 50 < answers["backward"] < 130
    assert 80 < answers["none"] < 160


def test_what_is_linked_wherever_it_is_measured_is_never_none():
    known = {(link.cause, link.effect) for link in links()}
    for question in edge_questions(0, 1500, "train", ["product"]):
        a, b = concepts_of(question)
        if question.case != "direct":
            assert (a, b) not in known
            assert (b, a) not in known
        elif (b, a) in known:
            assert question.answer == "backward"
        elif (a, b) in known:
            assert question.answer == "forward"


def test_training_and_development_meet_nothing_that_is_kept_for_the_test():
    for split in ("train", "dev"):
        for question in edge_questions(3, 800, split):
            assert question.vocabulary != "windows"
            assert HELD_OUT.isdisjoint(concepts_of(question))


def test_each_test_question_has_one_thing_that_training_never_meets():
    start = TOPOLOGIES["test"][0]
    for question in edge_questions(3, 900, "test"):
        assert int(question.topology.removeprefix("topology-")) >= start
        assert (question.vocabulary == "windows") == (question.split == "test vocabulary")
        if question.vocabulary != "nonsense":
            unseen = not HELD_OUT.isdisjoint(concepts_of(question))
            assert unseen == (question.split == "test concepts")


def test_no_two_splits_share_a_topology():
    numbers = [set(range(start, start + number)) for start, number in TOPOLOGIES.values()]
    assert sum(map(len, numbers)) == len(set.union(*numbers))
    assert TOPOLOGIES["train"][1] >= 500


def test_the_vocabulary_of_the_test_cannot_be_trained_on():
    with pytest.raises(ValueError, match="windows"):
        next(edge_questions(0, 1, "train", ["windows"]))


def test_only_the_wanted_vocabularies_are_used():
    wanted: tuple[Vocabulary, ...] = ("nonsense", "smart")
    drawn = Counter(q.vocabulary for q in edge_questions(0, 300, "train", wanted))
    assert set(drawn) == set(wanted)
