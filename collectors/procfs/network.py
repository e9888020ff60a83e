"""Traffic of network interfaces, and what TCP and UDP had to repeat or drop."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from collectors.rows import Value

# Interfaces that lead nowhere outside, or carry what a physical one carries too.
VIRTUAL: Final = re.compile(r"^(?:lo|ifb|dummy|veth|virbr|br-|docker|cali|cni|flannel|tunl|kube)")
# Column of /proc/net/dev -> signal; the first eight count what was received.
COLUMNS: Final = {
    "io": (0, 8),
    "packets": (1, 9),
    "errors": (2, 10),
    "dropped": (3, 11),
}
# File and counter -> signal.
COUNTERS: Final = {
    ("snmp", "TcpActiveOpens"): "system.tcp.active_opens",
    ("snmp", "TcpPassiveOpens"): "system.tcp.passive_opens",
    ("snmp", "TcpAttemptFails"): "system.tcp.resets/attempt_failed",
    ("snmp", "TcpEstabResets"): "system.tcp.resets/established",
    ("snmp", "TcpOutRsts"): "system.tcp.resets/sent",
    ("snmp", "TcpRetransSegs"): "system.tcp.retransmissions",
    ("snmp", "UdpInErrors"): "system.udp.errors/receive",
    ("snmp", "UdpRcvbufErrors"): "system.udp.errors/receive_buffer",
    ("netstat", "TcpExtListenOverflows"): "system.tcp.listen_overflows",
    ("netstat", "TcpExtListenDrops"): "system.tcp.listen_drops",
    ("netstat", "TcpExtTCPTimeouts"): "system.tcp.timeouts",
    ("netstat", "TcpExtTCPSynRetrans"): "system.tcp.syn_retransmissions",
}


def network(proc: Path, sys: Path) -> Iterator[Value]:
    """Yield the signals of every interface that leads outside, and of TCP and UDP.

    Args:
        proc: Where procfs is mounted.
        sys: Where sysfs is mounted.
    """
    for line in (proc / "net/dev").read_text().splitlines()[2:]:
        name, _, fields = line.partition(":")
        if not VIRTUAL.match(name.strip()):
            yield from _interface(name.strip(), fields.split(), sys / "class/net")
    for file in ("snmp", "netstat"):
        counts = _protocols((proc / "net" / file).read_text())
        for (place, counter), signal in COUNTERS.items():
            if place == file and counter in counts:  # newer kernels count more
                yield signal, counts[counter]
        if file == "snmp":
            yield "system.network.connections/established", counts["TcpCurrEstab"]
    yield from _sockets((proc / "net/sockstat").read_text())


def _interface(name: str, fields: list[str], interfaces: Path) -> Iterator[Value]:
    for what, places in COLUMNS.items():
        for direction, place in zip(("receive", "transmit"), places, strict=True):
            yield f"system.network.{what}/{name}/{direction}", int(fields[place])
    state = interfaces / name / "operstate"
    if state.exists():
        # Drivers that do not know, those of virtual machines among them, say "unknown".
        up = state.read_text().strip() in ("up", "unknown")
        yield f"system.network.link_state/{name}", float(up)
        changes = (interfaces / name / "carrier_changes").read_text()
        yield f"system.network.carrier_changes/{name}", int(changes)


def _protocols(text: str) -> dict[str, int]:
    """Return the counters of a file that alternates lines of names and lines of numbers."""
    lines = text.splitlines()
    counts: dict[str, int] = {}
    for names, numbers in zip(lines[::2], lines[1::2], strict=True):
        protocol, *counters = names.split()
        values = numbers.split()[1:]
        prefix = protocol.rstrip(":")
        counts |= {prefix + name: int(v) for name, v in zip(counters, values, strict=True)}
    return counts


def _sockets(text: str) -> Iterator[Value]:
    """Yield how many sockets linger, from a line "TCP: inuse 5 orphan 0 tw 3 alloc 7 mem 1"."""
    for line in text.splitlines():
        protocol, *fields = line.split()
        if protocol == "TCP:":
            counts = dict(zip(fields[::2], map(int, fields[1::2]), strict=True))
            yield "system.network.connections/time_wait", counts["tw"]
            yield "system.network.connections/orphan", counts["orphan"]
