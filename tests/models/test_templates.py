"""Log lines that differ in their variable parts alone have one template."""

import polars as pl
import pytest

from models.templates import LINE, NAME, UNPARSED, TemplateParser, masked


def mask(line):
    return pl.select(masked(pl.lit(line))).item()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("took 15ms, 3.5 of 1,024", "took <n>ms, <n> of <n>"),
        ("at 2026-03-01T10:00:00.123Z 10:00:00", "at <time> <time>"),
        ("dial 10.0.0.7:5432 aa:bb:cc:dd:ee:ff", "dial <ip> <ip>"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 7f3a9c00 0xFF", "id <id> <hex> <hex>"),
        ("deadbeef1 is no word", "<hex> is no word"),
        ("facade of a decade, 4 added", "facade of a decade, <n> added"),
        ("key \"it's\" and 'that' but can't or won't", "key <text> and <text> but can't or won't"),
        ("\x1b[31mred\x1b[0m\x1b]0;title\x07 end\u202e\r\n", "red end"),
        ("web1 x86_64 http2", "web1 x86_64 http2"),
        (" \n", "<empty>"),
        (None, "<empty>"),
    ],
)  # fmt: skip
def test_variable_parts_become_marks(line, expected):
    assert mask(line) == expected


def test_only_the_beginning_of_a_line_counts():
    assert mask("x" * 10_000_000) == "x" * LINE
    assert mask(f"{'9' * 2000} failed") == mask("1 failed")


def templates(lines, **limits):
    parser = TemplateParser(**limits)
    parser.learn(lines)
    return parser.templates()


def test_lines_of_one_form_share_a_template():
    found = templates([f"user {name} logged in from <ip>" for name in ("ann", "bob", "eve")])
    assert set(found.values()) == {"user <*> logged in from <ip>"}


def test_lines_of_other_forms_do_not():
    assert len(set(templates(["disk full", "connection refused by peer"]).values())) == 2


def test_a_parser_learns_a_line_once():
    parser = TemplateParser()
    parser.learn(["disk full"])
    parser.learn(["disk full", "disk full"])
    assert parser.templates() == {"disk full": "disk full"}


def test_what_is_remembered_is_bounded():
    words = [
        " ".join([f"{chr(97 + i % 26)}{chr(97 + i // 26)}x"] * (1 + i % 7)) for i in range(400)
    ]
    found = templates(words, max_templates=50)
    assert len(set(found.values())) <= 51
    assert UNPARSED in found.values()
    assert all(len(name) <= NAME for name in found.values())
