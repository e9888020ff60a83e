"""One process appends to the journal and one writes the tables: whoever comes second is told so."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from diagnose.schema import Failure
from diagnose.telemetry.disk import give_to_owner

MOVER_SECONDS: Final = 60.0  # for which the mover of a writer that was killed may go on
LOOK_SECONDS: Final = 0.05


@contextmanager
def single_writer(folder: Path) -> Iterator[None]:
    """Hold the right to write the telemetry in ``folder``, as long as the block runs.

    Raises:
        Failure: another process holds it, or the folder cannot be written.
    """
    with _held(folder, "writer.lock", 0.0):
        yield


@contextmanager
def single_mover(folder: Path) -> Iterator[None]:
    """Hold the right to write the tables of the journal in ``folder``, once nobody else does.

    Raises:
        Failure: another process goes on holding it, or the folder cannot be written.
    """
    with _held(folder, "mover.lock", MOVER_SECONDS):
        yield


@contextmanager
def _held(folder: Path, name: str, patience: float) -> Iterator[None]:
    """Hold a lock; the kernel gives it back when the process ends, however it ends."""
    file = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", "choose another telemetry.dir") from error
    try:
        if not _taken(descriptor, patience):
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            what = f"{folder}: process {owner} writes this telemetry already"
            raise Failure(what, "stop it, or choose another telemetry.dir")
        give_to_owner(file, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _taken(descriptor: int, patience: float) -> bool:
    """Return whether the lock could be had within so many seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(LOOK_SECONDS)
        else:
            return True
