"""Numbers, times and names as people read them; nothing that a sender wrote can act on a screen."""

import re
from datetime import datetime
from typing import Final

# Control characters, ANSI escapes and marks that reorder or hide text: a log line may hold any.
UNPRINTABLE: Final = re.compile(
    r"\x1b\[[0-9;?]*[ -/]*[@-~]"
    r"|[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
    r"|[\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
LONGEST: Final = 160
PREFIXES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
UNITS: Final = {"By": "B", "By/s": "B/s", "s": "s", "W": "W", "Hz": "Hz", "1/s": "/s", "Cel": "°C"}


def printable(text: str, longest: int = LONGEST) -> str:
    r"""Return ``text`` without what a terminal or a page would obey, cut to ``longest`` characters.

    Example:
        >>> printable("disk \x1b[31mfull\x1b[0m\u202e")
        'disk full'
    """
    clean = " ".join(UNPRINTABLE.sub(" ", text).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def quantity(value: float, unit: str = "") -> str:
    """Return ``value`` in ``unit`` with three digits that count.

    Example:
        >>> quantity(0.0312, "s"), quantity(1.5e9, "By"), quantity(0.934, "ratio"), quantity(12)
        ('31.2 ms', '1.5 GB', '93.4 %', '12')
    """
    if unit == "ratio" and abs(value) <= 1.5:
        return f"{100 * value:.3g} %"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{1000 * value:.3g} ms"
    name = UNITS.get(unit, "" if unit in ("ratio", "count", "") else unit)
    if unit in ("By", "By/s", "W", "Hz") or abs(value) >= 1e6:
        size, prefix = next(((s, p) for s, p in PREFIXES if abs(value) >= s), (1.0, ""))
        return f"{value / size:.3g} {prefix}{name}".rstrip()
    digits = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{digits} {name}".rstrip().replace(" /s", "/s")


def moment(time: datetime) -> str:
    """Return a time of day in UTC.

    Example:
        >>> from datetime import UTC
        >>> moment(datetime(2026, 1, 31, 3, 0, 7, tzinfo=UTC))
        '03:00:07'
    """
    return f"{time:%H:%M:%S}"


def percent(share: float) -> str:
    """Return a share of one as a whole percentage; small ones are not rounded to nothing.

    Example:
        >>> percent(0.624), percent(0.004), percent(0.0)
        ('62 %', '<1 %', '0 %')
    """
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
    if abs(seconds) < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if abs(seconds) < 7200 else f"{seconds / 3600:.3g} h"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "edge"), counted(3, "edge")
        ('1 edge', '3 edges')
    """
    return f"{number} {noun}" + ("" if number == 1 else "s")
