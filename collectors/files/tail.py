"""Reads what files have gained, whatever logrotate does to them meanwhile.

A file is known by its inode and by a hash of its first bytes. Renamed (``create``) or copied and
truncated (``copytruncate``), its rest is found beside it; truncated and grown again beyond the
former place, its beginning has changed. A line without its end waits for it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from glob import escape
from hashlib import blake2b
from pathlib import Path
from typing import Final

CHUNK: Final = 1 << 20  # bytes that are read at once, and longest line that waits for its end
HEAD: Final = 256  # bytes by which a file is recognised
BACKLOG: Final = 1 << 16  # bytes from the end where a file that was never read is begun


@dataclass(frozen=True, slots=True)
class Place:
    """Up to where a file was read.

    Attributes:
        inode: The file's.
        offset: Bytes that were read, up to the end of a line.
        head_bytes: How many of its first bytes ``head`` is the hash of.
        head: In hexadecimal.
    """

    inode: int
    offset: int
    head_bytes: int
    head: str


def places_of(tree: object) -> dict[str, Place]:
    """Return the places that ``json`` made of what ``dataclasses.asdict`` gave, by path.

    Raises:
        ValueError: ``tree`` has another form, as another version's may.
    """
    try:
        return {path: Place(**place) for path, place in dict(tree).items()}  # type: ignore[call-overload]
    except TypeError as error:
        raise ValueError(f"no places of files: {error}") from error


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines that a file has gained.

    Attributes:
        lines: Without their ends.
        written: When the file was last written, in seconds since 1970.
        lost: Whether lines before these could not be read any more.
    """

    lines: list[bytes]
    written: float
    lost: bool = False


class Tails:
    """Files that are followed.

    Args:
        places: By path, up to where each was read before.
    """

    def __init__(self, places: Mapping[str, Place] | None = None) -> None:
        self.places = dict(places or {})
        self._before = dict(self.places)  # as the round found them

    def order(self, paths: Iterable[str]) -> list[str]:
        """Return ``paths`` in the order in which to read them; a round of reading begins.

        Known files come first: what became of them tells whether a new path is a former file.
        """
        given = sorted(paths)
        self._before = dict(self.places)
        self.places = {path: self.places[path] for path in given if path in self.places}
        return sorted(given, key=lambda path: (path not in self.places, path))

    def read(self, path: str, from_end: bool) -> Iterator[Chunk]:
        """Yield what ``path`` has gained since the last call.

        Args:
            path: The file.
            from_end: Whether a file that was never read is begun near its end.

        Raises:
            OSError: it cannot be read.
        """
        with ExitStack() as opened:
            try:
                file = opened.enter_context(Path(path).open("rb")).fileno()
            except FileNotFoundError:
                return  # rotated this moment; its successor comes with the next round
            place = self.places.get(path)
            if place is None:
                place = self._renamed(file) or self._copied(path, file) or _begun(file, from_end)
            elif not _same(file, place):
                former = _found(path, place)
                if former:
                    yield from self._rest(path, former, place)
                    place = self._renamed(file) or _at(file, 0)
                elif not _alike(file, place):  # else it was copied over, as "sed -i" does
                    place = _at(file, 0)
                    self.places[path] = place
                    yield Chunk([], os.fstat(file).st_mtime, lost=True)
            self.places[path] = place
            for chunk, self.places[path] in _chunks(file, place):
                yield chunk

    def _rest(self, path: str, former: str, place: Place) -> Iterator[Chunk]:
        """Yield the end of the file that ``path`` was, from ``former``, where it lies now."""
        with Path(former).open("rb") as opened:
            file = opened.fileno()
            for chunk, self.places[path] in _chunks(file, place, whole=True):
                yield chunk
            self.places[former] = _at(file, self.places[path].offset)

    def _known(self) -> list[tuple[str, Place]]:
        return [*self._before.items(), *self.places.items()]

    def _renamed(self, file: int) -> Place | None:
        """Return the place of the known file that ``file`` is now."""
        same = [place for _, place in self._known() if _same(file, place)]
        return max(same, key=lambda place: place.offset, default=None)

    def _copied(self, path: str, file: int) -> Place | None:
        """Return the place of the known file of which ``path`` is a copy, by name and content."""
        name = Path(path)
        alike = [
            place
            for other, place in self._known()
            if len(other) < len(path)  # a copy has something added to its name
            and Path(other).parent == name.parent
            and name.name.startswith(Path(other).stem)
            and _alike(file, place)
        ]
        return max(alike, key=lambda place: place.offset, default=None)


def _chunks(file: int, place: Place, whole: bool = False) -> Iterator[tuple[Chunk, Place]]:
    """Yield the lines after ``place``, and the place behind them.

    Args:
        file: Descriptor.
        place: Where to begin.
        whole: Whether the last line is complete although it has no end: nobody writes any more.
    """
    while True:
        written = os.fstat(file).st_mtime
        block = os.pread(file, CHUNK, place.offset)
        end = block.rfind(b"\n") + 1
        full = len(block) == CHUNK
        if (whole and not full) or (full and not end):
            end = len(block)  # a line longer than a chunk is cut rather than waited for
        if not end:
            return
        place = _at(file, place.offset + end)
        yield Chunk(block[:end].removesuffix(b"\n").split(b"\n"), written), place


def _begun(file: int, from_end: bool) -> Place:
    """Return the start of a file, or the first line that begins in its last ``BACKLOG`` bytes."""
    size = os.fstat(file).st_size
    if not from_end or size <= BACKLOG:
        return _at(file, 0)
    block = os.pread(file, BACKLOG, size - BACKLOG)
    return _at(file, size - BACKLOG + block.find(b"\n") + 1)


def _at(file: int, offset: int) -> Place:
    head = os.pread(file, min(HEAD, offset), 0)
    return Place(os.fstat(file).st_ino, offset, len(head), _hash(head))


def _same(file: int, place: Place) -> bool:
    """Return whether a file is the one that was read up to ``place``, or that one grown."""
    return os.fstat(file).st_ino == place.inode and _continues(file, place)


def _alike(file: int, place: Place) -> bool:
    """Return whether a file is, or is a copy of, the one that was read up to ``place``."""
    return place.offset > 0 and _continues(file, place)


def _continues(file: int, place: Place) -> bool:
    if os.fstat(file).st_size < place.offset:
        return False
    return _hash(os.pread(file, place.head_bytes, 0)) == place.head


def _found(path: str, place: Place) -> str | None:
    """Return where a rotated file lies now: beside its path, under a name that begins alike."""
    name = Path(path)
    siblings = [other for other in name.parent.glob(f"{escape(name.stem)}*") if other != name]
    # The same inode is surer than the same beginning: copies begin alike, too.
    for other in sorted(siblings, key=lambda other: (other.stat().st_ino != place.inode, other)):
        if other.is_file():
            with other.open("rb") as file:
                if _alike(file.fileno(), place):
                    return str(other)
    return None


def _hash(head: bytes) -> str:
    return blake2b(head, digest_size=8).hexdigest()
