"""Log line -> template: the constant part of a message, the same in whatever order lines come.

Masks come first and run vectorised over a whole batch: numbers, addresses, identifiers and times
become marks, so that a million lines leave a few hundred distinct ones. Which words of those vary,
``models/wildcards.py`` finds.
"""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from models.wildcards import Rows, wildcards

READ: Final = 4096  # characters of a line that are looked at
LINE: Final = 512  # characters of a masked line that count: what distinguishes comes early
WORDS: Final = 64  # words of a line that are told apart; what follows them is one word
MANY: Final = 40_000  # lines at once from which on it pays to load a compiler
NAME: Final = 120  # characters of a template that name it
UNPARSED: Final = "<other>"
EMPTY: Final = "<empty>"
WILDCARD: Final = "<*>"
# An identifier in hexadecimal: six characters or more, and letters mix with digits.
MIXED: Final = "|".join(
    f"[a-f]{{{k}}}[0-9][0-9a-f]{{{least}}}|[0-9]{{{k}}}[a-f][0-9a-f]{{{least}}}"
    for k, least in (("1", "4,"), ("2", "3,"), ("3", "2,"), ("4", "1,"), ("5,", "0,"))
)
DAY: Final = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? "
MONTH: Final = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* "
CLOCK: Final = r"\d\d:\d\d(:\d\d([.,]\d+)?)?"
# Rust's regular expressions, in order; each is replaced by its mark.
MASKS: Final = (
    (r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)", ""),  # what a terminal obeys
    (r"[\p{Cc}\p{Cf}\s&&[^ ]]", " "),  # control characters, bidi marks, line breaks
    (r" {2,}", " "),
    (
        rf"\b({DAY})?{MONTH}\d{{1,2}}(,? \d{{4}})?( {CLOCK})?( [A-Z]{{3,4}})?( \d{{4}})?\b",
        "<time>",
    ),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)?", "<time>"),
    (r"\b\d\d:\d\d:\d\d([.,]\d+)?\b", "<time>"),
    (r"\b[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b(\d{1,3}\.){3}\d{1,3}(:\d+)?\b", "<ip>"),
    (r"\b([0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{1,4}\b", "<ip>"),
    (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
    (rf"\b(?i:{MIXED})\b", "<hex>"),
    (r'"[^"]*"', "<text>"),
    (r"(^|[\s=:(\[,])'[^']*'", "${1}<text>"),
    (r"\b\d+(\.\d+)? ?[KMGTP]?i?B\b", "<size>"),
    (r"_-?\d{4,}(_(\d+|[a-z]))*\b", "_<n>"),
    (r"[-+]?\b\d+([.,]\d+)*", "<n>"),
)
MARK: Final = r"<(time|id|ip|hex|text|size|n)>"
CAPITALS: Final = r"^[\[(<]*[A-Z][A-Z_]+[\])>:;,.]*$"
# The name of an exception, or a level: what they say must stay to be read.
KEPT: Final = (
    r"(Exception|Error)\b|"
    r"^([a-z]+=)?[\[(<\x22]*(?i:fatal|critical|error|warn|warning|info|debug)[\])>\x22:;,]*$"
)


class TemplateParser:
    """Give each masked line its template; the state is bounded and lives in memory only.

    Templates depend on the lines that are remembered, not on the order within one ``learn``.

    Args:
        max_templates: Templates to tell apart: those of the lines learned latest and, among these,
            first. The lines of all others are ``UNPARSED``.
        max_lines: Distinct lines to remember; those not seen for longest are forgotten first.
    """

    def __init__(self, max_templates: int = 1000, max_lines: int = 50_000) -> None:
        self.max_templates = max_templates
        self.max_lines = max_lines
        self._rank: dict[str, tuple[int, int]] = {}
        self._calls = 0

    def learn(self, lines: Iterable[str]) -> None:
        """Learn masked ``lines``, the most important first."""
        self._calls += 1
        fresh = {line: (-self._calls, i) for i, line in enumerate(dict.fromkeys(lines))}
        self._rank.update(fresh)
        if len(self._rank) > self.max_lines:
            latest = sorted(self._rank.items(), key=lambda item: item[1])
            self._rank = dict(latest[: self.max_lines])

    def templates(self) -> dict[str, str]:
        """Return the template of each learned line, as it stands after all lines were seen."""
        lines = sorted(self._rank, key=self._rank.__getitem__)
        found = _templates(lines)
        known = set(list(dict.fromkeys(found))[: self.max_templates])
        return {
            line: name[:NAME] if name in known else UNPARSED
            for line, name in zip(lines, found, strict=True)
        }


def masked(body: pl.Expr) -> pl.Expr:
    """Return ``body`` with its variable parts replaced by marks, cut to ``LINE`` characters."""
    return (
        body.fill_null("").str.slice(0, READ).map_batches(_masked, pl.String, is_elementwise=True)
    )


def _masked(lines: pl.Series) -> pl.Series:
    """Return ``lines`` masked; of many that can only be masked alike, one is."""
    if len(lines) < MANY:
        return _masked_each(lines)
    from models.line_shapes import distinct

    first, group = distinct(lines)
    return _masked_each(lines.gather(first)).gather(group)


def _masked_each(lines: pl.Series) -> pl.Series:
    """Return ``lines`` masked, each by every mask."""
    line = pl.col(lines.name)
    for pattern, mark in MASKS:
        line = line.str.replace_all(pattern, mark)
    line = line.str.slice(0, LINE).str.strip_chars()
    line = pl.when(line == "").then(pl.lit(EMPTY)).otherwise(line).alias(lines.name)
    return lines.to_frame().select(line).to_series()


def _templates(lines: list[str]) -> list[str]:
    """Return the template of each of ``lines``, which differ."""
    words = pl.Series(lines, dtype=pl.String).str.split(" ")
    table = pl.DataFrame({"line": np.arange(len(lines)), "words": words}).with_columns(
        pl.concat_list(
            pl.col("words").list.head(WORDS),
            pl.col("words").list.slice(WORDS).list.join(" ").replace("", None),
        ).list.drop_nulls()
    )
    table = table.with_columns(length=pl.col("words").list.len())
    templates = [""] * len(lines)
    for part in table.partition_by("length"):
        for line, template in zip(part["line"], _of_one_length(part["words"]), strict=True):
            templates[line] = template
    return templates


def _of_one_length(lines: pl.Series) -> list[str]:
    """Return the template of each line, a list of words, all of one length."""
    word = pl.col("word")
    unified = word.str.replace_all(MARK, WILDCARD)
    shape = len(lines), len(lines[0])
    traits = (
        lines.explode()
        .alias("word")
        .to_frame()
        .select(
            raw=word.hash(),
            word=unified.hash(),
            digit=unified.str.contains(r"\d|<\*>"),
            capital=word.str.contains(CAPITALS),
            kept=word.str.contains(KEPT),
        )
    )
    raw, *columns = (traits[name].to_numpy().reshape(shape) for name in traits.columns)
    group, star = wildcards(Rows(*columns))
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    varied = np.zeros((len(first), shape[1]), dtype=bool)
    np.logical_or.at(varied, group, raw != raw[first[group]])
    names = []
    for number, row in enumerate(first):
        marks = zip(lines[int(row)], star[row], varied[number], strict=True)
        names.append(" ".join(_shown(*word) for word in marks))
    return [names[number] for number in group]


def _shown(word: str, star: bool, varied: bool) -> str:
    """Return how a template shows a word: its marks are told only where all lines have them."""
    if star:
        return WILDCARD
    return re.sub(MARK, WILDCARD, word) if varied else word
