"""Processor, memory and stalls of the whole host."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from collectors.rows import Value

TICKS: Final = os.sysconf("SC_CLK_TCK")  # of processor time a second
CPU_MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
# Line of /proc/stat -> signal.
STAT: Final = {
    "ctxt": "system.context_switches",
    "intr": "system.interrupts",
    "processes": "system.processes.created",
    "procs_running": "system.processes.running",
    "procs_blocked": "system.processes.blocked",
}
# Lines of /proc/meminfo, in kB -> signal; "used" is what remains of MemTotal.
MEMORY: Final = {
    "MemAvailable": "system.linux.memory.available",
    "MemFree": "system.memory.usage/free",
    "Buffers": "system.memory.usage/buffers",
    "Cached": "system.memory.usage/cached",
    "Dirty": "system.memory.usage/dirty",
    "Shmem": "system.memory.usage/shared",
    "SReclaimable": "system.memory.usage/slab_reclaimable",
    "SUnreclaim": "system.memory.usage/slab_unreclaimable",
    "SwapFree": "system.paging.usage/free",
}
NOT_USED: Final = ("MemFree", "Buffers", "Cached", "SReclaimable")
# Line of /proc/vmstat -> signal and what one of it is worth.
VMSTAT: Final = {
    "pgfault": ("system.paging.faults/all", 1),
    "pgmajfault": ("system.paging.faults/major", 1),
    "pswpin": ("system.paging.operations/swap_in", 1),
    "pswpout": ("system.paging.operations/swap_out", 1),
    "oom_kill": ("system.out_of_memory_kills", 1),
}
STALLED: Final = ("cpu", "memory", "io")


def system(proc: Path) -> Iterator[Value]:
    """Yield the signals of the host as a whole.

    Args:
        proc: Where procfs is mounted.

    Raises:
        OSError: a file that every Linux has cannot be read.
        ValueError: a file has another form than the kernel's.
    """
    yield from _stat((proc / "stat").read_text())
    yield from _load((proc / "loadavg").read_text())
    yield from _memory((proc / "meminfo").read_text())
    yield from _vmstat((proc / "vmstat").read_text())
    yield "system.uptime", float((proc / "uptime").read_text().split()[0])
    yield "system.file_descriptors", int((proc / "sys/fs/file-nr").read_text().split()[0])
    # A kernel may be built, or booted, without these.
    tracked = proc / "sys/net/netfilter/nf_conntrack_count"
    if tracked.exists():
        yield "system.network.conntrack", int(tracked.read_text())
    if (proc / "pressure").exists():
        for resource in STALLED:
            text = (proc / "pressure" / resource).read_text()
            yield from pressure(text, f"system.pressure.{resource}")


def pressure(text: str, signal: str) -> Iterator[Value]:
    """Yield the time that some, and that all, tasks stalled: the "total" of a pressure file.

    Args:
        text: Content of the file.
        signal: Name to which "/some" or "/full" is added; seconds, counting up.
    """
    for line in text.splitlines():
        scope, *fields = line.split()
        yield f"{signal}/{scope}", int(fields[-1].removeprefix("total=")) / 1e6


def keyed(text: str) -> Mapping[str, int]:
    """Return the first number after each name in lines of "name: number" or "name number"."""
    pairs = (line.split(None, 2) for line in text.splitlines())
    return {name.rstrip(":"): int(number) for name, number, *_ in pairs}


def _stat(text: str) -> Iterator[Value]:
    for line in text.splitlines():
        name, *numbers = line.split(None, 9)
        if name == "cpu":
            for mode, ticks in zip(CPU_MODES, numbers, strict=False):
                yield f"system.cpu.time/{mode}", int(ticks) / TICKS
        elif name in STAT:
            yield STAT[name], int(numbers[0])


def _load(text: str) -> Iterator[Value]:
    for minutes, value in zip((1, 5, 15), text.split(), strict=False):
        yield f"system.cpu.load_average.{minutes}m", float(value)


def _memory(text: str) -> Iterator[Value]:
    kilobytes = keyed(text)
    used = kilobytes["MemTotal"] - sum(kilobytes[name] for name in NOT_USED)
    yield "system.memory.usage/used", used * 1024
    for name, signal in MEMORY.items():
        yield signal, kilobytes[name] * 1024
    yield "system.paging.usage/used", (kilobytes["SwapTotal"] - kilobytes["SwapFree"]) * 1024


def _vmstat(text: str) -> Iterator[Value]:
    counts = keyed(text)
    for name, (signal, worth) in VMSTAT.items():
        if name in counts:
            yield signal, counts[name] * worth
