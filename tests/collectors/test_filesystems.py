"""Mounts as a recorded mountinfo lists them, with a disk that answers as the test wants."""

import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collectors import Collector, NotApplicable
from collectors.filesystems import Filesystems
from collectors.procfs import Procfs
from collectors.runner import Runner

TREE = Path(__file__).parent.parent / "fixtures" / "procfs"
MOUNTS = TREE / "proc/self/mountinfo"
METERS = CollectorRegistry()
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def statvfs(path):
    """A file system of 1000 blocks, 200 of them free and 100 of these for everybody."""
    return os.statvfs_result((4096, 4096, 1000, 200, 100, 500, 125, 125, 0, 255))


def recorded(_=None):
    return Filesystems("db1", MOUNTS, statvfs)


def readings(collector):
    return {signal: v for frame in collector.collect(NOW) for _, _, signal, v in frame.rows()}


def test_local_file_systems_once_each():
    read = readings(recorded())
    full = {s: v for s, v in read.items() if s.startswith("system.filesystem.utilization")}
    assert full == {
        "system.filesystem.utilization//": pytest.approx(800 / 900),
        "system.filesystem.utilization//srv/my files": pytest.approx(800 / 900),
    }
    assert read["system.filesystem.read_only//srv/my files"] == 1
    assert read["system.filesystem.read_only//"] == 0
    assert read["system.filesystem.inodes.utilization//"] == 0.75


def test_a_name_that_holds_ends_of_lines_hides_no_file_system(tmp_path):
    told = tmp_path / "mountinfo"
    name = "my\x0cown\u2028files"
    told.write_text(MOUNTS.read_text().replace("my\\040files", name))
    read = readings(Filesystems("db1", told, statvfs))
    assert read[f"system.filesystem.read_only//srv/{name}"] == 1
    assert read["system.filesystem.read_only//"] == 0


def test_a_disk_that_cannot_be_asked_is_said_after_the_others():
    def broken(path):
        if path == "/":
            raise OSError(5, "Input/output error")
        return statvfs(path)

    read = Filesystems("db1", MOUNTS, broken).collect(NOW)
    assert "/srv/my files" in next(read)["signal"][0]
    with pytest.raises(OSError, match="Input/output error"):
        next(read)


def test_a_disk_that_hangs_does_not_hide_the_load_that_it_causes():
    answer = threading.Event()

    def hangs(path):
        answer.wait()
        return statvfs(path)

    slow: Collector = Filesystems("db1", MOUNTS, hangs)
    rounds = Runner({"filesystems": slow, "procfs": Procfs("db1", TREE)}, 2.0, METERS, "db1")
    for _ in range(2):
        told = {report.name: report for report in rounds.run(NOW).reports}
        assert told["filesystems"].outcome == "hung"
        assert told["procfs"].rows["readings"] > 50
    answer.set()


def test_the_file_systems_of_this_machine():
    if not Path("/proc/self/mountinfo").exists():
        pytest.skip("this is no Linux")
    for signal, value in readings(Filesystems("db1")).items():
        assert 0 <= value <= 1, signal


def test_another_system_is_no_failure(tmp_path):
    with pytest.raises(NotApplicable, match="no Linux"):
        next(Filesystems("db1", tmp_path / "none").collect(NOW))
