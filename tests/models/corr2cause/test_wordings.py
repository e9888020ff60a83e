"""Many ways to say the same."""

import pytest

from models.corr2cause.hypothesis_reading import read_hypothesis
from models.corr2cause.naming import number_names
from models.corr2cause.premise_reading import read_relations
from models.corr2cause.relations import Claim

NAMES = ("A", "B", "C", "D", "E")


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("A and B are marginally independent.", "I01|"),
        ("A is conditionally independent of B given C.", "I01|2"),
        ("A ⫫ B | C", "I01|2"),
        ("A ⊥ B | C, D", "I01|23"),
        ("A _||_ B | {C, D}", "I01|23"),
        ("Given C and D, A no longer correlates with B.", "I01|23"),
        ("The correlation between A and B vanishes when conditioning on C.", "I01|2"),
        ("A correlates with B, C, and D.", "D01| D02| D03|"),
        ("B is correlated with C as well as D.", "D12| D13|"),
        ("There is no statistical relationship between A and B once C is given.", "I01|2"),
        ("There is no statistical relationship between A and B given that we know C.", "I01|2"),
        ("Controlling for C removes the association between A and B.", "I01|2"),
        ("Knowing the value of C makes A and B independent.", "I01|2"),
        ("Knowing C renders A and B independent.", "I01|2"),
        ("C screens off A from B.", "I01|2"),
        ("If C is given, A and B are unrelated.", "I01|2"),
        ("The association between A and B disappears after adjusting for C.", "I01|2"),
        ("A and B are dependent conditional on C.", "D01|2"),
        ("A is not independent of B even given C.", "D01|2"),
        ("When we hold C and D constant, A and B become independent of each other.", "I01|23"),
        ("A and B become uncorrelated once we account for C.", "I01|2"),
        ("After controlling for C, D, and E, A shows no association with B.", "I01|234"),
        ("A exhibits a statistical association with B.", "D01|"),
        ("A and B co-vary.", "D01|"),
        ("A is statistically related to B.", "D01|"),
        ("There exists a correlation between A and B.", "D01|"),
        ("A and B are statistically independent of one another.", "I01|"),
        ("Conditional on C, there is no dependence between A and B.", "I01|2"),
        ("With knowledge of C, A and B are independent.", "I01|2"),
        ("A and B do not influence each other statistically given C.", "I01|2"),
        (
            "Once the values of C and D are known, A provides no further information about B.",
            "I01|23",
        ),
        ("A is uncorrelated with B in the presence of C.", "I01|2"),
        ("With respect to C, A and B are conditionally independent.", "I01|2"),
        ("Under the condition of C, A and B are independent.", "I01|2"),
        ("A and B are independent under the condition of C and D.", "I01|23"),
        ("A and B are independent, given C.", "I01|2"),
        ("A and B are independent when C is considered.", "I01|2"),
        ("A and B are independent when considering C and D together.", "I01|23"),
        ("A is related to B.", "D01|"),
        ("A has a correlation with B.", "D01|"),
        ("Taking into account C and D, A and B are independent.", "I01|23"),
        ("If we condition on C, the dependence between A and B goes away.", "I01|2"),
        ("A and B are independent if we know C.", "I01|2"),
        ("A and B are d-separated by C and D.", "I01|23"),
        ("A and B show no statistical association when stratifying by C.", "I01|2"),
        ("Holding C fixed, A and B are not correlated.", "I01|2"),
        ("A's value tells us nothing about B's value given C.", "I01|2"),
        ("A and B are connected statistically.", "D01|"),
        ("A is statistically dependent upon B.", "D01|"),
        ("A fluctuates with B.", "D01|"),
        ("Changes in A go with changes in B.", "D01|"),
        ("A does not correlate with B when C is taken into account.", "I01|2"),
        ("A doesn't correlate with B.", "I01|"),
        ("A isn't associated with B.", "I01|"),
        ("C screens A off from B.", "I01|2"),
        ("C and D d-separate A from B.", "I01|23"),
        ("C and D block the association between A and B.", "I01|23"),
        ("C makes A and B conditionally independent.", "I01|2"),
        ("The dependence between A and B is fully explained by C.", "I01|2"),
        ("The correlation between A and B is entirely accounted for by C and D.", "I01|23"),
        ("Within levels of C, A and B are unrelated.", "I01|2"),
        ("In the presence of information about C, A and B are independent.", "I01|2"),
        ("With C and D in hand, A tells us nothing new about B.", "I01|23"),
        ("A is uninformative about B.", "I01|"),
        ("A tracks B.", "D01|"),
        ("Changes in A are accompanied by changes in B.", "D01|"),
    ],
)
def test_a_statement(sentence, expected):
    """ "I01|2" is: A and B are independent given C."""
    relations = read_relations(number_names(sentence, NAMES))
    told = [
        f"{'DI'[one.independent]}{one.a}{one.b}|"
        + "".join(str(node) for node in range(5) if one.given >> node & 1)
        for one in relations.statements
    ]
    assert " ".join(told) == expected
    assert relations.not_understood == ()


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("A has a direct impact on B.", "parent"),
        ("A is a direct driver of B.", "parent"),
        ("A exerts a direct causal influence on B.", "parent"),
        ("B is directly influenced by A.", "parent"),
        ("B is a direct consequence of A.", "parent"),
        ("A immediately causes B.", "parent"),
        ("Changes in A directly lead to changes in B.", "parent"),
        ("A is the immediate cause of B.", "parent"),
        ("The relationship between A and B is a direct causal one from A to B.", "parent"),
        ("A is an ancestor of B but not a parent.", "ancestor"),
        ("A influences B indirectly.", "ancestor"),
        ("A influences B via at least one intermediate variable.", "ancestor"),
        ("A has an indirect causal effect on B.", "ancestor"),
        ("A causes B through one or more other variables.", "ancestor"),
        ("The effect of A on B is mediated.", "ancestor"),
        ("A is a cause of B, although not directly.", "ancestor"),
        ("A is a non-direct cause of B.", "ancestor"),
        ("A affects something which affects B.", "ancestor"),
        ("A causes another variable that causes B.", "ancestor"),
        ("A does not directly cause B, but it does so indirectly.", "ancestor"),
        ("B is affected by A, though only indirectly.", "ancestor"),
        ("B is indirectly influenced by A through mediators.", "ancestor"),
        ("There is an indirect path from A to B.", "ancestor"),
        ("A is a remote cause of B.", "ancestor"),
        ("A is a distal cause of B.", "ancestor"),
        ("There is at least one variable that is affected by both A and B.", "collider"),
        ("A and B have a joint effect on some variable.", "collider"),
        ("A and B share a common effect.", "collider"),
        ("Both A and B affect a third variable.", "collider"),
        ("A and B both contribute to another variable.", "collider"),
        ("There is a variable which is caused by A and B.", "collider"),
        ("A and B jointly cause something.", "collider"),
        ("There is a collider between A and B.", "collider"),
        ("Some variable(s) is/are influenced by A and B simultaneously.", "collider"),
        ("A and B both have an effect on some other variable.", "collider"),
        ("A and B have at least one common effect.", "collider"),
        ("A and B converge on some common effect.", "collider"),
        ("Some variable(s) cause(s) both A and B.", "confounder"),
        ("A and B have a shared cause.", "confounder"),
        ("There is a variable that has an effect on both A and B.", "confounder"),
        ("There is a confounder between A and B.", "confounder"),
        ("A and B are both affected by the same variable.", "confounder"),
        ("A and B are driven by a common factor.", "confounder"),
        ("Another variable influences both A and B.", "confounder"),
        ("A and B have the same underlying cause.", "confounder"),
        ("The relationship between A and B is confounded.", "confounder"),
        ("A common factor affects A and B.", "confounder"),
        ("There is a common driver of A and B.", "confounder"),
        ("At least one variable is a cause of both A and B.", "confounder"),
        ("A and B are caused by a third variable.", "confounder"),
        ("Something causes A as well as B.", "confounder"),
        ("There exists a variable which is a common cause of A and B.", "confounder"),
        ("A and B are both children of some variable.", "confounder"),
        ("Some factor is responsible for both A and B.", "confounder"),
        ("A and B are influenced by a common variable.", "confounder"),
        ("A and B result in a common outcome.", "collider"),
        ("A and B depend on a common variable.", "confounder"),
        ("A and B lead to the same outcome.", "collider"),
        ("A has an unmediated effect on B.", "parent"),
        ("The causal graph contains the edge A -> B.", "parent"),
        ("A is a direct determinant of B.", "parent"),
        ("Direct causation runs from A to B.", "parent"),
        ("A is directly dependent causally on B.", "child"),
        ("There is a directed path of length at least two from A to B.", "ancestor"),
        ("A is a descendant of B without being its child.", "descendant"),
        ("A is upstream of B, with at least one variable in between.", "ancestor"),
        ("A is a distant cause of B.", "ancestor"),
        ("A and B have an effect in common.", "collider"),
        ("Some third variable depends causally on both A and B.", "collider"),
        ("A and B contribute jointly to another variable.", "collider"),
        ("A and B have some effect that they share.", "collider"),
        ("There's a variable from which both A and B result.", "confounder"),
        ("A and B have some cause that they share.", "confounder"),
        ("A has an effect on B that is not mediated by anything.", "parent"),
        ("A is, indirectly, an effect of B.", "descendant"),
        ("A reaches B only via other variables.", "ancestor"),
        ("A is a cause of a cause of B.", "ancestor"),
        ("A is an effect of an effect of B.", "descendant"),
        ("A and B collide at some variable.", "collider"),
        ("Some variable is downstream of both A and B.", "collider"),
        ("One can find a variable which is caused by A and is also caused by B.", "collider"),
        ("A and B have a cause in common.", "confounder"),
        ("One can find a variable which causes A and which also causes B.", "confounder"),
        ("There is a factor behind both A and B.", "confounder"),
        ("A and B each have the same third variable as a cause.", "confounder"),
    ],
)
def test_a_claim(sentence, kind):
    read = read_hypothesis(number_names(sentence, NAMES).sentences[0])
    assert read is not None
    assert not read.denied
    claim = Claim(kind, 0, 1)
    assert read.claim in (claim, claim.turned())


@pytest.mark.parametrize(
    "sentence",
    [
        "A and B are of both sorts of causes.",
        "A sits further up the causal chain than B, not adjacent to it.",
        "A likes B.",
    ],
)
def test_what_may_be_meant_otherwise_is_left(sentence):
    assert read_hypothesis(number_names(sentence, NAMES).sentences[0]) is None
