import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.questions.asked import read_question
from models.questions.figures import read_figures
from models.questions.phrases import alike, opposite
from models.questions.reader import answer
from models.questions.world import read_world
from models.questions.yes_no import NOTHING, YesNo

CACHE = "Caching has a direct effect on load and latency. Load has a direct effect on latency."
SHARE = st.integers(1, 99)


@pytest.mark.parametrize(
    "told",
    [
        "For servers with a full disk, the probability of a crash is 30%. For servers without a "
        "full disk, the probability of a crash is 5%.",
        "If the disk is full, the probability of a crash is 30%. If the disk is not full, the "
        "probability of a crash is 5%.",
        "30% of servers with a full disk crash. 5% of servers without a full disk crash.",
        "P(crash | full disk) = 0.3. P(crash | no full disk) = 0.05.",
    ],
)
def test_which_condition_is_the_lesser_is_told_by_its_words_and_not_by_its_place(told):
    for word, expected in (("increase", True), ("decrease", False)):
        found = answer(f"{told} Does a full disk {word} the chance of a crash?")
        assert found is not None
        assert (found.probability > 0.5) == expected


def percent(share):
    return f"{share}%"


@given(SHARE, SHARE)
def test_an_effect_is_the_difference_of_two_figures(without, with_cache):
    text = (
        f"For servers without a cache, the probability of high latency is {percent(without)}. "
        f"For servers with a cache, the probability of high latency is {percent(with_cache)}. "
    )
    for word, sign in (("increase", 1), ("decrease", -1)):
        found = answer(text + f"Will caching {word} the chance of high latency?")
        assert found is not None
        assert np.sign(found.probability - 0.5) == np.sign(with_cache - without) * sign
        assert "effect" in found.read


@given(SHARE, SHARE, SHARE, SHARE, SHARE)
def test_a_confounder_is_averaged_over(a, b, c, d, share):
    text = (
        f"For idle servers and without a cache, the probability of high latency is {a}%. "
        f"For idle servers and with a cache, the probability of high latency is {b}%. "
        f"For busy servers and without a cache, the probability of high latency is {c}%. "
        f"For busy servers and with a cache, the probability of high latency is {d}%. "
        f"The overall probability of busy servers is {share}%. "
    )
    found = answer(text + "Will having a cache increase the chance of high latency?")
    expected = (b - a) * (100 - share) + (d - c) * share
    assert found is not None
    if abs(expected) > 1e-6:
        assert (found.probability > 0.5) == (expected > 0)


@given(st.tuples(SHARE, SHARE, SHARE, SHARE), st.tuples(SHARE, SHARE))
def test_direct_and_indirect_effects_are_told_apart(outcome, moved):
    y = np.array(outcome).reshape(2, 2) / 100
    m = np.stack([1 - np.array(moved) / 100, np.array(moved) / 100], axis=1)
    who = ("jobs that are not batched", "jobs that are batched")
    slow = ("are not queued", "are queued")
    text = " ".join(
        f"For {who[x]} and {slow[z]}, the probability of failure is {outcome[2 * x + z]}%."
        for x in (0, 1)
        for z in (0, 1)
    )
    text += "".join(f" For {who[x]}, the probability of queued is {moved[x]}%." for x in (0, 1))
    direct = answer(
        text + " If we disregard the mediation effect through queueing, would batching positively "
        "affect failure?"
    )
    indirect = answer(text + " Does batching positively affect failure through queueing?")
    assert direct is not None
    assert indirect is not None
    for found, value in ((direct, m[0] @ (y[1] - y[0])), (indirect, (m[1] - m[0]) @ y[0])):
        if abs(value) > 1e-6:
            assert (found.probability > 0.5) == (value > 0)


@given(SHARE, SHARE, SHARE)
def test_a_marginal_is_summed(share, without, with_fan):
    text = (
        f"The overall probability of a broken fan is {share}%. "
        f"For servers with no broken fan, the probability of throttling is {without}%. "
        f"For servers with a broken fan, the probability of throttling is {with_fan}%. "
        "Is throttling more likely than no throttling overall?"
    )
    value = (100 - share) * without + share * with_fan - 5000
    found = answer(text)
    assert found is not None
    if value:
        assert (found.probability > 0.5) == (value > 0)


@pytest.mark.parametrize(
    ("method", "other", "expected"),
    [
        ("We look directly at how load correlates with latency in general.", "caching", False),
        (
            "We look at how load correlates with latency case by case according to caching.",
            "",
            True,
        ),
    ],
)
def test_the_back_door_decides_which_method_is_right(method, other, expected):
    second = (
        f"We look at this correlation case by case according to {other}."
        if other
        else "We look directly at how load correlates with latency in general."
    )
    text = (
        f"{CACHE} Method 1: {method} Method 2: {second} To understand how load affects latency, "
        "is it more correct to use the Method 1 than Method 2?"
    )
    found = answer(text)
    assert found is not None
    assert (found.probability > 0.5) == expected


def test_a_mediator_is_not_adjusted_for():
    text = (
        f"{CACHE} Method 1: We look at how caching correlates with latency case by case according "
        "to load. Method 2: We look directly at how caching correlates with latency in general. "
        "To understand how caching affects latency, is it more correct to use the Method 1 than "
        "Method 2?"
    )
    found = answer(text)
    assert found is not None
    assert found.probability < 0.5


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        ("the service fails if high load instead of low load", True),
        ("the service fails if low load instead of high load", False),
        ("the service does not fail if low load instead of high load", True),
    ],
)
def test_rules_are_followed_with_one_thing_set(ending, expected):
    text = (
        "We know that high load and slow disk causes long queue. long queue causes service "
        f"failure. We observed the disk is slow. Would {ending}?"
    )
    found = answer(text)
    assert found is not None
    assert (found.probability > 0.5) == expected


def test_a_correlation_within_a_selection_is_no_effect():
    text = "For hosts that were returned, the correlation between heat and noise is 0.31. "
    asked = "If we look at hosts that were returned, does it mean that heat {} noise?"
    for verb, expected in (("affects", False), ("does not affect", True)):
        found = answer(text + asked.format(verb))
        assert found is not None
        assert (found.probability > 0.5) == expected


def test_rounded_figures_do_not_outweigh_the_graph():
    text = (
        "Heat has a direct effect on returns. Noise has a direct effect on returns. The overall "
        "probability of heat is 64%. The probability of no heat and noise is 34%. The probability "
        "of heat and noise is 60%. Is the chance of noise {} when observing heat?"
    )
    for word in ("larger", "smaller"):
        found = answer(text.format(word))
        assert found is not None
        assert found.probability < 0.5


def test_a_claim_about_a_graph_that_is_told():
    for question, expected in (
        ("Does caching directly affect latency?", True),
        ("Is latency a cause of caching?", False),
        ("Do load and latency have a common cause?", True),
    ):
        found = answer(f"{CACHE} {question}")
        assert found is not None
        assert (found.probability > 0.5) == expected


def test_a_graph_is_read_and_a_circle_is_none():
    world = read_world(
        ["Gender has a direct effect on treatment and recovery.", "Treatment → recovery"]
    )
    assert world is not None
    assert world.names == ("gender", "treatment", "recovery")
    assert world.acts(0, 2)
    assert not world.is_adjustment(1, 2, frozenset())
    assert world.is_adjustment(1, 2, frozenset({0}))
    assert read_world(["a → b", "b → a"]) is None


@given(st.text(max_size=200))
def test_any_text_is_answered_or_left(text):
    found = answer(text + "?")
    assert found is None or 0 <= found.probability <= 1


def test_what_is_not_asked_in_a_known_way_is_left():
    assert answer("Is a fan loud?") is None
    assert answer("Nothing is asked.") is None
    assert read_question("How many disks are there?") is None
    assert read_figures(["Nothing is told."]).tables == ()


def test_phrases_about_one_thing_and_its_opposite():
    assert alike("studying hard", "students who do not study hard") == 1
    assert opposite("high blood pressure", "low blood pressure")
    assert opposite("nonsmokers", "smokers")
    assert not opposite("smokers", "people who smoke")
    assert alike("full disk", "loud fan") == 0


class Stubborn:
    """An engine that prefers yes, and a little more so to a question about disks."""

    def log_probabilities(self, prompts, answers):
        odds = np.array([2.0 + ("disk" in prompt) for prompt in prompts])
        return np.stack([odds, np.zeros(len(prompts))], axis=1)


def test_what_a_model_says_without_content_is_taken_off():
    model = YesNo(Stubborn())
    fan, disk = model.questions(["Is a fan loud?", "Is a disk full?"])
    assert fan == pytest.approx(0.5)
    assert disk > 0.5
    assert model.entailments([("A disk is full.", "It is full.")])[0] > 0.5
    assert all("disk" not in word for word in NOTHING)
