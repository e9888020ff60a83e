import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.corr2cause.generate import items
from models.corr2cause.naming import find_names
from models.corr2cause.reading import answer, read
from models.corr2cause.relations import Claim
from models.corr2cause.statements import Statement

BENCHMARK = (
    "Premise: Suppose there is a closed system of 4 variables, A, B, C and D. All the statistical "
    "relations among these 4 variables are as follows: A correlates with C. A correlates with D. B "
    "correlates with C. B correlates with D. C correlates with D. However, A is independent of "
    "B. A and D are independent given C. A and D are independent given B and C. B and D are "
    "independent given C. B and D are independent given A and C."
)
COLLIDER_THEN_CHAIN = {
    Statement(0, 2, 0, False),
    Statement(0, 3, 0, False),
    Statement(1, 2, 0, False),
    Statement(1, 3, 0, False),
    Statement(2, 3, 0, False),
    Statement(0, 1),
    Statement(0, 3, 0b0100),
    Statement(0, 3, 0b0110),
    Statement(1, 3, 0b0100),
    Statement(1, 3, 0b0101),
}
XY = "Two variables, X and Y, are all there is. X correlates with Y."


@pytest.mark.parametrize("held_out", [False, True])
def test_what_is_told_is_read_back(held_out):
    """Wordings that are held out from training are no more difficult to read."""
    for item in items(11, 150, "train", (2, 3, 4), held_out_wording=held_out, balanced=True):
        reading = read(item.premise, item.hypothesis)
        assert set(reading.names) == set(item.names)
        assert reading.not_understood == ()
        found = answer(reading)
        assert found is not None
        assert found.basis == "exact"
        assert (found.probability > 0.5) == item.label
        if reading.names == item.names:
            assert found.structure == item.structure


def test_the_benchmarks_own_wording():
    reading = read(BENCHMARK, "Hypothesis: A directly causes C.")
    assert reading.names == ("A", "B", "C", "D")
    assert set(reading.statements) == COLLIDER_THEN_CHAIN
    found = answer(reading)
    assert found is not None
    assert found.basis == "exact"
    assert found.probability > 0.9


@pytest.mark.parametrize(
    "premise",
    [
        "Consider the cpu load, disk latency, the queue depth and error rate. The cpu load and the "
        "queue depth are associated. The cpu load is linked to error rate. Disk latency and the "
        "queue depth are dependent. Disk latency is related to error rate. The queue depth is "
        "associated with error rate. The cpu load is unrelated to disk latency. Once we know the "
        "queue depth, the cpu load and error rate are unrelated. If the queue depth and disk "
        "latency are both known, the cpu load tells nothing about error rate. Controlling for the "
        "queue depth, disk latency has no relationship with error rate. Disk latency has no "
        "relationship with error rate conditional on the cpu load and the queue depth.",
        "Variables: X1, X2, X3, X4\n- X1 is not independent of X3\n- X1 depends on X4\n"
        "- X2 is correlated with X3\n- X2 is correlated with X4\n- X3 is related to X4\n"
        "- X1 ⊥ X2\n- X1 ⊥ X4 | X3\n- X1 ⊥ X4 | X2, X3\n- X2 ⊥ X4 | X3\n- X2 ⊥ X4 | {X1, X3}",
        "A system holds 'rain', 'sun', 'growth' and 'harvest'. 'rain' goes hand in hand with "
        "'growth' and 'harvest', but not with 'sun'. 'sun' correlates with 'growth' and 'harvest'. "
        "'growth' is tied to 'harvest'. 'rain' and 'harvest' are no longer correlated when "
        "'growth' is held constant. 'rain' and 'harvest' do not depend on each other given "
        "'growth' and 'sun'. 'sun' and 'harvest' become independent after conditioning on "
        "'growth'. 'sun' and 'harvest' are uncorrelated once 'rain' and 'growth' are known.",
    ],
)
def test_the_same_premise_in_other_words_and_names(premise):
    names = find_names(premise)
    assert len(names) == 4
    reading = read(premise, f"{names[0]} directly affects {names[2]}.")
    assert reading.not_understood == ()
    assert set(reading.statements) >= COLLIDER_THEN_CHAIN - {Statement(1, 3, 0, False)}
    found = answer(reading)
    assert found is not None
    assert found.basis == "exact"
    assert found.probability > 0.9


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("X directly causes Y.", "parent"),
        ("X directly affects Y.", "parent"),
        ("X has a direct effect on Y.", "parent"),
        ("There is a direct effect of X on Y.", "parent"),
        ("X influences Y without any mediator.", "parent"),
        ("X is a parent of Y.", "parent"),
        ("X → Y is a direct causal link.", "parent"),
        ("Y directly causes X.", "child"),
        ("X is directly caused by Y.", "child"),
        ("X is a direct result of Y.", "child"),
        ("The direct cause of X is Y.", "child"),
        ("X has Y as a direct cause.", "child"),
        ("X causes something else which causes Y.", "ancestor"),
        ("X is a cause for Y, but not a direct one.", "ancestor"),
        ("X influences Y through some mediator(s).", "ancestor"),
        ("X is not a direct cause but an indirect cause of Y.", "ancestor"),
        ("X affects Y, though not directly.", "ancestor"),
        ("X causes Y indirectly.", "ancestor"),
        ("There is a mediated effect of X on Y.", "ancestor"),
        ("Y is a cause for X, but not a direct one.", "descendant"),
        ("X is affected by Y, but not directly.", "descendant"),
        ("X is influenced by Y via intermediate variables.", "descendant"),
        ("There exists at least one collider (i.e., common effect) of X and Y.", "collider"),
        ("Some variable(s) are caused by both X and Y.", "collider"),
        ("X and Y together cause some other variable.", "collider"),
        ("X and Y have a common descendant.", "collider"),
        ("Something is an effect of both X and Y.", "collider"),
        ("There exists at least one confounder (i.e., common cause) of X and Y.", "confounder"),
        ("Some variable(s) cause(s) both X and Y.", "confounder"),
        ("X and Y are both influenced by another factor.", "confounder"),
        ("A hidden driver is shared: X and Y share a common parent.", "confounder"),
        ("X causes Y.", "cause"),
        ("Does X have an effect on Y?", "cause"),
        ("X affects Y, directly or indirectly.", "cause"),
        ("X depends causally on Y.", "effect"),
        ("X results from Y.", "effect"),
    ],
)
def test_a_hypothesis_in_many_words(sentence, kind):
    reading = read(XY, sentence)
    assert reading.claim is not None
    assert not reading.claim.denied
    expected = Claim(kind, 0, 1)
    assert reading.claim.claim in (expected, expected.turned())


@pytest.mark.parametrize(
    ("sentence", "kind"),
    [
        ("X does not directly cause Y.", "parent"),
        ("X is not a direct cause of Y.", "parent"),
        ("X has no effect on Y.", "cause"),
        ("There is no common cause of X and Y.", "confounder"),
    ],
)
def test_a_hypothesis_that_denies(sentence, kind):
    reading = read(XY, sentence)
    assert reading.claim is not None
    assert reading.claim.denied
    assert reading.claim.claim == Claim(kind, 0, 1)


@pytest.mark.parametrize(
    ("premise", "claim"),
    [
        (
            "Let's consider three factors: eating junk food (A), obesity (B), and watching "
            "television (C). There is a correlation between eating junk food and obesity, and "
            "between watching television and obesity. However, eating junk food and watching "
            "television are independent from each other.",
            "Eating junk food directly affects obesity.",
        ),
        (
            "Consider eating junk food (A), obesity (B) and watching television (C). A correlates "
            "with B. B correlates with C. A is independent of C.",
            "A directly affects B.",
        ),
        (
            "Variables: a, b, c. Relations: a - b dependent; c - b dependent; a - c independent.",
            "a directly affects b.",
        ),
        (
            "A researcher has data about a, b and c. There is a correlation between a and b, and "
            "between b and c. There is no correlation between a and c.",
            "There is a direct effect of a on b.",
        ),
        (
            "We look at a fan, a disk and an oven. A fan correlates with a disk. An oven "
            "correlates with the disk. The fan is independent of the oven.",
            "The fan directly affects the disk.",
        ),
        (
            "Given are cpu (%), disk (GB) and fan (V). cpu (%) correlates with disk (GB). fan (V) "
            "correlates with disk (GB). cpu (%) is independent of fan (V).",
            "cpu (%) directly affects disk (GB).",
        ),
    ],
)
def test_long_names_with_short_ones_and_small_letters(premise, claim):
    found = answer(read(premise, claim))
    assert found is not None
    assert found.basis == "exact"
    assert found.probability > 0.9


def test_what_is_not_understood_is_told_and_makes_less_sure():
    odd = BENCHMARK.replace("A and D are independent given C.", "A and D frobnicate.")
    reading = read(odd, "A directly causes C.")
    assert reading.not_understood == ("A and D frobnicate.",)
    found = answer(reading)
    assert found is not None
    assert found.probability < 0.9


def test_a_relation_with_what_has_no_name_makes_less_sure():
    premise = "Only X and Y are known. X correlates with Y. X is associated with the weather."
    reading = read(premise, "X directly causes Y.")
    assert reading.not_understood == ("X is associated with the weather.",)
    found = answer(reading)
    assert found is not None
    assert 0.2 < found.probability < 0.8


def test_without_a_claim_there_is_no_answer():
    reading = read(BENCHMARK, "A is nicer than C, and D is nicest.")
    assert reading.claim is None
    assert reading.not_understood == ("A is nicer than C, and D is nicest.",)
    assert answer(reading) is None
    assert answer(read(BENCHMARK, "A is not nicer than C.")) is None


def test_a_claim_in_unknown_words_is_as_likely_as_those_it_may_be():
    none = answer(read("A and B are all there is. A correlates with B.", "A is nicer than B."))
    some = answer(read(BENCHMARK, "C is nicer than D."))
    assert none is not None
    assert none.probability == pytest.approx(0.05)
    assert some is not None
    assert 0.05 < some.probability < 0.95


def test_a_variable_called_a_and_the_article_are_told_apart():
    premise = "Variables: A, B and C. A correlation exists between A and C. A correlates with B."
    assert set(read(premise, "A causes B.").statements) == {
        Statement(0, 2, 0, False),
        Statement(0, 1, 0, False),
    }


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_is_read_or_left(premise, hypothesis):
    reading = read(premise, hypothesis)
    assert len(reading.names) == len(set(reading.names))
    answer(reading)
