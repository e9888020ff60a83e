"""Traffic and latency of disks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.entities import disk
from collectors.rows import Reading, Value

SECTOR: Final = 512  # bytes, whatever the disk's own sectors are
VIRTUAL: Final = re.compile(r"^(?:loop|ram|zram|sr|fd|nbd)\d")


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
