"""Words that vary are told from words that do not, whatever the order of the lines."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.templates import TemplateParser

NAMES = ["ann", "bob", "eve"]


def templates(lines, **limits):
    parser = TemplateParser(**limits)
    parser.learn(lines)
    return parser.templates()


words = st.sampled_from(["a", "b", "user", "failed", "x1", "x2", "<n>", "ERROR", "IOException:"])
some_lines = st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join), unique=True)


@given(some_lines, st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(lines, order):
    shuffled = list(lines)
    order.shuffle(shuffled)
    assert templates(lines) == templates(shuffled)


@given(some_lines)
def test_a_template_matches_its_lines_word_by_word(lines):
    for line, template in templates(lines).items():
        pairs = list(zip(line.split(" "), template.split(" "), strict=True))
        assert all(shown in (word, "<*>") for word, shown in pairs)


@given(some_lines)
def test_exceptions_and_levels_stay(lines):
    for line, template in templates(lines).items():
        for word, shown in zip(line.split(" "), template.split(" "), strict=True):
            assert shown == word or word not in {"ERROR", "IOException:"}


@pytest.mark.parametrize(
    ("values", "number"),
    [
        (["red", "blue"], 2),  # two plain words may be two messages
        (["red", "blue", "green"], 1),
        (["web1", "web2"], 1),
        (["STARTING", "RUNNING", "STOPPING", "STOPPED"], 4),  # states
        (["java.io.IOException", "KeyError", "ValueError", "OSError", "x"], 5),
        (["level=info", "level=warn", "level=error", "level=debug"], 4),
    ],
)
def test_how_many_words_make_a_wildcard_depends_on_what_they_are(values, number):
    found = templates([f"task went to {value} after a while" for value in values])
    assert len(set(found.values())) == number


def test_the_first_word_needs_more():
    few = templates([f"{name} startup succeeded now" for name in NAMES])
    assert len(set(few.values())) == 3
    many = templates([f"{a}{b} startup succeeded now" for a in "abcde" for b in "vwxyz"])
    assert set(many.values()) == {"<*> startup succeeded now"}


def test_a_line_that_a_template_matches_belongs_to_it():
    lines = [f"user {name} came from <ip>" for name in NAMES] + ["user mallory came from <n>"]
    assert set(templates(lines).values()) == {"user <*> came from <*>"}


def test_two_places_that_vary_together():
    lines = [
        f"copy {a}{a} to the other {b}{b}" for a, b in zip("abcdefgh", "stuvwxyz", strict=True)
    ]
    assert set(templates(lines).values()) == {"copy <*> to the other <*>"}


def test_a_mark_is_told_where_all_lines_have_it():
    lines = ["read <n> of <n> from <ip>", "read <n> of <hex> from <ip>"]
    assert set(templates(lines).values()) == {"read <n> of <*> from <ip>"}


def test_words_beyond_the_limit_are_one():
    tail = " ".join("w" * 100)
    found = templates([f"{tail} {name}" for name in NAMES])
    assert len(set(found.values())) == 1


def test_lines_not_seen_for_longest_are_forgotten_first():
    parser = TemplateParser(max_lines=2)
    parser.learn(["one", "two"])
    parser.learn(["two", "three"])
    assert set(parser.templates()) == {"two", "three"}
    parser.learn(["four", "five", "six"])
    assert set(parser.templates()) == {"four", "five"}


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_hostile_lines_end_in_time(seed):
    draw = random.Random(seed)
    alphabet = draw.choice(["ab", "abc", "a1", "AB"])
    lines = {" ".join(draw.choices(alphabet, k=draw.randint(1, 60))) for _ in range(2000)}
    assert len(set(templates(sorted(lines)).values())) <= 1001
