"""What the table of templates counts."""

import polars as pl

from tests.bench.templates import drain3, grouping_accuracy, ours, with_other_numbers


def test_a_line_counts_where_its_group_is_exactly_a_true_one():
    assert grouping_accuracy("aabb", "xxyy") == 1
    assert grouping_accuracy("aaab", "xxyy") == 0
    assert grouping_accuracy("aabc", "xxyy") == 0.5
    assert grouping_accuracy("abcd", "xxxx") == 0


def test_both_parsers_read_a_line_a_row():
    lines = pl.Series(
        [f"took {n} ms for {name}" for n in range(5) for name in ("ann", "bob", "eve")]
    )
    truth = ["x"] * len(lines)
    assert grouping_accuracy(ours(lines), truth) == 1
    assert len(drain3(lines)) == len(lines)


def test_only_numbers_are_drawn_anew():
    drawn = with_other_numbers(["web1 took 15 ms"])
    assert drawn.str.contains(r"^web1 took \d{1,2} ms$").all()
    assert drawn.n_unique() > 1
