"""What a model wrote, read back: the solver concludes from it what it would from the premise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.arguments import argument
from models.corr2cause.graphs import pattern_of
from models.corr2cause.reasoning import reasoning
from models.corr2cause.relations import claims, is_entailed
from models.corr2cause.retelling import concluded
from tests.models.corr2cause.test_graphs import dags

NAMES = ("db", "web 1", "cpu load", "D", "E")


@given(dags(5), st.data())
def test_a_premise_told_again_is_enough_to_conclude(dag, data):
    pattern = pattern_of(dag)
    claim = data.draw(st.sampled_from(claims(pattern.size)))
    told = reasoning(pattern, NAMES), argument(pattern, claim, NAMES)
    assert concluded(*told) == is_entailed(pattern, claim)


@given(dags(4), st.data())
def test_what_a_model_made_of_its_own_words_changes_nothing(dag, data):
    pattern = pattern_of(dag)
    claim = data.draw(st.sampled_from(claims(pattern.size)))
    right = reasoning(pattern, NAMES)
    wrong = right.partition("; skeleton")[0] + "; skeleton none; v-structures none; arrows none"
    asked = argument(pattern, claim, NAMES).partition(": ")[0] + ": none"
    assert concluded(wrong, asked) == concluded(right, argument(pattern, claim, NAMES))


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("", "direct A, B: none"),
        ("dependent A - B; apart none", "direct A, C: none"),
        ("dependent A - B; apart none", "nearly A, B: none"),
        ("dependent A - A; apart none", "direct A, A: none"),
        ("dependent A B; apart none", "direct A, B: none"),
    ],
)
def test_what_has_another_form_concludes_nothing(told, asked):
    assert concluded(told, asked) is None


@pytest.mark.parametrize("slip", ["A - B | D", "A - B | A", "A", "A - A", "A - B - C", "- "])
def test_a_slip_of_the_pen_is_left_out(slip):
    told = f"dependent A - C, B - C; apart A - B, {slip}"
    assert concluded(told, "common effect A, B: none") is True
