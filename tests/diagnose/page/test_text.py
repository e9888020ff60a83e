from hypothesis import given
from hypothesis import strategies as st

from diagnose.page.text import cells, folded, shortened, visible

ANYTHING = st.text(st.characters(), max_size=60)  # half characters, too


@given(ANYTHING)
def test_what_is_shown_neither_acts_nor_hides(text):
    assert visible(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=60))
def test_plain_text_stays_as_it_is(text):
    assert visible(text) == text


@given(ANYTHING, st.integers(1, 30))
def test_a_long_text_says_how_much_is_left_out(text, longest):
    shown = visible(text, longest)
    assert (f"({len(text) - longest} more characters)" in shown) == (len(text) > longest)


def test_a_text_of_many_megabytes_costs_nothing():
    assert len(visible("\u202e" * 10_000_000)) < 2000


@given(ANYTHING, st.integers(3, 40))
def test_a_short_name_keeps_both_ends(text, most):
    name = visible(text)
    short = shortened(name, most)
    assert cells(short) <= most
    assert short == name or "…" in short


@given(ANYTHING, st.integers(4, 30), st.integers(1, 3))
def test_folded_lines_fit(text, columns, lines):
    name = visible(text)
    parts = folded(name, columns, lines)
    assert len(parts) <= lines
    assert all(cells(part) <= columns for part in parts)
    if cells(name) <= columns * lines - (lines - 1):
        assert "".join(parts) == name


def test_accents_do_not_pile_up():
    assert visible("Z" + "\u0301" * 50 + "!") == "Z\u0301\u0301!"
