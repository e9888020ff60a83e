"""Lines of one shape are masked alike: what makes it safe to mask one of them only."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.line_shapes import LONGEST, distinct
from models.templates import MANY, MASKS, masked

PIECES = (
    *("7", "42", "0", "0x", "0x1F", "2026", "12345", "123456789012", "-3", "1.5", "a", "b1", "f0"),
    *(
        "deadbeef1",
        "7f3a9c00",
        "_",
        "_m",
        "_1234",
        "-",
        ":",
        ".",
        ",",
        " ",
        '"',
        "'",
        "=",
        "x",
        "é",
    ),
    *(
        "\x1b]",
        "\x07",
        "\xad",
        "\n",
        "12:30:05",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "10.0.0.7",
    ),
    *(
        "Jan 3",
        "KB",
        "aa:bb:cc:dd:ee:ff",
        "blk_-1608999",
        "attempt_1445144_0020_m_000000_0",
        "\x00",
    ),
)
DIGITS = "0123456789"
lines = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=20)


def by_all_masks(line):
    """Return ``line`` masked by the expressions alone."""
    expression = pl.lit(line)
    for pattern, mark in MASKS:
        expression = expression.str.replace_all(pattern, mark)
    return pl.select(expression.str.slice(0, 512).str.strip_chars()).item() or "<empty>"


@settings(max_examples=100, deadline=None)
@given(st.lists(lines, min_size=1, max_size=6), st.data())
def test_lines_of_one_shape_have_one_masked_text(texts, data):
    # The same lines again with other digits: where the masks see them, the shapes must differ.
    for text in texts.copy():
        other = [data.draw(st.sampled_from(DIGITS)) if c in DIGITS else c for c in text]
        texts.append("".join(other))
    first, group = distinct(pl.Series(texts))
    for text, number in zip(texts, group, strict=True):
        assert by_all_masks(text) == by_all_masks(texts[first[number]])


def test_many_lines_are_masked_as_a_few_are():
    few = [f"{piece} took {other} ms" for piece in PIECES for other in PIECES]
    some = pl.DataFrame({"body": few}).select(masked(pl.col("body"))).to_series()
    many = pl.DataFrame({"body": few * (MANY // len(few) + 1)}).select(masked(pl.col("body")))
    assert many.to_series().to_list() == some.to_list() * (MANY // len(few) + 1)
    assert some[7] == by_all_masks(few[7])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 15 ms", "took 73 ms"),
        ("id 7f3a9c00 0x1f", "id 9b01ff3e 0xabc"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "00000000-0000-0000-0000-000000000000"),
        ("attempt_1445144423722_0020_m_000000_0", "attempt_1445144423722_0099_m_000001_12"),
        ('said "hello"', 'said "good bye, 7"'),
    ],
)
def test_numbers_identifiers_and_quoted_texts_are_left_out(one, other):
    assert distinct(pl.Series([one, other]))[1].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("web1 up", "web2 up"), ("10 up", "100 up"), ("x" * LONGEST + "1", "x" * LONGEST + "2")],
)
def test_what_a_mask_may_tell_apart_stays(one, other):
    assert distinct(pl.Series([one, other]))[1].tolist() == [0, 1]


def test_many_shapes_are_told_apart():
    texts = pl.Series([f"{word}x up" for word in range(20_000)])
    letters = texts.str.replace_many(list(DIGITS), list("ghijklmnop"))
    first, group = distinct(letters)
    assert group.tolist() == list(range(20_000)) == first.tolist()
