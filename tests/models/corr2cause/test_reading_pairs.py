"""Pairs and what is held fixed in whatever order they come, exceptions, and names given to letters.

What a sentence says is written in short: "X~Y" where both are dependent, "X_Y|V,W" where they are
independent given others.
"""

import re
from itertools import combinations

import pytest

from models.corr2cause.reading import answer, read

NAMES = ("V", "W", "X", "Y", "Z")
OPENING = "Suppose there are five variables, V, W, X, Y and Z. "
LAST = " Z is correlated with V, W, X and Y."
OF_LAST = "V~Z; W~Z; X~Z; Y~Z"


def said(premise):
    reading = read(premise, "V causes W.")
    assert set(reading.names) == set(NAMES)
    assert reading.not_understood == ()
    name = reading.names
    return {
        (
            *sorted((name[one.a], name[one.b])),
            *(name[node] for node in range(len(name)) if one.given >> node & 1),
            one.independent,
        )
        for one in reading.statements
    }


def written(short):
    found = set()
    for one in short.split("; "):
        a, relation, b, *given = re.findall(r"\w(?<!_)|[~_]", one)
        found.add((a, b, *given, relation == "_"))
    return found


@pytest.mark.parametrize(
    ("sentence", "short"),
    [
        (
            "X and Y are not independent on their own, but they are independent given V, W, and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        (
            "X and Y are dependent, but the two become independent once V, W and Z are known.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y correlate, yet this pair is independent given V and W.", "X~Y; X_Y|V,W"),
        (
            "Although X and Y are correlated, they are independent given V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y are correlated; both are unrelated given V, W and Z.", "X~Y; X_Y|V,W,Z"),
        (
            "X and Y are marginally dependent but become independent given V, W, and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y are correlated. They are independent given V, W and Z.", "X~Y; X_Y|V,W,Z"),
        ("X and Y are correlated, but given V, W and Z they are independent.", "X~Y; X_Y|V,W,Z"),
        (
            "X and Y are not independent on their own, but they are independent given V, "
            "given V and W, and given V, W, and Z.",
            "X~Y; X_Y|V; X_Y|V,W; X_Y|V,W,Z",
        ),
        (
            "X is correlated with Y. However, it is independent of Y given V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("Factoring in V and W, the researchers found that X and Y are uncorrelated.", "X_Y|V,W"),
        ("With V and W in the model, X and Y are unrelated.", "X_Y|V,W"),
        ("Bringing V and W into the picture, X and Y are unrelated.", "X_Y|V,W"),
        ("Including V and W as covariates, we found X and Y to be uncorrelated.", "X_Y|V,W"),
        ("Having taken V and W into account, the team saw no link between X and Y.", "X_Y|V,W"),
        ("Looking only at cases with equal V and W, X and Y are independent.", "X_Y|V,W"),
        ("Factoring in V, W and Z, X and Y are uncorrelated.", "X_Y|V,W,Z"),
        ("When factoring in V, the researchers found that X and Y are uncorrelated.", "X_Y|V"),
        ("As long as V and W stayed the same, X and Y had no relation.", "X_Y|V,W"),
        ("In plants with the same V, X and Y were not related.", "X_Y|V"),
        ("Among plants with the same V, W and Z, X and Y were not related.", "X_Y|V,W,Z"),
        ("So long as V and W do not vary, X and Y are independent.", "X_Y|V,W"),
        ("Whenever V and W took one value, X and Y were unrelated.", "X_Y|V,W"),
        ("While V and W remained unchanged, X had no relation with Y.", "X_Y|V,W"),
        ("Where V and W are identical, X and Y show no association.", "X_Y|V,W"),
        ("If we only compare cases that agree on V and W, X and Y are independent.", "X_Y|V,W"),
        ("We find independence between V and W; and between X and Y.", "V_W; X_Y"),
        ("There is a correlation between V and W, and between X and Y.", "V~W; X~Y"),
        ("We observe independence between V and W; also between X and Y.", "V_W; X_Y"),
        ("Independence holds between V and W; between X and Y.", "V_W; X_Y"),
        ("We see no correlation between V and W or between X and Y.", "V_W; X_Y"),
        ("A correlation exists between V and W, as well as between X and Y.", "V~W; X~Y"),
        ("We find independence between V and W; and between X and Y given Z.", "V_W; X_Y|Z"),
        (
            "X and Y are associated, but this association vanishes given V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        (
            "X and Y show a dependence; the pair becomes independent once V and W are held fixed.",
            "X~Y; X_Y|V,W",
        ),
        (
            "X and Y are related, though they turn out to be independent after "
            "conditioning on V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("While X and Y are correlated, they are independent given V and W.", "X~Y; X_Y|V,W"),
        (
            "X and Y are correlated. Given V, W and Z, however, they are independent.",
            "X~Y; X_Y|V,W,Z",
        ),
        (
            "X and Y are linked. The link between them disappears given V, W, and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        (
            "X correlates with Y. These two are independent given V and also given V and W.",
            "X~Y; X_Y|V; X_Y|V,W",
        ),
        (
            "X and Y are dependent; once V, W and Z are fixed, the two are independent.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y are dependent, and they stay dependent given V, W and Z.", "X~Y; X~Y|V,W,Z"),
        (
            "Putting V, W and Z in the model, the analysts saw that X and Y are independent.",
            "X_Y|V,W,Z",
        ),
        ("After bringing in V and W, the dependence of X on Y is gone.", "X_Y|V,W"),
        ("By including V, W and Z, we see that X and Y are uncorrelated.", "X_Y|V,W,Z"),
        ("Once our model contains V and W, X and Y are no longer associated.", "X_Y|V,W"),
        (
            "Having stratified the data by V and W, the authors found X and Y to be independent.",
            "X_Y|V,W",
        ),
        ("Provided V and W do not change, X and Y are not related.", "X_Y|V,W"),
        (
            "In classes where V and W were equal, X and Y had nothing to do with each other.",
            "X_Y|V,W",
        ),
        ("Among days with like V and W, X and Y are not linked.", "X_Y|V,W"),
        ("For people of the same V, W and Z, X and Y are unrelated.", "X_Y|V,W,Z"),
        ("Comparing only plots that share V and W, X showed no relation to Y.", "X_Y|V,W"),
        ("In households whose V and W coincide, X and Y are unrelated.", "X_Y|V,W"),
        ("We found no correlation between V and W; nor between X and Y.", "V_W; X_Y"),
        (
            "Dependence is seen between V and W; and between X and Y; and between W and X.",
            "V~W; X~Y; W~X",
        ),
        ("There is a link between V and W; also one between X and Y.", "V~W; X~Y"),
        ("V and W are independent; so are X and Y.", "V_W; X_Y"),
        ("V and W are independent; likewise X and Y.", "V_W; X_Y"),
        (
            "X and Y are dependent marginally; however, they turn independent given V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y move together, but not once V, W and Z are held constant.", "X~Y; X_Y|V,W,Z"),
        (
            "There is a correlation between X and Y, which vanishes given V, W and Z.",
            "X~Y; X_Y|V,W,Z",
        ),
        ("X and Y are not independent unless V, W and Z are given.", "X~Y; X_Y|V,W,Z"),
        ("X depends on Y but is independent of it given V, W and Z.", "X~Y; X_Y|V,W,Z"),
        (
            "Adding V and W to the regression, we no longer see a correlation between X and Y.",
            "X_Y|V,W",
        ),
        ("With V, W and Z factored in, X and Y are uncorrelated.", "X_Y|V,W,Z"),
        ("Using V and W as controls, the survey shows X to be independent of Y.", "X_Y|V,W"),
        ("On days when V and W were the same, X and Y were unrelated.", "X_Y|V,W"),
        ("Inside groups with equal V, W and Z, X did not correlate with Y.", "X_Y|V,W,Z"),
        ("We see independence between V and W, as well as between X and Y.", "V_W; X_Y"),
    ],
)
def test_the_pair_and_what_is_held_fixed_are_told_apart(sentence, short):
    assert said(OPENING + sentence + LAST) == written(short) | written(OF_LAST)


@pytest.mark.parametrize(
    ("sentence", "exceptions"),
    [
        (
            "With the exception of W and Y, which are independent, all pairs of variables "
            "are correlated.",
            "W_Y",
        ),
        ("Except for W and Y, every pair of variables is correlated.", "W_Y"),
        ("Apart from W and Y, all pairs of variables are correlated.", "W_Y"),
        ("Other than W and Y, which are unrelated, any two variables correlate.", "W_Y"),
        ("Save for W and Y and X and Z, all pairs are dependent.", "W_Y; X_Z"),
        ("Aside from W and Y, every two variables are dependent.", "W_Y"),
        ("Excluding the pair W and Y, all pairs are correlated.", "W_Y"),
        ("W and Y are independent, and every other pair is correlated.", "W_Y"),
        ("Only W and Y are independent; all other pairs are correlated.", "W_Y"),
        ("With the exceptions of W and Y and of X and Z, all pairs are correlated.", "W_Y; X_Z"),
        ("Each of them is correlated with every other one. No conditional independences hold.", ""),
        (
            "Every variable is correlated with every other. There are no conditional "
            "independences.",
            "",
        ),
        (
            "All variables are correlated with one another, and no independence holds under "
            "any conditioning.",
            "",
        ),
        ("They are all pairwise correlated, whatever is conditioned on.", ""),
        ("All pairs are correlated and stay so given any of the others.", ""),
        (
            "Any two of them correlate. None of the pairs becomes independent when others "
            "are held fixed.",
            "",
        ),
        (
            "Each variable correlates with each of the others, and there are no "
            "independences of any kind.",
            "",
        ),
        ("All of them are correlated with each other.", ""),
        ("No two of them are independent.", ""),
        ("Bar W and Y, which do not correlate, every pair is correlated.", "W_Y"),
        ("Except that W and Y are independent, all pairs of variables are correlated.", "W_Y"),
        ("Leaving aside W and Y, all pairs are dependent.", "W_Y"),
        ("With the single exception of W and Y, all pairs are dependent.", "W_Y"),
        ("All pairs are correlated, with the exception of W and Y, which are independent.", "W_Y"),
        (
            "Besides W and Y and V and X, which are independent pairs, every pair correlates.",
            "W_Y; V_X",
        ),
        ("The only independent pair is W and Y; every other pair is dependent.", "W_Y"),
        ("W is independent of Y, while all the other pairs are correlated.", "W_Y"),
        ("Every one of them is correlated with all the others.", ""),
        ("Each correlates with each other one. Nothing becomes independent by conditioning.", ""),
        ("All five of them are mutually dependent.", ""),
        (
            "Every variable depends on every other variable, and conditioning "
            "never removes a dependence.",
            "",
        ),
        ("There is no pair that is independent.", ""),
        ("Any two variables are dependent, also given the others.", ""),
        ("Leaving out W and Y, which are independent, any pair of variables is correlated.", "W_Y"),
        (
            "There is a correlation within every pair of these variables. No "
            "independence holds conditionally.",
            "",
        ),
        ("Each one is dependent on each of the other four.", ""),
    ],
)
def test_all_pairs_but_some(sentence, exceptions):
    apart = written(exceptions) if exceptions else set()
    pairs = {(a, b) for a, b in combinations(NAMES, 2)} - {one[:2] for one in apart}
    assert said(OPENING + sentence) == apart | {(*pair, False) for pair in pairs}


@pytest.mark.parametrize(
    "sentence",
    [
        "Thanks to V and W of all things, X and Y are independent.",
        "We find independence between V and W given Z; and between X and Y.",
        "They are independent given V, W and Z.",
        "Bearing V and W in mind, X is unrelated to Y.",
        "Notwithstanding W and Y, all pairs are correlated.",
        "Thanks to V and W being known, X and Y are independent.",
        "Unless V or W changed, X and Y had no relation.",
        "W and Y aside, all pairs are correlated.",
        "All pairs of variables, W and Y excepted, are correlated.",
        "No pair but W and Y is independent.",
        "No link was found between V and W; neither between X and Y.",
    ],
)
def test_what_cannot_be_told_is_not_understood(sentence):
    reading = read(OPENING + sentence + LAST, "V causes W.")
    assert reading.not_understood != ()


@pytest.mark.parametrize(
    "sentence",
    [
        "Let A denote rainfall, B river flow and C deer density.",
        "We write V for rainfall, W for river flow and X for deer density.",
        "Throughout, P stands for rainfall, Q for river flow, and R for deer density.",
        "We denote rainfall by A, river flow by B and deer density by C.",
        "Call rainfall A, river flow B and deer density C.",
        "Let A be rainfall, let B be river flow, and let C be deer density.",
        "Rainfall will be written as X, river flow as Y, and deer density as Z.",
        "Here A is short for rainfall, B for river flow, C for deer density.",
        "The letters A, B and C refer to rainfall, river flow and deer density, respectively.",
        "Let X, Y and Z be rainfall, river flow and deer density respectively.",
        "A represents rainfall, B river flow, C deer density.",
        "Using A for rainfall, B for river flow and C for deer density, this is all we know.",
        "Let A denote rainfall, B denote river flow and C denote deer density.",
        "In what follows, A denotes rainfall, B denotes river flow, and C denotes deer density.",
        "Write A for rainfall, B for river flow, and C for deer density.",
        "We will use R for rainfall, S for river flow, and T for deer density.",
        "We abbreviate rainfall as A, river flow as B and deer density as C.",
        "We let A, B and C stand for rainfall, river flow and deer density.",
        "In this text A means rainfall, B means river flow and C means deer density.",
        "A is rainfall, B is river flow, and C is deer density.",
        "Rainfall is called A, river flow B and deer density C.",
        "Put A for rainfall, B for river flow and C for deer density.",
        "Let A = rainfall, B = river flow, C = deer density.",
        "Our variables are rainfall, river flow and deer density, which we call A, B and C.",
        "For short we call rainfall A, river flow B, and deer density C.",
        "With A we denote rainfall, with B river flow, and with C deer density.",
        "Let R be the variable rainfall, S the variable river flow, and T the "
        "variable deer density.",
        "Denoting rainfall by A, river flow by B and deer density by C, we have the following.",
        "A will denote rainfall, B will denote river flow, C will denote deer density.",
        "Set A to be rainfall, B to be river flow and C to be deer density.",
    ],
)
def test_letters_are_given_to_names(sentence):
    a, b, c = sorted(set(re.findall(r"\b[A-Z]\b", sentence)))
    premise = f"{sentence} {a} and {c} are correlated. {b} and {c} are correlated. "
    premise += f"{a} is independent of {b}."
    for hypothesis, holds in (
        ("River flow causes deer density.", True),
        ("Deer density causes river flow.", False),
    ):
        reading = read(premise, hypothesis)
        assert {name.lower() for name in reading.names} == {
            "rainfall",
            "river flow",
            "deer density",
        }
        assert reading.not_understood == ()
        found = answer(reading)
        assert found is not None
        assert found.probability > 0.9 if holds else found.probability < 0.1


@pytest.mark.parametrize(
    ("premise", "short"),
    [
        (
            "In a system of five variables (V, W, X, Y and Z), the following pairs show a "
            "correlation: V and W, W and X. All remaining pairs are uncorrelated.",
            "V~W; W~X; V_X; V_Y; V_Z; W_Y; W_Z; X_Y; X_Z; Y_Z",
        ),
        (
            OPENING + "V and W are independent conditional on each of the following: X; Y and Z. "
            "V and Z are correlated.",
            "V_W|X; V_W|Y,Z; V~Z",
        ),
        (
            OPENING + "Given Y, V is independent of W; V is independent of X. Z is dependent on Y.",
            "V_W|Y; V_X|Y; Y~Z",
        ),
        (
            OPENING + "By contrast, V is not associated with W and X is not associated with Y. "
            "Moreover, V is not associated with X among cases with the same Z, and W is not "
            "associated with X among cases with the same Y and Z.",
            "V_W; X_Y; V_X|Z; W_X|Y,Z",
        ),
        (
            OPENING + "If we already know Y and Z, then knowing V does not help to predict W. "
            "Given X, no dependence between V and Z was detected.",
            "V_W|Y,Z; V_Z|X",
        ),
    ],
)
def test_what_a_sentence_leaves_out_is_taken_from_where_it_was_said(premise, short):
    assert said(premise) == written(short)


def test_a_heading_of_sets_without_any_set_is_told():
    heading = "V and W are independent conditional on each of the following:"
    reading = read(f"{OPENING}{heading} Z is correlated with Y.", "V causes W.")
    assert reading.not_understood == (heading,)
