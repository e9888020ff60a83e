"""Premises as lists, formulas, sets and tables, and with two names for each variable."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.corr2cause.classes import classes, renamed
from models.corr2cause.graphs import nodes_in
from models.corr2cause.headings import headed
from models.corr2cause.naming import number_names
from models.corr2cause.notation import in_words
from models.corr2cause.premise_reading import read_relations
from models.corr2cause.reading import answer, read
from models.corr2cause.statements import statements_of

NAMES = (
    ("A", "B", "C", "D"),
    ("X1", "X2", "X3", "X4"),
    ("disk latency", "queue depth", "error rate", "fan speed"),
    ("cpu_load", "heap_used", "p99_latency", "gc_pause"),
)
LETTERS = ("A", "B", "C", "D")
# How a premise begins; its parts: dependent, independent, separated by others; what joins them.
FORMATS = {
    "measure": (
        "Of {all}, all is known.\n",
        "I({a}; {b}) > 0",
        "I({a};{b}) = 0",
        "I({a};{b}|{c}) = 0",
        ", ",
    ),
    "coefficient": (
        "Of {all}: we know that ",
        "corr({a}, {b}) ≠ 0",
        "corr({a}, {b}) = 0",
        "corr({a}, {b} | {c}) = 0",
        "; that ",
    ),
    "word": (
        "Variables: {all}.\n",
        "dep({a}, {b})",
        "indep({a}, {b})",
        "indep({a}, {b} | {{{c}}})",
        "\n",
    ),
    "sign": ("Variables: {all}.\n", "{a} ⊥̸ {b}", "{a} ⊥ {b}", "{a} ⊥ {b} | {{{c}}}", "\n"),
    "product": (
        "{all} are all.\n",
        "{a} and {b} are dependent",
        "P({a}, {b}) = P({a}) P({b})",
        "P({a} | {b}, {c}) = P({a} | {c})",
        ".\n",
    ),
    "table": (
        "Variables: {all}.\n\n| one | other | given | relation |\n",
        "| {a} | {b} | - | dependent |",
        "| {a} | {b} | - | independent |",
        "| {a} | {b} | {c} | independent |",
        "\n",
    ),
    "screened": (
        "All there is: {all}. ",
        "{a} goes with {b}.",
        "{a} has nothing to do with {b}.",
        "{a} is screened off from {b} by {n}.",
        " ",
    ),
    "with given": (
        "All there is: {all}. ",
        "{a} covaries with {b}.",
        "{a} and {b} are unrelated.",
        "With {n} given, {a} is independent of {b}.",
        " ",
    ),
    "matched": (
        "All there is: {all}. ",
        "{a} is linked to {b}.",
        "{a} and {b} are unrelated.",
        "Among cases matched on {n}, {a} was independent of {b}.",
        " ",
    ),
    "partialled": (
        "All there is: {all}. ",
        "{a} is linked to {b}.",
        "{a} and {b} are unlinked.",
        "Once {n} are partialled out, {a} and {b} are unlinked.",
        " ",
    ),
}
# Lists under headings: the three headings, an entry, an entry with what is given, what joins them.
HEADED = {
    "bullets": (
        "Correlated pairs:\n- ",
        "\n\nIndependent pairs:\n- ",
        "\n\nConditionally independent pairs:\n- ",
        "{a} and {b}",
        "{a} and {b}, given {n}",
        "\n- ",
        "",
    ),
    "sets": (
        "correlated = {",
        "}\nindependent = {",
        "}\nconditionally_independent = {",
        "({a}, {b})",
        "({a}, {b} | {c})",
        ", ",
        "}",
    ),
    "semicolons": (
        "These pairs are correlated: ",
        ". These pairs are uncorrelated: ",
        ". These are independent given others: ",
        "{a} and {b}",
        "{a} and {b} given {n}",
        "; ",
        ".",
    ),
    "what": (
        "What correlates: ",
        ".\nWhat doesn't correlate: ",
        ".\nWhat is independent given others: ",
        "{a} with {b}",
        "{a} with {b} given {n}",
        "; ",
        ".",
    ),
    "dashes": (
        "Dependent: ",
        ".\nIndependent: ",
        ".\nIndependent once others are held: ",
        "{a}–{b}",
        "{a}–{b} given {n}",
        "; ",
        ".",
    ),
}


@st.composite
def drawn(draw):
    """Return a class of graphs under any order, and names for its variables."""
    pattern = draw(st.sampled_from([one for size in (3, 4) for one in classes(size)]))
    order = draw(st.permutations(range(pattern.size)))
    return renamed(pattern, list(order)), draw(st.sampled_from(NAMES))[: pattern.size]


def listed(names):
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]


def parts_of(pattern, names):
    """Return the three sorts of statements with their names."""
    sorts: tuple[list[dict[str, str]], ...] = ([], [], [])
    for one in statements_of(pattern):
        given = [names[node] for node in nodes_in(one.given)]
        parts = {"a": names[one.a], "b": names[one.b], "c": ", ".join(given)}
        parts["n"] = listed(given) if given else ""
        sorts[2 if one.given else 1 if one.independent else 0].append(parts)
    return sorts


def is_read(premise, pattern, names):
    reading = read(premise, f"{names[0]} directly causes {names[1]}.")
    assert set(reading.names) == set(names)
    assert reading.names == tuple(names)
    assert set(reading.statements) == set(statements_of(pattern))
    assert reading.not_understood == ()
    found = answer(reading)
    assert found is None or found.basis == "exact"


@pytest.mark.parametrize("form", FORMATS)
@given(drawn())
@settings(max_examples=25, deadline=None)
def test_any_class_is_read_in_any_format(form, case):
    pattern, names = case
    opening, *words, join = FORMATS[form]
    sorts = parts_of(pattern, names)
    told = [word.format(**one) for word, some in zip(words, sorts, strict=True) for one in some]
    if sorts[0] or form in ("word", "sign", "table"):
        is_read(opening.format(all=listed(names)) + join.join(told), pattern, names)


@pytest.mark.parametrize("form", HEADED)
@given(drawn())
@settings(max_examples=25, deadline=None)
def test_any_class_is_read_from_lists_under_headings(form, case):
    pattern, names = case
    *heads, entry, longer, join, end = HEADED[form]
    premise = f"Variables: {listed(names)}.\n"
    for head, some, how in zip(
        heads, parts_of(pattern, names), (entry, entry, longer), strict=True
    ):
        premise += head + (join.join(how.format(**one) for one in some) or "none")
    is_read(premise + end, pattern, names)


@given(drawn(), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_name_letter_and_both_are_one_variable(case, chance):
    pattern, _ = case
    names = ("poor sleep", "work stress", "back pain", "smoking")[: pattern.size]
    both = [f"{name} ({letter})" for name, letter in zip(names, LETTERS, strict=False)]

    def either(name):
        place = names.index(name)
        return chance.choice([name, LETTERS[place], both[place]])

    premise = f"Let's consider {listed(both)}. Nothing else plays a role. "
    forms = (
        "{a} is tied to {b}.",
        "{a} is unrelated to {b}.",
        "Given {n}, {a} is unrelated to {b}.",
    )
    for form, some in zip(forms, parts_of(pattern, names), strict=True):
        for one in some:
            given = listed([either(name) for name in one["c"].split(", ")]) if one["c"] else ""
            premise += form.format(a=either(one["a"]), b=either(one["b"]), n=given) + " "
    reading = read(premise, f"{either(names[1])} directly causes {either(names[0])}.")
    assert reading.names == names
    assert set(reading.statements) == set(statements_of(pattern))
    assert reading.about == (1, 0)


@pytest.mark.parametrize(
    ("premise", "names"),
    [
        ("Let P denote rainfall, Q denote traffic and R denote mood. P goes with mood.", 3),
        ("X1 = rainfall, X2 = traffic, X3 = mood. X1 is linked to X2. X2 goes with X3.", 3),
        ("R (rainfall), T (traffic) and M (mood) are all. Rainfall goes with T and mood.", 3),
    ],
)
def test_other_ways_to_tell_two_names(premise, names):
    reading = read(premise, "Rainfall directly causes traffic.")
    assert reading.names == ("rainfall", "traffic", "mood")[:names]
    assert reading.about == (0, 1)


def test_an_a_before_two_names_is_an_article():
    reading = read("A, B and C are all. A goes with B.", "A wobbly path leads from B to C.")
    assert reading.about == (1, 2)
    assert read("A, B and C are all. A goes with B.", "A causes B.").about == (0, 1)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("A is independent of B given any of the following sets: {C}, {C, D}.", "I01|2 I01|23"),
        ("A and B are independent given {C} or {C, D}.", "I01|2 I01|23"),
        ("A and B are independent given C, and also given D.", "I01|2 I01|3"),
        ("A is independent of B given either C or both C and D.", "I01|2 I01|23"),
        ("Given any of C and D, A and B are independent.", "I01|2 I01|3"),
        ("A and B, A and C, and B and D are correlated.", "D01| D02| D13|"),
        ("There are links between A and B, between A and C.", "D01| D02|"),
        ("A and B covary, as do A and C.", "D01| D02|"),
        ("A and B are marginally dependent but independent given C.", "D01| I01|2"),
        ("A and B are dependent, but become independent once C is known.", "D01| I01|2"),
        ("A and B are independent unless C is known.", "I01| D01|2"),
        ("A and B do not correlate if C is held fixed, nor if D is held fixed.", "I01|2 I01|3"),
        ("A is independent of B, both on its own and given C.", "I01| I01|2"),
        ("Within each stratum of C, A and B are independent.", "I01|2"),
        ("After C has been regressed out, A and B are uncorrelated.", "I01|2"),
        ("Given D, A ⊥ B and B ⊥ C.", "I01|3 I12|3"),
        ("A ⊥ B, A ⊥ C and B ⊥ C | D", "I01| I02| I12|3"),
        ("Every pair is correlated, except for these, which are not: A and B; C and D.",
         "I01| D02| D03| D12| D13| I23|"),
        ("Given C, these pairs are independent: A and B; A and D.", "I01|2 I03|2"),
        ("corr(A, B) is significantly different from zero, ρ(A, C) = 0.", "D01| I02|"),
        ("A is co-expressed with B, i.e. the two are correlated.", "D01|"),
    ],
)  # fmt: skip
def test_a_statement_with_several_parts(sentence, expected):
    relations = read_relations(headed(number_names(in_words(sentence), LETTERS)))
    told = {
        f"{'DI'[one.independent]}{one.a}{one.b}|" + "".join(map(str, nodes_in(one.given)))
        for one in relations.statements
    }
    assert told == set(expected.split())
    assert relations.not_understood == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "A is correlated with B, unlike what holds of C.",
        "A is independent of B given C [C, D].",
        "A is independent of B (see also D).",
    ],
)
def test_names_that_are_not_used_are_told_as_not_understood(sentence):
    relations = read_relations(number_names(sentence, LETTERS))
    assert relations.not_understood == (sentence,)


@pytest.mark.parametrize(
    "odd",
    ["{A, B}, ", "(A, B), ", "A and B, ", "given A and B or ", "through some other ", "A: ", "| A ",
     "corr(A, B) = ", "A ⊥ B, ", "foo (A), ", "X = foo bar ", "(", " ", "cause of a ",
     "Let A denote x ", "Let A denote x, ", "call A ", "write a as A, ", "each of them ", "no two ",
     "given A, they are independent, ", "if A and ", "between them; and ", "all pairs, ",
     "other than A and B ", "would change if A and "],
)  # fmt: skip
def test_odd_texts_take_no_time(odd):
    """Each form of repetition that a pattern could run wild on."""
    text = odd * (20_000 // len(odd))
    began = time.process_time()
    read("A, B and C are all. A correlates with B. " + text, "A directly causes B.")
    read("A, B and C are all. A correlates with B.", "A directly causes B " + text)
    assert time.process_time() - began < 3
