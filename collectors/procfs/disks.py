"""Traffic and latency of disks, and how full the file systems on them are."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.entities import disk
from collectors.rows import Reading, Value

SECTOR: Final = 512  # bytes, whatever the disk's own sectors are
VIRTUAL: Final = re.compile(r"^(?:loop|ram|zram|sr|fd|nbd)\d")
# File systems whose server is another host: asking them can hang, and they are filled elsewhere.
REMOTE: Final = re.compile(r"^(?:nfs|cifs|smb|ceph|gluster|afs|9p|lustre|gpfs|ocfs2|fuse)")
POOLED: Final = ("zfs", "btrfs")  # whose source is no device


@dataclass(frozen=True, slots=True)
class _Served:
    """What a disk has finished so far: operations, and how long they took."""

    operations: int
    milliseconds: int


class Disks:
    """Disks as /proc/diskstats counts them.

    Args:
        host: Of which the disks are parts.
        proc: Where procfs is mounted.
        sys: Where sysfs is mounted.
    """

    def __init__(self, host: str, proc: Path, sys: Path) -> None:
        self.host, self.proc, self.sys = host, proc, sys
        self._served: dict[tuple[str, str], _Served] = {}

    def read(self) -> Iterator[Reading]:
        """Yield the signals of every disk; the latency is the mean since the last call."""
        for line in (self.proc / "diskstats").read_text().splitlines():
            _, _, name, *fields = line.split()
            # Partitions have no folder of their own there.
            if VIRTUAL.match(name) or not (self.sys / "block" / name).exists():
                continue
            entity = disk(self.host, name)
            for signal, value in self._signals(name, [int(field) for field in fields]):
                yield entity, signal, value

    def _signals(self, name: str, counts: list[int]) -> Iterator[Value]:
        for direction, (operations, _, sectors, milliseconds) in (
            ("read", counts[0:4]),
            ("write", counts[4:8]),
        ):
            yield f"system.disk.operations/{direction}", operations
            yield f"system.disk.io/{direction}", sectors * SECTOR
            yield f"system.disk.operation_time/{direction}", milliseconds / 1000
            yield from self._latency(name, direction, _Served(operations, milliseconds))
        pending, busy, weighted = counts[8:11]
        yield "system.disk.pending_operations", pending
        yield "system.disk.io_time", busy / 1000
        yield "system.disk.weighted_io_time", weighted / 1000

    def _latency(self, name: str, direction: str, served: _Served) -> Iterator[Value]:
        """Yield the mean seconds of an operation, where one finished since the last call."""
        before = self._served.get((name, direction))
        self._served[name, direction] = served
        if before and served.operations > before.operations:
            took = max(served.milliseconds - before.milliseconds, 0)
            finished = served.operations - before.operations
            yield f"system.disk.latency/{direction}", took / finished / 1000


def filesystems(
    mounts: Path, statvfs: Callable[[str], os.statvfs_result] = os.statvfs
) -> Iterator[Value]:
    """Yield how full each local file system is, once where it is mounted several times.

    Args:
        mounts: The process' mountinfo.
        statvfs: Asks one mount point.
    """
    failed: list[OSError] = []
    for point, read_only in _mounted(mounts.read_text()):
        try:
            facts = statvfs(point)
        except OSError as error:
            failed.append(error)
            continue
        yield from _fill(point, facts)
        yield f"system.filesystem.read_only/{point}", float(read_only)
    if failed:  # after the others had their say
        raise failed[0]


def _mounted(mountinfo: str) -> Iterator[tuple[str, bool]]:
    """Yield where each local file system is mounted first, and whether it is read-only."""
    seen = set()
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        _, _, device, _, point, *_ = before.split(" ")
        # The file system's own options: a sandbox may show us a writable one read-only.
        kind, source, options, *_ = after.split(" ")
        local = source.startswith("/dev/") or kind in POOLED or point == "/"
        if local and not REMOTE.match(kind) and device not in seen:
            seen.add(device)
            # A blank is written \040.
            yield point.encode().decode("unicode_escape"), "ro" in options.split(",")


def _fill(path: str, facts: os.statvfs_result) -> Iterator[Value]:
    used, free = facts.f_blocks - facts.f_bfree, facts.f_bavail
    if used + free:
        yield f"system.filesystem.utilization/{path}", used / (used + free)
    if facts.f_files:  # btrfs makes inodes as it needs them and says 0
        inodes = 1 - facts.f_ffree / facts.f_files
        yield f"system.filesystem.inodes.utilization/{path}", inodes
