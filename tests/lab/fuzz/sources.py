"""What collectors, questions and settings read, as targets: bytes in a source's place.

A target writes its input where the source would have it, and reads it as the product does. What a
source may do to its collector is what ``collectors.Collector`` says; a file of settings may end in
``Failure``.
"""

import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from collectors import Collector
from collectors.changes import Changes
from collectors.edac import Edac
from collectors.files.lines import Lines
from collectors.filesystems import Filesystems
from collectors.hwmon import Hwmon
from collectors.ipmi import Ipmi
from collectors.journald import Journald
from collectors.kmsg import Kmsg
from collectors.procfs import Procfs
from collectors.redfish import Redfish
from collectors.smart import Smart
from diagnose.failure import Failure
from diagnose.fleet import read_fleet
from diagnose.incident.promql import compared
from diagnose.topology import read_topology
from tests.collectors.test_answers import ASKED, Answers, Bmc
from tests.collectors.test_redfish import rack

FIXTURES = Path(__file__).parents[2] / "fixtures"
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SEPARATOR = b"\n--\n"  # between the files of one input
EVENT_LOG = "Entries          : 1\nLast Add Time    : 11/22/26"
READ_BEFORE = '{"boot": "first", "places": {}, "looked": "2026-11-22T10:00:00+00:00"}'
SITE = b"known:\n- a -> b\nforbidden: ['* -> log']\nsentences:\n- backups cause disk load\n"
FLEET = (
    b'groups:\n  db:\n    hosts: [db1, "db-*"]\n    every: 5m\n    alpha: 0.001\n    route: dba\n'
)
RULE = b'100 * sum by (le) (rate(http_bucket{job="web",le!~"1.*"}[5m] offset 1m)) > 0.5 and on() up'

Frames = Iterable[pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Source:
    """One target.

    Attributes:
        read: Reads an input.
        told: What it may raise beside NotApplicable.
        seeds: Inputs to start from.
    """

    read: Callable[[bytes], Frames]
    told: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]


def sources() -> Mapping[str, Source]:
    """Return the targets by name; those that need files have them in a new folder in memory."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm"))
    return {**_printed(), **_files(folder), **_asked(), **_settings(folder)}


def _printed() -> dict[str, Source]:
    """Return what programs and the kernel's devices give."""

    def sdr(body: bytes) -> Frames:
        return _collected(Ipmi("h", lambda said: _text(body) if said[0] == "sdr" else EVENT_LOG))

    def sel(body: bytes) -> Frames:
        told = {"sdr": "", "info": EVENT_LOG, "elist": _text(body)}
        return _collected(Ipmi("h", lambda said: told["sdr" if said[0] == "sdr" else said[1]]))

    def smart(body: bytes) -> Frames:
        scan = b'{"devices": [{"name": "/dev/sda", "type": "sat"}]}'
        return _collected(Smart("h", lambda said: scan if said == ["--scan"] else body))

    def journald(body: bytes) -> Frames:
        return _collected(Journald("h", lambda _: body.split(b"\n")))

    def kmsg(body: bytes) -> Frames:
        return _collected(Kmsg("h", lambda: body.split(b"\n"), lambda: ("boot", NOW)))

    def lines(body: bytes) -> Frames:
        for record in Lines(NOW).records(body.split(b"\n")):
            json.dumps(record.body).encode()
        return ()

    return {
        "ipmi_sdr": _collector(sdr, "ipmi/ipmitool_sdr*"),
        "ipmi_sel": _collector(sel, "ipmi/ipmitool_sel_elist*"),
        "smart": _collector(smart, "smart/*.json"),
        "journald": _collector(journald, "journald/*"),
        "kmsg": _collector(kmsg, "kmsg/*"),
        "lines": _collector(lines, "files/*"),
    }


def _files(folder: Path) -> dict[str, Source]:
    """Return what lies in files: those of the kernel, of package managers, and a database."""
    proc, seeds = _one_of(folder / "procfs", "procfs", lambda root: Procfs("h", root))
    sensors, of_sensors = _one_of(folder / "hwmon", "hwmon", lambda root: Hwmon("h", root))
    memory, of_memory = _one_of(
        folder / "edac", "edac", lambda root: Edac("h", root, root / "no database")
    )
    changes = shutil.copytree(FIXTURES / "changes/root", folder / "changes")
    database, mounts = folder / "ras-mc_event.db", folder / "mountinfo"
    with closing(sqlite3.connect(database)) as base:
        base.executescript((FIXTURES / "edac/ras-mc_event.sql").read_text())

    def packages(body: bytes) -> Frames:
        for name, part in zip(("dpkg.log", "dnf.rpm.log"), body.split(SEPARATOR), strict=False):
            (changes / "var/log" / name).write_bytes(part)
        collector = Changes("h", changes, (), lambda: ("first", NOW))
        collector.cursor = READ_BEFORE
        return _collected(collector)

    def rasdaemon(body: bytes) -> Frames:
        database.write_bytes(body)
        return _collected(Edac("h", folder / "none", database))

    def mountinfo(body: bytes) -> Frames:
        mounts.write_bytes(body)
        return _collected(Filesystems("h", mounts, lambda _: os.statvfs("/")))

    logs = [(changes / "var/log" / name).read_bytes() for name in ("dpkg.log", "dnf.rpm.log")]
    return {
        "procfs": Source(proc, (OSError, ValueError, LookupError), seeds),
        "hwmon": Source(sensors, (OSError, ValueError), of_sensors),
        "edac": Source(memory, (OSError, ValueError), of_memory),
        "packages": Source(packages, (OSError, ValueError), (SEPARATOR.join(logs),)),
        "rasdaemon": Source(rasdaemon, (OSError, ValueError), (database.read_bytes(),)),
        "mountinfo": Source(
            mountinfo, (OSError, ValueError), (Path("/proc/self/mountinfo").read_bytes(),)
        ),
    }


def _asked() -> dict[str, Source]:
    """Return what servers answer: one target for each question, and one for a BMC."""
    resources = rack()
    paths = sorted(resources)

    def redfish(body: bytes) -> Frames:
        changed = {**resources, paths[(body or b"\0")[0] % len(paths)]: json.loads(body[1:])}
        return _collected(Redfish("h", Bmc(changed)))  # type: ignore[arg-type]

    def answer(ask: Callable[[Answers], object]) -> Callable[[bytes], Frames]:
        def read(body: bytes) -> Frames:
            ask(Answers(json.loads(body)))
            return ()

        return read

    told = (OSError, ValueError, RecursionError)  # the last by this file's own json.loads
    said = [bytes([i]) + json.dumps(resources[path]).encode() for i, path in enumerate(paths)]
    asked = {
        f"api_{name}": Source(answer(ask), told, (json.dumps(recorded).encode(),))
        for name, (recorded, ask) in ASKED.items()
    }
    return {"redfish": Source(redfish, told, tuple(said)), **asked}


def _settings(folder: Path) -> dict[str, Source]:
    """Return what people write: queries and files."""
    file = folder / "file.yaml"

    def promql(body: bytes) -> Frames:
        compared(_text(body))
        return ()

    def yaml(read: Callable[[Path], object]) -> Callable[[bytes], Frames]:
        def written(body: bytes) -> Frames:
            file.write_bytes(body)
            read(file)
            return ()

        return written

    return {
        "promql": Source(promql, (), (RULE,)),
        "topology": Source(yaml(read_topology), (Failure,), (SITE,)),
        "fleet": Source(yaml(read_fleet), (Failure,), (FLEET,)),
    }


def _collector(read: Callable[[bytes], Frames], recorded: str) -> Source:
    seeds = tuple(file.read_bytes() for file in sorted(FIXTURES.glob(recorded)))
    return Source(read, (OSError, ValueError), seeds)


def _collected(collector: Collector) -> Frames:
    return collector.collect(LONG_AGO)


def _one_of(
    folder: Path, fixture: str, made: Callable[[Path], Collector]
) -> tuple[Callable[[bytes], Frames], tuple[bytes, ...]]:
    """Return a reader of a recorded tree in which one file is the input, and its seeds.

    The first byte chooses the file.
    """
    shutil.copytree(FIXTURES / fixture, folder, symlinks=True)
    files = sorted(f for f in folder.rglob("*") if f.is_file() and not f.is_symlink())
    recorded = [file.read_bytes() for file in files]

    def read(body: bytes) -> Frames:
        place = (body or b"\0")[0] % len(files)
        files[place].write_bytes(body[1:])
        try:
            return list(made(folder).collect(LONG_AGO))
        finally:
            files[place].write_bytes(recorded[place])

    return read, tuple(bytes([i]) + text for i, text in enumerate(recorded))


def _text(body: bytes) -> str:
    return body.decode(errors="replace")
