"""A recorded tree of /proc and /sys, with a disk and services that this machine need not have."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors import NotApplicable
from collectors.procfs import Procfs
from collectors.procfs.consumers import FIRST, MOST, Shortlist
from collectors.procfs.disks import Disks
from models.calls import Relation, relations

TREE = Path(__file__).parent.parent / "fixtures" / "procfs"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def recorded(_=None):
    return Procfs("db1", TREE)


def readings(collector, entity="db1"):
    found: dict[str, float] = {}
    for frame in collector.collect(NOW):
        if "signal" in frame.columns:
            rows = frame.select("entity", "signal", "value").iter_rows()
            found |= {signal: value for owner, signal, value in rows if owner == entity}
    return found


def test_memory_in_bytes_and_time_in_seconds():
    host = readings(recorded())
    memory = [line.split() for line in (TREE / "proc/meminfo").read_text().splitlines()]
    kilobytes = {name.rstrip(":"): int(number) for name, number, *_ in memory}
    assert host["system.linux.memory.available"] == kilobytes["MemAvailable"] * 1024
    assert host["system.paging.usage/used"] == 1 << 30
    ticks = int((TREE / "proc/stat").read_text().split()[1])
    assert host["system.cpu.time/user"] == ticks / os.sysconf("SC_CLK_TCK")
    assert host["system.out_of_memory_kills"] == 1


def test_a_disk_is_an_entity_and_its_partitions_are_not():
    disk = readings(recorded(), "db1/sda")
    assert disk["system.disk.io/read"] == 80_000 * 512
    assert disk["system.disk.io_time"] == 5.2
    assert readings(recorded(), "db1/nvme0")["system.disk.operations/write"] == 188_411
    entities = {
        entity
        for frame in recorded().collect(NOW)
        if "entity" in frame.columns
        for entity in frame["entity"]
    }
    assert not entities & {"db1/sda1", "db1/loop0"}


def test_latency_is_that_since_the_last_round(tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys/block/sda").mkdir(parents=True)
    disks = Disks("db1", tmp_path / "proc", tmp_path / "sys")

    def latencies(reads, milliseconds):
        line = f"8 0 sda {reads} 0 0 {milliseconds} 0 0 0 0 0 0 0\n"
        (tmp_path / "proc/diskstats").write_text(line)
        return {signal: value for _, signal, value in disks.read() if "latency" in signal}

    assert latencies(100, 1000) == {}  # the mean since boot would hide the present
    assert latencies(110, 1200) == {"system.disk.latency/read": 0.02}
    assert latencies(110, 1200) == {}  # nothing was read, so nothing took its time


def test_commands_are_summed_by_name():
    host = readings(recorded())
    assert host["process.count/nginx"] == 2
    assert host["process.cpu.time/nginx"] == 6.5
    assert "process.cpu.time/kworker" in host
    assert host["process.memory.usage/postgres"] == 25_600 * os.sysconf("SC_PAGE_SIZE")


def test_processor_time_of_a_command_never_falls(tmp_path):
    shutil.copytree(TREE, tmp_path, symlinks=True, dirs_exist_ok=True)
    collector = Procfs("db1", tmp_path)
    before = readings(collector)["process.cpu.time/nginx"]
    shutil.rmtree(tmp_path / "proc/100")
    after = readings(collector)
    assert after["process.cpu.time/nginx"] == before
    assert after["process.count/nginx"] == 1


def test_units_are_entities():
    unit = readings(recorded(), "db1/postgresql.service")
    assert unit["process.cpu.time"] == 99
    assert unit["process.out_of_memory_kills"] == 1
    assert unit["process.disk.io/read"] == 1500
    assert unit["process.pressure.io/full"] == 1
    assert readings(recorded(), "db1/cri-containerd-0a1b.scope")["process.memory.usage"] == 8 << 20
    assert readings(recorded(), "db1/user.slice")
    assert not readings(recorded(), "db1/session-3.scope")
    assert not readings(recorded(), "db1/run-u7.service")


def test_connections_are_edges_from_caller_to_callee():
    (edges,) = [frame for frame in recorded().collect(NOW) if "caller" in frame.columns]
    assert set(edges.select("caller", "callee").rows()) == {
        ("10.0.0.4:80", "db1/nginx.service"),  # we listen, so we are called
        ("db1/nginx.service", "orders1"),  # named in /etc/hosts
        ("db1/nginx.service", "db1/postgresql.service"),  # both on this host
        ("10.0.0.4:80", "db1"),  # whose process may not be looked into
        ("db1", "[2001:db8::2]:443"),
    }
    assert set(edges["origin"]) == {"procfs"}


def test_the_edges_of_two_hosts_meet_where_one_calls_the_other(tmp_path):
    """A connection from 10.0.0.4 to 10.0.0.5, port 8080, as each of the two shows it."""
    ends = {
        "web1": ["0400000A:C351 0500000A:1F90 01"],
        "db1": ["00000000:1F90 00000000:0000 0A", "0500000A:1F90 0400000A:C351 01"],
    }
    edges: list[tuple[str, str]] = []
    for host, lines in ends.items():
        shutil.copytree(TREE, tmp_path / host, symlinks=True)
        (tmp_path / host / "etc/hosts").unlink()
        (tmp_path / host / "proc/net/tcp6").unlink()
        rows = [f" {i}: {line} 0:0 0:0 0 0 0 0 1" for i, line in enumerate(lines)]
        (tmp_path / host / "proc/net/tcp").write_text("\n".join(["header", *rows]))
        (frame,) = (f for f in Procfs(host, tmp_path / host).collect(NOW) if "caller" in f.columns)
        edges += frame.select("caller", "callee").rows()
    assert edges == [("web1", "10.0.0.5:8080"), ("10.0.0.5:8080", "db1")]
    assert relations(["web1", "db1"], edges)[1, 0] == Relation.TO_CALLER


def test_connections_are_looked_at_once_a_minute():
    collector = recorded()
    assert [sum("caller" in f.columns for f in collector.collect(NOW)) for _ in range(2)] == [1, 0]


def test_whoever_was_noticed_is_told_of_while_it_exists():
    shortlist = Shortlist()
    uses = {f"n{i:03}": float(i) for i in range(100)}
    first = shortlist.choose(uses)
    assert len(first) == FIRST
    assert "n099" in first
    idle = dict.fromkeys(uses, 0.0)
    assert shortlist.choose(idle) == first
    assert "n099" not in shortlist.choose({name: 0.0 for name in uses if name != "n099"})
    for start in range(0, 90, 10):
        assert len(shortlist.choose(idle | {f"n{start + i:03}": 1.0 for i in range(10)})) <= MOST


def test_another_system_is_no_failure(tmp_path):
    with pytest.raises(NotApplicable, match="no Linux"):
        next(Procfs("db1", tmp_path).collect(NOW))
