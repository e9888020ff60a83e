"""Numbers, times and names as people read them; nothing that a sender wrote can act on a screen."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

# What a terminal obeys: colours, cursor movements, titles. A log line may hold any.
ESCAPE: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
LONGEST: Final = 160
READ: Final = 20  # times as many characters are looked at as are kept
PREFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
UNITS: Final = {"By": "B", "By/s": "B/s", "s": "s", "W": "W", "Hz": "Hz", "1/s": "/s", "Cel": "°C"}


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Return ``text`` without what a terminal or a page would obey, cut to ``longest`` characters.

    Example:
        >>> printable("disk \x1b[31mfull\x1b[0m\u202e")
        'disk full'
    """
    visible = ESCAPE.sub(" ", text[: READ * longest])
    # Controls, marks that hide or reorder text and half characters are not printable either.
    clean = " ".join("".join(c if c.isprintable() else " " for c in visible).split())
    whole = len(clean) <= longest and len(text) <= READ * longest
    return clean if whole else clean[: longest - 1] + "…"


def quantity(value: float, unit: str = "") -> str:
    """Return ``value`` in ``unit`` with three digits that count.

    Example:
        >>> quantity(0.0312, "s"), quantity(1.5e9, "By"), quantity(0.934, "ratio"), quantity(12)
        ('31.2 ms', '1.5 GB', '93.4 %', '12')
    """
    if unit == "ratio" and abs(value) <= 1.5:
        return f"{digits(100 * value)} %"
    if unit == "s" and (abs(value) >= 120 or abs(value) < 1):
        return duration(value) if abs(value) >= 1 or not value else f"{digits(1000 * value)} ms"
    name = UNITS.get(unit, "" if unit in ("ratio", "count", "") else unit)
    prefix = ""
    if unit in ("By", "By/s", "W", "Hz") or abs(value) >= 1e6:
        # As it will be rounded: 999.9 k is read as 1 M.
        size, prefix = next(((s, p) for s, p in PREFIXES if abs(value) >= 0.9995 * s), (1.0, ""))
        value /= size
    return f"{digits(value)} {prefix}{name}".rstrip().replace(" /s", "/s")


def digits(value: float) -> str:
    """Return three digits that count, and all of those before the point.

    Example:
        >>> digits(0.03124), digits(999.9), digits(123456.7), digits(-0.0)
        ('0.0312', '1000', '123457', '0')
    """
    text = f"{value:.0f}" if 999.5 <= abs(value) < 1e15 else f"{value:.3g}"
    return "0" if text == "-0" else text


def moment(time: datetime) -> str:
    """Return a time of day in UTC.

    Example:
        >>> from datetime import UTC
        >>> moment(datetime(2026, 1, 31, 3, 0, 7, tzinfo=UTC))
        '03:00:07'
    """
    return f"{time:%H:%M:%S}"


def percent(share: float) -> str:
    """Return a share of one as a whole percentage; nothing is rounded to none or to all.

    Example:
        >>> percent(0.624), percent(0.004), percent(0.0), percent(0.9999)
        ('62 %', '<1 %', '0 %', '>99 %')
    """
    if 0.99 < share < 1:
        return ">99 %"
    return "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def chance(p_value: float) -> str:
    """Return a p-value; below one in a thousand only that.

    Example:
        >>> chance(0.031), chance(0.0)
        ('p 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p_value < 0.001 else f"p {p_value:.2g}"


def duration(seconds: float) -> str:
    """Return a duration in the largest unit that keeps it readable.

    Example:
        >>> duration(14), duration(150), duration(7200)
        ('14 s', '2.5 min', '2 h')
    """
    for least, size, name in ((172_800, 86_400, "d"), (7200, 3600, "h"), (120, 60, "min")):
        if abs(seconds) >= least:
            return f"{digits(seconds / size)} {name}"
    return f"{digits(seconds)} s"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "edge"), counted(3, "edge")
        ('1 edge', '3 edges')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")


def some(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and how many more there are.

    Example:
        >>> some(["db1", "db2", "db3", "db4"])
        'db1, db2, db3 and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
