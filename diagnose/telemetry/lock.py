"""One process writes: whoever comes second is told who was first."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diagnose.schema import Failure
from diagnose.telemetry.disk import give_to_owner


@contextmanager
def single_writer(folder: Path) -> Iterator[None]:
    """Hold the right to write the telemetry in ``folder``, as long as the block runs.

    The kernel gives the right back when the process ends, however it ends.

    Raises:
        Failure: another process holds it, or the folder cannot be written.
    """
    file = folder / "writer.lock"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}", "choose another telemetry.dir") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            what = f"{folder}: process {owner} writes this telemetry already"
            raise Failure(what, "stop it, or choose another telemetry.dir") from error
        give_to_owner(file, folder)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
