"""What is on the disk and not only in memory: Delta Lake does not sync, so we do."""

import os
from pathlib import Path


def sync_file(file: Path) -> None:
    """Return after the disk has the content of ``file``."""
    _sync(file, os.O_RDONLY)


def sync_folders(folder: Path, root: Path) -> None:
    """Return after the disk has the names in ``folder`` and in all above it, up to ``root``."""
    for above in (folder, *folder.parents):
        _sync(above, os.O_RDONLY | os.O_DIRECTORY)
        if above == root:
            return


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
