"""What reaches the screen: answers on stdout, all else on stderr, and nothing that acts on it."""

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from diagnose.wording import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PATIENCE_SECONDS: Final = 2.0  # after which people want to see that something happens
REPEAT_SECONDS: Final = 30.0  # between two lines in a log that nobody watches
WIDEST: Final = 110  # columns that a text can be read in
UNWATCHED: Final = 200  # columns where no screen limits them
LONGEST: Final = 2000  # characters of a message

Progress = Callable[[int, int], None]


def console(stderr: bool = False) -> "Console":
    """Return where to write; colours and a limited width only where there is a screen."""
    from rich.console import Console

    screen = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not screen.is_terminal:
        screen.width = UNWATCHED
    return screen


def table(title: str, *columns: str) -> "Table":
    """Return an empty table whose cells are never cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    empty = Table(
        title=Text(printable(title)), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for column in columns:
        right = column.startswith(">")
        empty.add_column(column.lstrip(">"), justify="right" if right else "left", overflow="fold")
    return empty


def fill(table: "Table", rows: Sequence[Sequence[str]]) -> "Table":
    """Return ``table`` with ``rows``, in which no sender's text can act on the screen."""
    from rich.text import Text

    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    return table


def complain(kind: str, message: str) -> None:
    """Write one line about a warning or an error to stderr."""
    sys.stderr.write(f"aitia: {kind}: {printable(message, LONGEST)}\n")


def write_json(document: bytes) -> None:
    """Write a JSON document, and nothing else, to stdout.

    Args:
        document: In ASCII: what a terminal would obey is escaped, and nothing is lost.
    """
    sys.stdout.write(document.decode("ascii") + "\n")


@contextmanager
def waiting(what: str) -> Iterator[Progress]:
    """Show on stderr that ``what`` takes its time, once it does; yield how to tell how far it is.

    Args:
        what: A participle, for example "explaining inc-1".
    """
    with _watched(what) if sys.stderr.isatty() else _unwatched(what) as progress:
        yield progress


@contextmanager
def _watched(what: str) -> Iterator[Progress]:
    from rich.text import Text

    with console(stderr=True).status(Text(f"{printable(what)} ...")) as status:

        def tell(done: int, of: int) -> None:
            status.update(Text(f"{printable(what)}: {done} of {of}"))

        yield tell


@contextmanager
def _unwatched(what: str) -> Iterator[Progress]:
    said = time.monotonic()

    def tell(done: int, of: int) -> None:
        nonlocal said
        if time.monotonic() - said > REPEAT_SECONDS:
            said = time.monotonic()
            complain("info", f"{what}: {done} of {of}")

    first = threading.Timer(PATIENCE_SECONDS, complain, ("info", f"{what} ..."))
    first.daemon = True
    first.start()
    try:
        yield tell
    finally:
        first.cancel()
