"""Read the probabilities that a text tells, as tables over the conditions they are told under.

Assumes:
    Sentences about the same event come together and in order: every condition first in its lesser
    sense ("who do not smoke"), then in its greater, the last condition changing fastest. Where only
    the second of both is negated, the greater sense was told first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

SPOKEN: Final = r"(?:probability|chance|likelihood|rate|risk|odds|share)"
NUMBER: Final = r"(?P<p>\d+(?:\.\d+)?)\s*(?P<percent>%|percent)?"
IS: Final = r"(?:is|was|equals|are)(?: about| roughly)?"
NEGATED: Final = re.compile(r"\bnot\b|\bno\b|n't\b|\bnon-?(?=\w)|\bwithout\b|\bnever\b")
GIVEN: Final = (
    re.compile(
        rf"^p ?\( ?(?P<e>[^|]+?) ?\| ?(?P<c>[^)]+?) ?\) ?(?:=|{IS}) ?{NUMBER}", re.IGNORECASE
    ),
    re.compile(
        rf"^{NUMBER} of (?:all |the )?(?P<c>[\w' -]+?) (?P<e>(?:have|had|are|were|get|got|"
        r"develop|show|suffer|crash|fail|recover|survive|die)\b.*?)[.;]?$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^(?:for|among|in|given|with|when|if|of) (?P<c>.+?), (?:then )?"
        rf"(?:the |there is an? )?{SPOKEN} (?:of|that|to have|to see) (?P<e>.+?) {IS} {NUMBER}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^the {SPOKEN} of (?P<e>.+?) (?:given|among|for|in case of|if|when) (?P<c>.+?) {IS} "
        rf"{NUMBER}",
        re.IGNORECASE,
    ),
)
OVERALL: Final = re.compile(
    rf"^(?:overall, the|in general, the|the (?:overall|marginal|total)) {SPOKEN} of "
    rf"(?P<e>.+?) {IS} {NUMBER}",
    re.IGNORECASE,
)
PLAIN: Final = re.compile(rf"^the (?:joint )?{SPOKEN} of (?P<e>.+?) {IS} {NUMBER}", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The probability of one event under every combination of some conditions.

    Attributes:
        event: In the text's words.
        conditions: For each, the words for its absence and for its presence.
        values: Probabilities, one axis of two entries a condition.
    """

    event: str
    conditions: tuple[tuple[str, str], ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figures:
    """All probabilities that a text tells.

    Attributes:
        tables: Those under conditions.
        overall: (event, probability) without any condition.
        joint: (event, probability) of two things together, in the text's words.
    """

    tables: tuple[Table, ...] = ()
    overall: tuple[tuple[str, float], ...] = ()
    joint: tuple[tuple[str, float], ...] = ()


def read_figures(sentences: Sequence[str]) -> Figures:
    """Return the probabilities in some sentences; other sentences say none."""
    told: list[tuple[str, str, float]] = []
    overall: list[tuple[str, float]] = []
    joint: list[tuple[str, float]] = []
    for sentence in sentences:
        given = next((found for one in GIVEN if (found := one.match(sentence))), None)
        if given:
            told.append((given["e"].lower(), given["c"].lower(), _number(given)))
        elif match := OVERALL.match(sentence):
            overall.append((match["e"].lower(), _number(match)))
        elif match := PLAIN.match(sentence):
            kept = joint if " and " in match["e"] else overall
            kept.append((match["e"].lower(), _number(match)))
    tables = []
    for event, rows in groupby(told, key=lambda row: row[0]):
        listed = list(rows)
        table = _table(event, [c for _, c, _ in listed], [p for *_, p in listed])
        if table is not None:
            tables.append(table)
    return Figures(tuple(tables), tuple(overall), tuple(joint))


def _number(match: re.Match[str]) -> float:
    value = float(match["p"])
    return value / 100 if match["percent"] or value > 1 else value


def _table(event: str, conditions: list[str], values: list[float]) -> Table | None:
    """Return the table of one event, None where its rows do not make one."""
    count = len(conditions)
    if count not in (2, 4, 8):
        return None
    axes = count.bit_length() - 1
    parts = _aligned(conditions, axes)
    if parts is None:
        return None
    pairs = [(parts[0][axis], parts[-1][axis]) for axis in range(axes)]
    table = np.array(values).reshape((2,) * axes)
    for axis, (first, second) in enumerate(pairs):
        if NEGATED.search(second) and not NEGATED.search(first):
            pairs[axis] = second, first
            table = np.flip(table, axis)
    return Table(event, tuple(pairs), table)


def _aligned(conditions: list[str], axes: int) -> list[tuple[str, ...]] | None:
    """Return each condition's parts, cut so that the parts repeat as those of a table do."""
    options = [_cuts(one, axes) for one in conditions]
    for first in options[0]:
        for last in options[-1]:
            wanted = [
                tuple(
                    (last if row >> (axes - 1 - axis) & 1 else first)[axis] for axis in range(axes)
                )
                for row in range(len(conditions))
            ]
            if all(one in cuts for one, cuts in zip(wanted, options, strict=True)):
                return wanted
    return None


def _cuts(text: str, axes: int) -> list[tuple[str, ...]]:
    """Return the ways to cut a text into parts at "and" or a comma."""
    if axes == 1:
        return [(text,)]
    found = []
    for match in re.finditer(r",? and |, ", text):
        rest = _cuts(text[match.end() :], axes - 1)
        found += [(text[: match.start()], *others) for others in rest]
    return found
