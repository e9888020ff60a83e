"""Load, stalls and traffic of this host, and who causes them, as the Linux kernel counts.

Reads:     /proc, /sys/fs/cgroup (version 2), /sys/block, /sys/class/net
Emits:     readings: system.* of the host, its disks (host/sda), and process.* of its commands and
           of its units (host/nginx.service); edges: TCP connections, once a minute
Platforms: Linux; as root, or with CAP_SYS_PTRACE, a connection names its unit, else only its host
See:       https://docs.kernel.org/filesystems/proc.html
"""

import platform
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from collectors import NotApplicable
from collectors.procfs.connections import Connections
from collectors.procfs.consumers import Commands, Units
from collectors.procfs.disks import Disks
from collectors.procfs.network import network
from collectors.procfs.system import system
from collectors.rows import edges_at, readings_at

BETWEEN_CONNECTIONS: Final = timedelta(minutes=1)  # whom a host calls changes slowly


class Procfs:
    """Read what the kernel shows now; latencies and top consumers are those since the last round.

    Args:
        host: Entity under which readings are filed; None for this machine's name.
        root: Folder that holds ``proc`` and ``sys``; tests pass a recorded tree.
    """

    def __init__(self, host: str | None = None, root: Path = Path("/")) -> None:
        self.host = host or platform.node()
        self.proc, self.sys = root / "proc", root / "sys"
        self._disks = Disks(self.host, self.proc, self.sys)
        self._commands = Commands(self.host, self.proc)
        self._units = Units(self.host, self.sys / "fs/cgroup")
        self._connections = Connections(self.host, root)
        self._connections_due = datetime.min.replace(tzinfo=UTC)

    def collect(self, since: datetime) -> Iterator[pl.DataFrame]:
        """Yield the present values; the kernel keeps no past, so ``since`` is unused."""
        if not (self.proc / "stat").exists():
            raise NotApplicable("no /proc/stat: this is no Linux")
        now = datetime.now(UTC)
        yield readings_at(now, ((self.host, *row) for row in system(self.proc)))
        yield readings_at(now, ((self.host, *row) for row in network(self.proc, self.sys)))
        yield readings_at(now, self._disks.read())
        yield readings_at(now, self._commands.read())
        yield readings_at(now, self._units.read())
        if now >= self._connections_due:
            self._connections_due = now + BETWEEN_CONNECTIONS
            yield edges_at(now, self._connections.read(), "procfs")
