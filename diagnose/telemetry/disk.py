"""What the disk has and not memory alone, and whose it is. Delta Lake does not sync, so we do."""

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


def give_to_owner(path: Path, folder: Path) -> None:
    """Let whoever owns ``folder`` own ``path``, where root made it in the owner's place.

    Else a service with a user of its own could not read what an administrator's command wrote.
    """
    if os.geteuid() == 0:
        state = folder.stat()
        os.chown(path, state.st_uid, state.st_gid, follow_symlinks=False)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
