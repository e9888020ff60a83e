"""What reaches the screen: answers on stdout, all else on stderr, and nothing that acts on it."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

from diagnose.failure import Failure
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


class _Answers:
    """Standard output, whose full disk is a failure that people are told about in a line.

    Args:
        stream: Standard output as it is.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the stream's own
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write as the stream does."""
        with _unwritten_told():
            return self._stream.write(text)

    def flush(self) -> None:
        """Flush as the stream does."""
        with _unwritten_told():
            self._stream.flush()


@contextmanager
def answering() -> Iterator[None]:
    """Run a command: what it answers is on its way when the block ends, or that is told.

    Who reads no further (``| head``) is no failure, and is told nothing.
    """
    stream = sys.stdout
    if not stream:  # it was closed: nobody wants the answer
        with Path(os.devnull).open("w", encoding="utf-8") as sys.stdout:
            yield
        return
    sys.stdout = cast("TextIO", _Answers(stream))
    try:
        yield
    finally:
        sys.stdout = stream
        try:
            stream.flush()
        except BrokenPipeError:
            _let_go(stream)
        except OSError as error:
            _let_go(stream)
            complain("error", str(_unwritten(error)))
            sys.exit(2)


@contextmanager
def _unwritten_told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritten(error) from error


def _unwritten(error: OSError) -> Failure:
    what = f"the answer cannot be written: {error.strerror}"
    return Failure(what, "make room, or send it elsewhere")


def _let_go(stream: TextIO) -> None:
    """Write what waits in ``stream`` nowhere: the interpreter would try again as it ends."""
    with suppress(OSError, ValueError):  # one that is no file has nothing that waits
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


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
    """Write one line about a warning or an error to stderr, unless that takes nothing any more."""
    with suppress(OSError):
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
