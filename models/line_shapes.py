"""Lines that can only have the same masked text, found in one pass over their bytes.

The masks of ``models/templates.py`` are regular expressions, and a dozen of them over a line cost
more than anything else. But most lines repeat up to their numbers. A line's *shape* is its text
with the digits of numbers, long identifiers and quoted texts left out, except for what the masks
could tell them by; so lines of one shape are masked alike, and one of them is enough to mask.

The contract is one-sided: two shapes may well have one masked text.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba as nb
import numpy as np
import polars as pl
from numpy.typing import NDArray

LONGEST: Final = 2048  # bytes of a line beyond which its shape is its whole text
PRIME: Final = np.uint64(0x100000001B3)
SEED: Final = np.uint64(0xCBF29CE484222325)
MIX: Final = np.uint64(0xBF58476D1CE4E5B9)
HALF: Final = np.uint64(32)
ESCAPE, QUOTE, DASH, ZERO, A, X, Z = (ord(letter) for letter in '\x1b"-0axz')
# Kinds of bytes
OTHER, DIGIT, HEX, LETTER, UNDERSCORE = range(5)
KIND: Final = np.zeros(256, dtype=np.uint8)
KIND[ord("0") : ord("9") + 1] = DIGIT
KIND[ord("a") : ord("z") + 1] = KIND[ord("A") : ord("Z") + 1] = LETTER
KIND[ord("a") : ord("f") + 1] = KIND[ord("A") : ord("F") + 1] = HEX
KIND[128:] = LETTER  # beyond ASCII: may be of a word, so no number begins behind it
KIND[ord("_")] = UNDERSCORE
# Whether something may be left out at a byte outside of a word, within one; whether it is of a word
OUTSIDE, WITHIN, OF_WORD = 1, 2, 4
ROLE: Final = np.where(KIND != OTHER, OF_WORD, 0).astype(np.uint8)
ROLE[(KIND == DIGIT) | (KIND == HEX)] |= OUTSIDE
ROLE[[ord("_"), ord('"')]] |= OUTSIDE | WITHIN
# What stands in a shape for what is left out: numbers above those of bytes, with room for a length
NUMBER, HEXADECIMAL, POINTER, UUID, LONG_PART, TEXT = (256 + 32 * i for i in range(1, 7))
UUID_DASHES: Final = np.array([8, 13, 18, 23, 36])
UUID_LENGTH: Final = 36

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Function = TypeVar("Function", bound=Callable[..., Any])


def distinct(lines: pl.Series) -> tuple[Places, Places]:
    """Return one line of each shape, and which of them has the shape of each line.

    Args:
        lines: Texts without nulls.

    Returns:
        Places in ``lines``, in order; for each line a place in the former.
    """
    text = np.frombuffer(lines.str.join("").item().encode(), dtype=np.uint8)
    ends = np.cumsum(lines.str.len_bytes().to_numpy(), dtype=np.int64)
    return _grouped(text, ends, bool((text == ESCAPE).any()))


def _compiled(function: Function) -> Function:
    """Return ``function`` compiled when it is first called, and kept on disk for the next time."""
    return cast(Function, nb.njit(cache=True)(function))


def _inlined(function: Function) -> Function:
    """Return ``function`` compiled into its callers: it is called several times a line."""
    return cast(Function, nb.njit(inline="always")(function))


@_compiled
def _with(shape: np.uint64, code: int) -> np.uint64:
    """Return the hash ``shape`` with one byte or code more."""
    return np.uint64((shape ^ np.uint64(code)) * PRIME)


@_compiled
def _hexadecimal_end(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return where the hexadecimal digits end that begin at ``at``, and how many are letters."""
    letters = 0
    while at < end and DIGIT <= KIND[text[at]] <= HEX:
        letters += KIND[text[at]] == HEX
        at += 1
    return at, letters


@_compiled
def _digits_end(text: Bytes, at: int, end: int) -> int:
    """Return where the digits end that begin at ``at``."""
    while at < end and KIND[text[at]] == DIGIT:
        at += 1
    return at


@_compiled
def _long_part_end(text: Bytes, at: int, end: int) -> int:
    """Return where a part like "_1445144423722_0020_m" ends that begins at ``at``; 0 if none."""
    stop = _digits_end(text, at + 1, end)
    if stop - at <= 4:
        return 0
    while stop < end and KIND[text[stop]] == UNDERSCORE:
        begin = stop + 1
        stop = _digits_end(text, begin, end)
        if stop == begin and stop < end and A <= text[stop] <= Z:
            stop += 1
        if stop == begin:
            return 0
    return stop if stop == end or KIND[text[stop]] == OTHER else 0


@_compiled
def _is_uuid(text: Bytes, at: int, end: int) -> bool:
    """Return whether a UUID begins at ``at``."""
    stop = at + UUID_LENGTH
    if stop > end or (stop < end and KIND[text[stop]] != OTHER):
        return False
    group = 0
    for place in range(UUID_LENGTH):
        byte = text[at + place]
        if place == UUID_DASHES[group]:
            group += 1
            if byte != DASH:
                return False
        elif KIND[byte] != DIGIT and KIND[byte] != HEX:
            return False
    return True


@_inlined
def _left_out_of_word(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return the code for what begins the word at ``at``, and where it ends; code 0 if none."""
    stop, letters = _hexadecimal_end(text, at, end)
    length = stop - at
    if length >= 6 and (stop == end or KIND[text[stop]] == OTHER):
        if length == 8 and _is_uuid(text, at, end):
            return UUID, at + UUID_LENGTH
        if 0 < letters < length:
            return HEXADECIMAL + min(length, 13), stop  # 8 or 12 of them may begin or end a UUID
    if KIND[text[at]] != DIGIT:
        return 0, at
    if text[at] == ZERO and at + 2 < end and text[at + 1] == X:
        stop, _ = _hexadecimal_end(text, at + 2, end)
        closed = stop == end or KIND[text[stop]] == OTHER
        return (POINTER, stop) if closed and stop > at + 2 else (0, at)
    stop = _digits_end(text, at, stop) if letters else stop
    size = stop - at
    if size > 4 and size != 8 and size != 12:
        size = 5  # no mask counts them
    return NUMBER + size, stop


@_inlined
def _left_out(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return the code for what is left out at ``at``, and where that ends; code 0 for nothing."""
    if text[at] == QUOTE:
        for close in range(at + 1, end):
            if text[close] == QUOTE:
                return TEXT, close + 1
        return 0, at
    if KIND[text[at]] == UNDERSCORE:
        stop = _long_part_end(text, at, end)
        return (LONG_PART if stop else 0), stop
    return _left_out_of_word(text, at, end)


@_compiled
def _shape(text: Bytes, at: int, end: int, escapes: bool) -> np.uint64:
    """Return the hash of the shape of the line from ``at`` to ``end``."""
    shape = SEED
    whole = end - at > LONGEST
    if escapes:  # what a terminal obeys may hide what follows it
        for place in range(at, end):
            whole = whole or text[place] == ESCAPE
    wanted = OUTSIDE
    while at < end:
        byte = text[at]
        role = ROLE[byte]
        if role & wanted and not whole:
            code, stop = _left_out(text, at, end)
            if code:
                shape = _with(shape, code)
                wanted = WITHIN if ROLE[text[stop - 1]] & OF_WORD else OUTSIDE
                at = stop
                continue
        shape = _with(shape, byte)
        wanted = WITHIN if role & OF_WORD else OUTSIDE
        at += 1
    return np.uint64((shape ^ (shape >> HALF)) * MIX)


@_compiled
def _slot(table: Places, shapes: NDArray[np.uint64], shape: np.uint64) -> int:
    """Return where ``table`` has the number of ``shape``, or -1 in its place."""
    slot = int(shape >> HALF) & (len(table) - 1)
    while table[slot] >= 0 and shapes[table[slot]] != shape:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@_compiled
def _grouped(text: Bytes, ends: Places, escapes: bool) -> tuple[Places, Places]:
    """Return the first line of each shape, and the number of each line's shape."""
    table = np.full(4096, -1, dtype=np.int64)  # small while it can be: it stays in the cache
    shapes = np.empty(len(ends), dtype=np.uint64)
    first = np.empty(len(ends), dtype=np.int64)
    group = np.empty(len(ends), dtype=np.int64)
    found = begin = 0
    for line in range(len(ends)):
        shape = _shape(text, begin, ends[line], escapes)
        begin = ends[line]
        slot = _slot(table, shapes, shape)
        if table[slot] < 0:
            table[slot] = found
            shapes[found], first[found] = shape, line
            found += 1
        group[line] = table[slot]
        if 2 * found > len(table):
            table = np.full(4 * len(table), -1, dtype=np.int64)
            for number in range(found):
                table[_slot(table, shapes, shapes[number])] = number
    return first[:found].copy(), group
