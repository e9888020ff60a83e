"""Premises in words that mean nothing to the reader, or something else."""

import numpy as np
import pytest

from models.corr2cause.classes import classes, renamed
from models.corr2cause.graphs import nodes_in
from models.corr2cause.naming import number_names
from models.corr2cause.premise_reading import read_relations
from models.corr2cause.reading import answer, read
from models.corr2cause.statements import statements_of

NAMES = ("rain", "node_load1", "Q", "sleep", "X3")
OPENING = "There are {n} variables in this system: {names}."
WORDS = {
    "invented": ("{a} glorps {b}.", "{a} does not glorp {b}.", "Wugging {given}, {a} zims {b}."),
    "between": ("{a} glorps {b}.", "{a} hardly glorps {b}.", "{a}, wugged by {given}, zims {b}."),
    "behind": ("A glorp joins {a} to {b}.", "Yet {a} zims {b}.", "{a} zims {b} frumb {given}."),
}


def patterns(count):
    """Yield classes of three to five variables under random names."""
    rng = np.random.default_rng(count)
    known = [pattern for size in (3, 4, 5) for pattern in classes(size)]
    for place in rng.choice(len(known), count, replace=False):
        yield renamed(known[place], rng.permutation(known[place].size).tolist())


def listed(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def told(pattern, words):
    """Return all relations of a class in sentences of three forms."""
    dependent, independent, separated = words
    names = NAMES[: pattern.size]
    parts = [OPENING.format(n=pattern.size, names=listed(names))]
    for one in statements_of(pattern):
        given = listed([names[node] for node in nodes_in(one.given)]) if one.given else ""
        form = separated if one.given else independent if one.independent else dependent
        parts.append(form.format(a=names[one.a], b=names[one.b], given=given))
    return " ".join(parts)


@pytest.mark.parametrize("words", WORDS)
def test_what_words_do_not_say_follows_from_what_completes_the_list(words):
    right = 0
    for pattern in patterns(25):
        reading = read(told(pattern, WORDS[words]), "rain directly causes Q.")
        assert reading.names == NAMES[: pattern.size]
        same = set(reading.statements) == set(statements_of(pattern))
        assert same or reading.not_understood
        right += same
    assert right >= 20


def test_a_form_that_says_the_contrary_is_either_found_out_or_not_trusted():
    """No negation and no turn suggest which of two invented verbs is the independence."""
    words = ("{a} zims {b}.", "{a} glorps {b}.", "Wugging {given}, {a} glorps {b}.")
    for pattern in patterns(25):
        reading = read(told(pattern, words), "rain directly causes Q.")
        found = answer(reading)
        right = set(reading.statements) == set(statements_of(pattern))
        assert right or found is None or 0.3 <= found.probability <= 0.7


def test_one_sentence_among_known_ones_is_read_by_what_it_leaves_open():
    premise = (
        "Suppose there is a closed system of 4 variables, A, B, C and D. A correlates with C. "
        "A glorps D. B correlates with C. B correlates with D. C correlates with D. However, A is "
        "independent of B. A and D are independent given C. A and D zim given B and C. B and D are "
        "independent given C. B and D are independent given A and C."
    )
    found = answer(read(premise, "A directly causes C."))
    assert found is not None
    assert found.basis == "exact"
    assert found.probability > 0.9


def test_a_list_that_nothing_completes_is_left_as_it_was_read():
    text = number_names("A, B and C are all. A correlates with B. A glorps C.", ("A", "B", "C"))
    relations = read_relations(text)
    assert relations.not_understood == ("A glorps C.",)
    reading = read("A, B and C are all. A correlates with B. A glorps C.", "A causes B.")
    assert reading.statements == relations.statements
    assert reading.not_understood == relations.not_understood
