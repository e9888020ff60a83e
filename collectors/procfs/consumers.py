"""Who uses the processor, memory and disks: commands, and systemd's units.

A host may run thousands of either. Those that used most since the last round are told, and go on
being told while they exist, so that a gap in their signals means that they ended.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collectors.entities import unit
from collectors.procfs.system import STALLED, TICKS, keyed, pressure
from collectors.rows import Reading, Value

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
FIRST: Final = 10  # consumers of processor time, and of memory, that a round brings to notice
MOST: Final = 30  # consumers that are told of
# Sessions and one-off units have a new name each time; the users' slice stands for all of them.
UNIT: Final = re.compile(r"^(?!run-|session-).*\.(?:service|scope)$|^user\.slice$")


class Shortlist:
    """The consumers that are told of: those noticed last, at most ``MOST``."""

    def __init__(self) -> None:
        self._noticed: dict[str, None] = {}  # the latest last

    def choose(self, *uses: Mapping[str, float]) -> list[str]:
        """Return the names to tell of, sorted; each of ``uses`` brings its first to notice.

        Args:
            uses: What everybody who exists used, by name.
        """
        for use in uses:
            used = [name for name, amount in use.items() if amount > 0]
            for name in sorted(used, key=lambda name: (use[name], name))[-FIRST:]:
                self._noticed.pop(name, None)
                self._noticed[name] = None
        existing = [name for name in self._noticed if any(name in use for use in uses)]
        self._noticed = dict.fromkeys(existing[-MOST:])
        return sorted(self._noticed)


@dataclass(slots=True)
class _Use:
    """What all processes of a command use."""

    seconds: float = 0.0
    bytes: int = 0
    processes: int = 0


class Commands:
    """Processes, summed by the name of their command.

    Args:
        host: Entity under which they are filed.
        proc: Where procfs is mounted.
    """

    def __init__(self, host: str, proc: Path) -> None:
        self.host, self.proc = host, proc
        self._shortlist = Shortlist()
        self._seconds: dict[tuple[str, str], float] = {}  # by process number and start
        self._totals: dict[str, float] = {}

    def read(self) -> Iterator[Reading]:
        """Yield the signals of the foremost commands.

        Processor time counts up although processes end: what each used is added up.
        """
        uses: dict[str, _Use] = {}
        spent: dict[str, float] = {}
        seconds_now = {}
        for process, name, seconds, resident in _processes(self.proc):
            use = uses.setdefault(name, _Use())
            use.bytes += resident
            use.processes += 1
            seconds_now[process] = seconds
            spent[name] = spent.get(name, 0.0) + seconds - self._seconds.get(process, 0.0)
        self._seconds = seconds_now
        self._totals = {name: self._totals.get(name, 0.0) + spent[name] for name in uses}
        resident_bytes = {name: float(use.bytes) for name, use in uses.items()}
        for name in self._shortlist.choose(spent, resident_bytes):
            yield self.host, f"process.cpu.time/{name}", self._totals[name]
            yield self.host, f"process.memory.usage/{name}", uses[name].bytes
            yield self.host, f"process.count/{name}", uses[name].processes


class Units:
    """Control groups of systemd's units and of containers.

    Args:
        host: Of which the units are parts.
        root: Where version 2 of the control group file system is mounted.
    """

    def __init__(self, host: str, root: Path) -> None:
        self.host, self.root = host, root
        self._shortlist = Shortlist()
        self._seconds: dict[str, float] = {}

    def read(self) -> Iterator[Reading]:
        """Yield the signals of the foremost units; none where the host still uses version 1."""
        folders = dict(_units(self.root)) if (self.root / "cgroup.controllers").exists() else {}
        seconds, resident = {}, {}
        for name, folder in folders.items():
            text = {file: _read(f"{folder}/{file}") for file in ("cpu.stat", "memory.current")}
            seconds[name] = keyed(text["cpu.stat"]).get("usage_usec", 0) / 1e6
            resident[name] = float(text["memory.current"] or 0)
        spent = {name: total - self._seconds.get(name, 0.0) for name, total in seconds.items()}
        self._seconds = seconds
        for name in self._shortlist.choose(spent, resident):
            for signal, value in _signals(folders[name]):
                yield unit(self.host, name), signal, value


def _processes(proc: Path) -> Iterator[tuple[tuple[str, str], str, float, int]]:
    """Yield each process, its command, its seconds of processor time and its resident bytes."""
    with os.scandir(proc) as entries:
        numbers = [entry.name for entry in entries if entry.name.isdigit()]
    for number in numbers:
        text = _read(f"{proc}/{number}/stat")
        if not text:
            continue
        # The command stands in brackets and may contain anything, brackets included.
        opening, closing = text.index("("), text.rindex(")")
        fields = text[closing + 2 :].split(" ", 22)
        seconds = (int(fields[11]) + int(fields[12])) / TICKS
        # "kworker/0:1-events" is one of many workers of the kernel.
        name = re.split("[/:]", text[opening + 1 : closing], maxsplit=1)[0] or "?"
        yield (number, fields[19]), name, seconds, int(fields[21]) * PAGE


def _units(folder: Path | str) -> Iterator[tuple[str, str]]:
    """Yield the name and folder of each unit below ``folder``."""
    with os.scandir(folder) as entries:
        below = [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in below:
        if UNIT.match(entry.name):
            yield entry.name, entry.path
        elif entry.name.endswith(".slice"):
            yield from _units(entry.path)


def _signals(folder: str) -> Iterator[Value]:
    """Yield what a control group uses, and how long it stalled; a controller may be off."""
    if cpu := keyed(_read(f"{folder}/cpu.stat")):
        yield "process.cpu.time", cpu["usage_usec"] / 1e6
        if "throttled_usec" in cpu:
            yield "process.throttled_time", cpu["throttled_usec"] / 1e6
    if memory := _read(f"{folder}/memory.current"):
        yield "process.memory.usage", int(memory)
    if events := keyed(_read(f"{folder}/memory.events")):
        yield "process.out_of_memory_kills", events["oom_kill"]
    traffic = _read(f"{folder}/io.stat")
    for direction, key in (("read", "rbytes"), ("write", "wbytes")):
        counts = re.findall(rf"\b{key}=(\d+)", traffic)
        if counts:
            yield f"process.disk.io/{direction}", sum(map(int, counts))
    for resource in STALLED:
        text = _read(f"{folder}/{resource}.pressure")
        yield from pressure(text, f"process.pressure.{resource}")


def _read(path: str) -> str:
    """Return the text of ``path``, "" where it is gone: a process or unit may end meanwhile."""
    try:
        file = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return ""
    try:
        return os.read(file, 65_536).decode(errors="replace")
    except (ProcessLookupError, OSError) as error:
        if isinstance(error, ProcessLookupError) or error.errno == 19:  # ENODEV: group removed
            return ""
        raise
    finally:
        os.close(file)
