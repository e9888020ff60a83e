"""How full the local file systems are, and whether they may still be written to.

Reads:     /proc/self/mountinfo; statvfs of each local file system, once where it is mounted twice
Emits:     readings: system.filesystem.utilization, .inodes.utilization (of 1), .read_only
Platforms: Linux; no root needed
See:       https://docs.kernel.org/filesystems/proc.html
"""

import os
import platform
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.rows import Reading, readings_at

# File systems whose server is another host: asking them can hang, and they are filled elsewhere.
REMOTE: Final = re.compile(r"^(?:nfs|cifs|smb|ceph|gluster|afs|9p|lustre|gpfs|ocfs2|fuse)")
ESCAPED: Final = re.compile(r"\\(\d{3})")  # a blank is written \040
POOLED: Final = ("zfs", "btrfs")  # whose source is no device


class Filesystems:
    """Ask every local file system; a collector of its own, since a disk that hangs hangs it.

    Args:
        host: Entity under which readings are filed; None for this machine's name.
        mounts: The mounts as this process sees them; tests pass a recording.
        statvfs: Asks one mount point.
    """

    def __init__(
        self,
        host: str | None = None,
        mounts: Path = Path("/proc/self/mountinfo"),
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
    ) -> None:
        self.host = host or platform.node()
        self.mounts, self.statvfs = mounts, statvfs

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values of each file system; ``since`` is unused.

        One that cannot be asked is said after the others had their say.
        """
        if not self.mounts.exists():
            raise NotApplicable(f"no {self.mounts}: this is no Linux")
        failed: list[OSError] = []
        for point, read_only in _mounted(self.mounts.read_text()):
            try:
                facts = self.statvfs(point)
            except OSError as error:
                failed.append(error)
                continue
            yield readings_at(datetime.now(UTC), _values(self.host, point, facts, read_only))
        if failed:
            raise failed[0]


def _mounted(mountinfo: str) -> Iterator[tuple[str, bool]]:
    """Yield where each local file system is mounted first, and whether it is read-only."""
    seen = set()
    for line in filter(None, mountinfo.split("\n")):  # a name may hold what Unicode ends lines with
        before, _, after = line.partition(" - ")
        _, _, device, _, point, *_ = before.split(" ")
        # The file system's own options: a sandbox may show us a writable one read-only.
        kind, source, options, *_ = after.split(" ")
        local = source.startswith("/dev/") or kind in POOLED or point == "/"
        if local and not REMOTE.match(kind) and device not in seen:
            seen.add(device)
            path = ESCAPED.sub(lambda found: chr(int(found[1], 8)), point)
            yield path, "ro" in options.split(",")


def _values(host: str, point: str, facts: os.statvfs_result, read_only: bool) -> Iterator[Reading]:
    yield host, f"system.filesystem.read_only/{point}", float(read_only)
    used, free = facts.f_blocks - facts.f_bfree, facts.f_bavail
    if used + free:
        yield host, f"system.filesystem.utilization/{point}", used / (used + free)
    if facts.f_files:  # btrfs makes inodes as it needs them and says 0
        inodes = 1 - facts.f_ffree / facts.f_files
        yield host, f"system.filesystem.inodes.utilization/{point}", inodes
