"""TCP connections -> who calls whom."""

import os
import re
import socket
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.entities import unit

MOST: Final = 500  # edges of a round, those of most connections first
ESTABLISHED: Final = "01"
LISTENING: Final = "0A"
MAPPED: Final = bytes(10) + b"\xff\xff"  # before an IPv4 address in IPv6
UNIT: Final = re.compile(r"([^/]+\.(?:service|scope))(?:/|$)")

Address = tuple[str, int]  # IP address and port


@dataclass(frozen=True, slots=True)
class _Socket:
    local: Address
    remote: Address
    state: str
    inode: str


class Connections:
    """Established TCP connections as edges between entities.

    Whoever listens is called. This host's end is a unit where its processes may be looked into,
    else the host. The other end is a unit of this host, a name in /etc/hosts, or else the address
    and port that is called: the host that listens there tells who that is, so that the edges of
    both meet: "web1/nginx.service -> 10.0.0.5:5432" and "10.0.0.5:5432 -> db1/postgresql.service".

    Args:
        host: Entity of this host.
        root: Folder that holds ``proc`` and ``etc``.
    """

    def __init__(self, host: str, root: Path) -> None:
        self.host, self.root = host, root
        self._units: dict[str, str | None] = {}  # by inode of the socket

    def read(self) -> list[tuple[str, str]]:
        """Return (caller, callee) pairs, those of most connections first."""
        sockets = list(_sockets(self.root / "proc/net"))
        self._look_up(item.inode for item in sockets if item.inode != "0")
        names = _names(self.root / "etc/hosts")
        listening = {item.local[1]: item for item in sockets if item.state == LISTENING}
        established = [item for item in sockets if item.state == ESTABLISHED]
        here = {item.local[0] for item in established}
        counted: Counter[tuple[str, str]] = Counter()
        for item in established:
            near = self._entity(item)
            address, port = item.remote
            if address in here:  # both ends are seen: the caller's tells it
                called = listening.get(port)
                if called and self._entity(called) != near:
                    counted[near, self._entity(called)] += 1
            elif item.local[1] in listening:
                counted[names.get(address) or _endpoint(item.local), near] += 1
            else:
                counted[near, names.get(address) or _endpoint(item.remote)] += 1
        return [pair for pair, _ in counted.most_common(MOST)]

    def _entity(self, item: _Socket) -> str:
        return unit(self.host, self._units.get(item.inode))

    def _look_up(self, inodes: Iterable[str]) -> None:
        """Find the units of sockets; all processes are looked through only for a new socket."""
        wanted = set(inodes)
        if not wanted <= self._units.keys():
            found = _owners(self.root / "proc", wanted)
            self._units = {inode: found.get(inode) for inode in wanted}


def _sockets(net: Path) -> Iterator[_Socket]:
    for file in (net / "tcp", net / "tcp6"):
        if not file.exists():  # IPv6 may be off
            continue
        for line in file.read_text().splitlines()[1:]:
            fields = line.split(None, 10)
            yield _Socket(_address(fields[1]), _address(fields[2]), fields[3], fields[9])


def _address(text: str) -> Address:
    """Return an address that the kernel prints in words of 32 bits of its own byte order."""
    digits, _, port = text.partition(":")
    words = bytes.fromhex(digits)
    octets = b"".join(words[i : i + 4][::-1] for i in range(0, len(words), 4))
    octets = octets.removeprefix(MAPPED)
    family = socket.AF_INET if len(octets) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, octets), int(port, 16)


def _endpoint(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _names(hosts: Path) -> Mapping[str, str]:
    """Return the first name of each address in a file such as /etc/hosts."""
    names: dict[str, str] = {}
    for line in hosts.read_text().splitlines() if hosts.exists() else ():
        address, *given = line.partition("#")[0].split() or [""]
        if given:
            names.setdefault(address, given[0])
    return names


def _owners(proc: Path, inodes: set[str]) -> Mapping[str, str | None]:
    """Return the unit that holds each socket, of the processes that may be looked into."""
    owners: dict[str, str | None] = {}
    for process in proc.glob("[0-9]*"):
        try:
            with os.scandir(process / "fd") as entries:
                targets = [os.readlink(entry) for entry in entries]  # noqa: PTH115 - many
            held = {target[8:-1] for target in targets if target.startswith("socket:[")} & inodes
            group = (process / "cgroup").read_text() if held else ""
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it ended, or belongs to somebody else
        found = UNIT.findall(group)
        owners |= dict.fromkeys(held, found[-1] if found else None)
    return owners
