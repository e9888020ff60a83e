"""Other people's text on a page: what acts or hides is shown as a mark, what is long is cut.

Escaping for HTML is the template engine's work; this is about what HTML does not escape: characters
that reorder, hide or overprint their neighbours.
"""

from typing import Final
from unicodedata import category, east_asian_width

LONGEST: Final = 240  # characters of a text
STACKED: Final = 2  # accents that one letter may carry; more would paint over other lines
MARKS: Final = {"\n": "↵", "\r": "␍", "\t": " ", "\u2028": "↵", "\u2029": "↵"}
ACCENTS: Final = ("Mn", "Me")
WORD_ENDS: Final = "_/:.- …"


def visible(text: str, longest: int = LONGEST) -> str:
    r"""Return ``text`` as one line that can neither act nor hide, cut to ``longest`` characters.

    Example:
        >>> visible("disk\x00 \x1b[31mfull\n\u202egpj.exe")
        'disk␀ ␛[31mfull↵⟨202E⟩gpj.exe'
        >>> visible("a" * 1000, 5)
        'aaaaa… (995 more characters)'
    """
    shown: list[str] = []
    accents = 0
    for letter in text[:longest]:
        accents = accents + 1 if category(letter) in ACCENTS else 0
        if accents <= STACKED:
            shown.append(_mark(letter))
    rest = len(text) - longest
    return "".join(shown) + (f"… ({rest} more characters)" if rest > 0 else "")


def _mark(letter: str) -> str:
    """Return ``letter``, or what stands for it where it would act or be unseen."""
    if letter in MARKS:
        return MARKS[letter]
    if letter.isprintable():
        return letter
    code = ord(letter)
    if code < 0x20:
        return chr(0x2400 + code)  # the pictures of control characters
    return " " if category(letter) == "Zs" else f"⟨{code:04X}⟩"


def cells(text: str) -> int:
    """Return how many columns ``text`` takes in a font whose letters are equally wide.

    Example:
        >>> cells("disk"), cells("磁盘")
        (4, 4)
    """
    return sum(_cells(letter) for letter in text)


def _cells(letter: str) -> int:
    if category(letter) in ACCENTS:
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


def shortened(text: str, most: int) -> str:
    """Return ``text`` in at most ``most`` columns, without its middle where it is longer.

    Names differ at their ends: the metric at the one, the label at the other.

    Example:
        >>> shortened("http_request_duration_seconds_sum/route=/search", 27)
        'http_request_…route=/search'
    """
    if cells(text) <= most:
        return text
    head = _fitting(text, most // 2)
    tail = _fitting(text[::-1], most - 1 - most // 2)[::-1]
    return f"{head}…{tail}"


def _fitting(text: str, most: int) -> str:
    """Return the longest beginning of ``text`` that takes at most ``most`` columns."""
    taken = 0
    for place, letter in enumerate(text):
        taken += _cells(letter)
        if taken > most:
            return text[:place]
    return text


def folded(text: str, columns: int, lines: int) -> tuple[str, ...]:
    """Return ``text`` on at most ``lines`` lines of ``columns`` columns, shortened to fit.

    It breaks between words where that leaves room for the rest.

    Example:
        >>> folded("http_request_duration_seconds:p95", 24, 2)
        ('http_request_duration_', 'seconds:p95')
    """
    rest = shortened(text, columns * lines - (lines - 1))  # a wide letter may leave a column free
    parts = []
    for left in range(lines - 1, -1, -1):
        part = _fitting(rest, columns)
        word = max(part.rfind(end) for end in WORD_ENDS) + 1
        if part != rest and word and cells(rest[word:]) <= columns * left - max(left - 1, 0):
            part = part[:word]
        parts.append(part)
        rest = rest[len(part) :]
    return tuple(part for part in parts if part) or ("",)
