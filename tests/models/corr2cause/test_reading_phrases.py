"""Turns of phrase for causal claims, in which the names stand far from the words that count."""

import pytest

from models.corr2cause.hypothesis_reading import read_hypothesis
from models.corr2cause.naming import number_names
from models.corr2cause.relations import Claim

CLAIMS = (
    ("confounder", "A variable other than X and Y has a causal influence on each of them."),
    ("confounder", "Some factor besides X and Y drives both of them."),
    ("confounder", "Something apart from X and Y acts on each."),
    ("confounder", "A factor that is neither X nor Y causes the two of them."),
    ("confounder", "There is a variable, different from X and Y, that influences both."),
    ("confounder", "A variable other than X and Y affects both."),
    ("collider", "A variable other than X and Y is affected by both of them."),
    ("collider", "A variable other than X and Y is an effect of each of them."),
    ("collider", "We can find a variable which has both X and Y among its causes."),
    ("collider", "One can point to a variable with both X and Y among its causes."),
    ("collider", "There is a factor that counts both X and Y among its causes."),
    ("collider", "Some variable numbers X and Y among its causes."),
    ("collider", "It is possible to identify a variable that X and Y both cause."),
    ("confounder", "We can find a variable which has both X and Y among its effects."),
    ("collider", "Some variable has X and Y among its causes."),
    ("parent", "The mechanism that sets Y takes X as an input."),
    ("parent", "X is an input of the function that determines Y."),
    ("parent", "X enters the mechanism that produces Y."),
    ("parent", "The process that generates Y uses X as an argument."),
    ("parent", "X appears in the structural equation of Y."),
    ("parent", "X is one of the inputs to the mechanism that sets Y."),
    ("effect", "X gets its marching orders from Y."),
    ("effect", "X takes its lead from Y."),
    ("effect", "X takes its instructions from Y."),
    ("effect", "X gets its cues from Y."),
    ("effect", "X is at the beck and call of Y."),
    ("ancestor", "There's a middleman between X and Y that transmits the effect of X."),
    ("ancestor", "A go-between carries the influence of X to Y."),
    ("ancestor", "Between X and Y sits a variable that passes the effect of X on to Y."),
    ("ancestor", "A relay passes X's influence on to Y."),
    ("ancestor", "There is an intermediary between X and Y which hands on what X does."),
    ("collider", "Some third variable would change if X changed and would change if Y changed."),
    ("collider", "There's a variable that would change if X changed and also if Y changed."),
    ("collider", "Something would move if X moved and would move if Y moved."),
    (
        "collider",
        "Some variable would respond if X were changed, and would respond if Y were changed too.",
    ),
    (
        "collider",
        "Wiggling X would move some third variable, and wiggling Y would move it as well.",
    ),
    ("confounder", "Some variable outside the pair X and Y drives each."),
    (
        "confounder",
        "There is a factor, other than X and Y themselves, that influences both of them.",
    ),
    ("confounder", "A third quantity, distinct from X and Y, shapes them both."),
    ("collider", "A factor besides X and Y depends on both."),
    ("collider", "Each of X and Y feeds into a variable other than X and Y."),
    ("confounder", "Besides X and Y there is a variable that acts on both of them."),
    ("collider", "One of the variables counts X as well as Y among its causes."),
    ("collider", "There is at least one variable that lists both X and Y among its drivers."),
    ("collider", "There is a node with X and Y among its parents."),
    ("confounder", "You could name a factor that has both X and Y among its consequences."),
    ("confounder", "One variable has X and Y as effects."),
    ("collider", "There is a quantity for which X and Y are both among the causes."),
    ("parent", "The rule that fixes Y uses X."),
    ("parent", "X figures in the equation for Y."),
    ("parent", "The formula for Y contains X."),
    ("parent", "X is fed into the mechanism that generates Y."),
    ("parent", "X is an argument of the function that sets Y."),
    ("effect", "X takes its orders from Y."),
    ("effect", "X gets its direction from Y."),
    ("effect", "X follows the lead of Y."),
    ("effect", "X dances to Y's tune."),
    ("effect", "X receives its instructions from Y."),
    ("parent", "Y takes its marching orders straight from X."),
    ("ancestor", "There's a messenger between X and Y that carries the influence of X."),
    ("ancestor", "Between X and Y stands a third variable that relays what X does to Y."),
    ("ancestor", "Some intermediary passes the effect of X on to Y."),
    ("ancestor", "A middleman hands X's influence on to Y."),
    ("ancestor", "There is a variable between X and Y which channels the effect of X to Y."),
    ("ancestor", "There exists a go-between that transmits X's effect to Y."),
    (
        "collider",
        "There is a variable that would respond if we changed X and would respond if we changed Y.",
    ),
    ("collider", "Some other factor would shift if X shifted and would shift if Y shifted."),
    ("collider", "Something else changes when X changes and also changes when Y changes."),
    (
        "collider",
        "A third variable would be different if X were different, "
        "and would be different if Y were different.",
    ),
    ("collider", "Changing X would alter some variable, and changing Y would alter it too."),
    ("confounder", "X would change if some third variable changed, and so would Y."),
    ("confounder", "Somewhere outside X and Y there is a variable that pushes them both around."),
    ("confounder", "A quantity different from X and from Y has an effect on both."),
    ("collider", "A variable that is neither X nor Y is influenced by the two of them."),
    ("collider", "Among the causes of some variable are both X and Y."),
    ("collider", "One factor has both X and Y as causes."),
    ("parent", "The function that computes Y has X among its arguments."),
    ("ancestor", "There is a middleman who passes the influence of X along to Y."),
    ("collider", "There is something that reacts when X is changed and reacts when Y is changed."),
)


def claimed(sentence):
    return read_hypothesis(" ".join(number_names(sentence, ("X", "Y")).sentences))


@pytest.mark.parametrize(("kind", "sentence"), CLAIMS)
def test_a_turn_of_phrase_is_read(kind, sentence):
    found = claimed(sentence)
    assert found is not None
    claim = Claim(kind, 0, 1)
    assert found.claim in (claim, claim.turned())
    assert not found.denied
    assert found.sure


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("confounder", "No variable other than X and Y acts on both of them."),
        ("collider", "There is no variable that has both X and Y among its causes."),
        ("parent", "The mechanism that sets Y does not take X as an input."),
        ("effect", "X does not get its marching orders from Y."),
    ],
)
def test_a_turn_of_phrase_is_denied(kind, sentence):
    found = claimed(sentence)
    assert found is not None
    claim = Claim(kind, 0, 1)
    assert found.claim in (claim, claim.turned())
    assert found.denied


@pytest.mark.parametrize(
    "sentence",
    [
        "No go-between carries the influence of X to Y.",
        "Nothing would change if X changed and would change if Y changed.",
    ],
)
def test_a_denied_phrase_is_not_taken_for_the_phrase(sentence):
    found = claimed(sentence)
    assert found is None or found.denied or not found.sure or found.claim.kind == "parent"


def test_names_that_a_claim_only_sets_aside_make_less_sure():
    found = claimed("Things besides X and Y, which some factor drives, drive Y.")
    assert found is None or not found.sure
