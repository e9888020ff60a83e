"""Which words of log lines vary: groups of token rows, and their wildcards, found without order.

Rows of one length that agree in all but one place are compared: where enough different words stand
in that place, the place is a wildcard. This repeats on what has become equal, until nothing
changes. The result depends on the set of rows alone, not on their order, and each round is a few
operations on whole arrays: a row's hash is a sum over its places, so the hash of "this row with a
wildcard there" is one subtraction away.

How many words are enough depends on what they are: two that hold a digit, three plain ones, nine
in capitals (states, methods), never the name of an exception or a level.

Reference: words that are constant keep each other company, as in Yu, He, Chen, Lyu, "Brain: Log
Parsing with Bidirectional Parallel Tree", IEEE TSC 2023; the first word decides most, as in He et
al., "Drain", ICWS 2017.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

WITH_DIGIT: Final = 2  # different words that make a wildcard, if half of them hold a digit,
PLAIN: Final = 3  # if they are plain,
CAPITAL: Final = 9  # if half of them are in capitals,
FIRST: Final = 20  # and at a line's first place, unless all hold a digit
SEVERAL: Final = 8  # rows that must agree where several places vary at once
SHAPES: Final = 200  # sets of wildcard places of one length that may absorb other rows
NEVER: Final = np.iinfo(np.int64).max
ODD: Final = np.uint64(0x9E3779B97F4A7C15)
MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
HALF: Final = np.uint64(29)


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Lines of one number of words; every array has shape (lines, words).

    Attributes:
        word: Hash of each word.
        digit: Whether it holds a digit or a mark.
        capital: Whether it is in capitals.
        kept: Whether it must stay, whatever stands there in other lines.
    """

    word: Hashes
    digit: Flags
    capital: Flags
    kept: Flags


def wildcards(rows: Rows) -> tuple[Indices, Flags]:
    """Return the group of each row, and where each row has wildcards.

    Rows of one group have their wildcards in the same places and agree in all others.

    Args:
        rows: Distinct lines of one length.

    Returns:
        Numbers from 0 on, one a row; flags of shape (lines, words).
    """
    places = np.arange(rows.word.shape[1], dtype=np.uint64)[None, :]
    hashes = _mixed(rows.word ^ _mixed((places + np.uint64(1)) * ODD))
    blank = _mixed(places * ODD + MIX)[0]
    star = np.zeros(rows.word.shape, dtype=bool)
    representative, group = _distinct(hashes.sum(axis=1, dtype=np.uint64))
    shown = star[representative]
    while True:
        more = _fanned_out(rows, representative, shown, hashes, blank)
        if not more.any():
            break
        representative, group, shown = _regrouped(
            hashes, blank, representative, group, shown | more
        )
    more = _varying_together(rows, representative, shown, hashes, blank)
    representative, group, shown = _regrouped(hashes, blank, representative, group, shown | more)
    parent = _absorbed(rows, representative, shown, hashes, blank)
    group = parent[group]
    return group, shown[group]


def _mixed(value: Hashes) -> Hashes:
    """Return ``value`` with its bits spread, so that sums of such hashes do not cancel."""
    value = (value ^ (value >> HALF)) * MIX
    mixed: Hashes = value ^ (value >> HALF)
    return mixed


def _distinct(keys: Hashes) -> tuple[Indices, Indices]:
    """Return the first row of each different key, and the number of each row's key."""
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return first, group


def _pattern(hashes: Hashes, blank: Hashes, star: Flags) -> Hashes:
    """Return the hash of each place, that of a wildcard where ``star`` says so."""
    return np.where(star, blank[None, :], hashes)


def _regrouped(
    hashes: Hashes, blank: Hashes, representative: Indices, group: Indices, star: Flags
) -> tuple[Indices, Indices, Flags]:
    """Return representatives, groups and wildcards after groups that became equal were joined."""
    total = _pattern(hashes[representative], blank, star).sum(axis=1, dtype=np.uint64)
    first, joined = _distinct(total)
    return representative[first], joined[group], star[first]


def _mostly_constant(star: Flags) -> Flags:
    """Return for each place whether at least half of a row's other places are no wildcards."""
    others = star.shape[1] - 1
    constant = (~star).sum(axis=1)[:, None] - ~star
    enough: Flags = 2 * constant >= others
    return enough


def _fanned_out(
    rows: Rows, representative: Indices, star: Flags, hashes: Hashes, blank: Hashes
) -> Flags:
    """Return the places of each group where enough different words stand."""
    pattern = _pattern(hashes[representative], blank, star)
    total = pattern.sum(axis=1, dtype=np.uint64)
    places = _mixed(np.arange(star.shape[1], dtype=np.uint64) * MIX + ODD)
    without = total[:, None] - pattern + (blank + places)[None, :]
    open_place = ~star
    _, key, size = np.unique(without[open_place], return_inverse=True, return_counts=True)

    def told(flags: Flags) -> NDArray[np.int64]:
        chosen = flags[representative][open_place]
        return np.bincount(key[chosen], minlength=len(size))

    digit, kept = told(rows.digit), told(rows.kept)
    need = np.where(2 * told(rows.capital) >= size, CAPITAL, PLAIN)
    need = np.where(2 * digit >= size, WITH_DIGIT, need)
    need = np.where(kept > 0, NEVER, need)
    place = np.broadcast_to(np.arange(star.shape[1]), star.shape)[open_place]
    needed = need[key]
    doubtful = (place == 0) & (digit < size)[key]
    needed[doubtful] = np.maximum(needed[doubtful], FIRST)
    more = np.zeros(star.shape, dtype=bool)
    more[open_place] = size[key] >= needed
    return more & _mostly_constant(star)


def _varying_together(
    rows: Rows, representative: Indices, star: Flags, hashes: Hashes, blank: Hashes
) -> Flags:
    """Return places whose words occur once, where several groups agree in all the others."""
    words = hashes[representative]
    once = np.zeros(star.shape, dtype=bool)
    for place in range(1, star.shape[1]):
        _, key, size = np.unique(words[:, place], return_inverse=True, return_counts=True)
        once[:, place] = size[key] == 1
    once &= ~star & ~rows.kept[representative]
    together = star | once
    once[2 * (~together).sum(axis=1) < star.shape[1]] = False
    total = _pattern(words, blank, star | once).sum(axis=1, dtype=np.uint64)
    _, key, size = np.unique(total, return_inverse=True, return_counts=True)
    once[size[key] < SEVERAL] = False
    return once


def _absorbed(
    rows: Rows, representative: Indices, star: Flags, hashes: Hashes, blank: Hashes
) -> Indices:
    """Return for each group the most specific group whose pattern it fits, itself if none."""
    parent = np.arange(len(representative))
    shapes, shape, members = np.unique(star, axis=0, return_inverse=True, return_counts=True)
    usual = np.argsort(-members, kind="stable")[:SHAPES]
    width = shapes.sum(axis=1)
    pattern = _pattern(hashes[representative], blank, star)
    total = pattern.sum(axis=1, dtype=np.uint64)
    kept = rows.kept[representative] & ~star
    for number in usual[np.argsort(width[usual], kind="stable")]:
        places = shapes[number]
        if not places.any():
            continue
        general = np.flatnonzero(shape == number)
        general = general[np.argsort(total[general])]
        fits = total - pattern[:, places].sum(axis=1, dtype=np.uint64)
        fits += blank[places].sum(dtype=np.uint64)
        found = np.searchsorted(total[general], fits).clip(max=len(general) - 1)
        match = (
            (total[general[found]] == fits) & (shape != number) & (parent == np.arange(len(parent)))
        )
        match &= ~kept[:, places].any(axis=1)
        parent[match] = general[found[match]]
    while (parent[parent] != parent).any():
        parent = parent[parent]
    return parent
