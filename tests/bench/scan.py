"""How many hosts a second a scan looks at, and in how much memory, for a fleet that grows.

    python -m tests.bench.scan [--hosts 1000 10000] [--workers 2] [--engines local ray] [--life]
                               [--keep DIR]

Simulated hosts with 200 signals, an hour at 15 s, in Delta tables laid out as the writer's upkeep
leaves them: sorted files of six million readings, and a few small ones that came last. One host in
500 runs full and one in 1,000 is ill. The scan is the command itself, with a state database, in
processes of its own; memory is the sum over these, shared pages counted once. A Ray cluster is
begun on this machine, with a core for each worker, in a network namespace of its own; all of its
processes count. With --life each scan is made again with the normal lives of all hosts known: an
encoder that has learned nothing takes as long as one that has.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load

from diagnose.scan.kept import Kept
from diagnose.schema import TIME
from diagnose.settings.sections import TelemetrySection
from diagnose.telemetry.flush import arranged
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.upkeep import SORTED
from models.encoder import SequenceEncoder
from models.foretellers import Recurrent
from models.lives import GroupLife, write_lives
from models.minutes import minutes_of
from tests.diagnose.scan.in_namespace import ray_cluster

STEP_SECONDS = 15
INSTANTS = 241
END = datetime(2026, 3, 1, 13, 20, tzinfo=UTC)  # so that the hour lies in two partitions
DISKS = ("sda", "sdb")
SMART = ("reallocated_sectors", "current_pending_sectors", "power_on_hours", "temperature")
FULL, ILL = 500, 1000  # one host in so many
HOUR = timedelta(hours=1)
LOOKED_AT = 0.5  # seconds between two looks at the memory


def signals():
    """Return (part of the host, signal, how it behaves) of the 200 signals of a host."""
    told = [("", f"system.cpu.time/cpu{i}", "counter") for i in range(48)]
    told += [("", f"system.network.io/eth{i}", "counter") for i in range(16)]
    told += [("", f"http_requests_total/route={i}", "counter") for i in range(20)]
    told += [("", f"request_latency_seconds/route={i}", "gauge") for i in range(20)]
    told += [("", f"system.filesystem.utilization/{m}", "use") for m in ("root", "var", "srv")]
    told += [("", "system.linux.memory.available", "gauge"), ("", "queue_depth", "gauge")]
    told += [("", f"hw.temperature/cpu{i}", "level") for i in range(8)]
    told += [("", f"hw.fan.speed/fan{i}", "gauge") for i in range(6)]
    told += [(f"/{d}", f"hw.physical_disk.{one}", "fixed") for d in DISKS for one in SMART]
    told += [("/shop", f"shop_gauge_{i}", "gauge") for i in range(200 - len(told))]
    return told


def write_fleet(folder, hosts):
    """Write the tables of a fleet; return how many readings they hold."""
    told = signals()
    number = hosts * len(told)
    tables = Tables(str(folder / "tables"))
    names = [f"host-{i:05}" for i in range(hosts)]
    ids = pl.int_range(1, number + 1, dtype=pl.Int32, eager=True).alias("series")
    entities = [name + part for name in names for part, _, _ in told]
    series = {"series": ids, "entity": entities, "signal": [one for _, one, _ in told] * hosts}
    tables.append("series", pl.DataFrame(series))
    chance = np.random.default_rng(0)
    phase = np.repeat(chance.uniform(0, STEP_SECONDS, hosts), len(told))
    begin = END.timestamp() - (INSTANTS - 1) * STEP_SECONDS - STEP_SECONDS
    together = max(SORTED // number, 1)
    counted = np.zeros(number)
    for position, first in enumerate(range(0, INSTANTS, together), start=1):
        last = min(first + together, INSTANTS)
        values = values_of(chance, told, hosts, first, last, counted)
        seconds = begin + STEP_SECONDS * np.arange(first, last)[:, None] + phase
        micros = pl.Series("time", (seconds * 1e6).astype(np.int64).ravel()).cast(TIME)
        rows = pl.DataFrame(
            {
                "series": pl.concat([ids] * (last - first)),
                "time": micros,
                "value": values.ravel(),
                "position": pl.repeat(position, micros.len(), dtype=pl.Int64, eager=True),
            }
        )
        tables.append("readings", arranged("readings", rows), "bench", position)
    return number * INSTANTS


def values_of(chance, told, hosts, first, last, counted):
    """Return what all signals show at some instants, of shape (instants, hosts * signals)."""
    kinds = np.tile(np.array([kind for _, _, kind in told]), hosts)
    host = np.repeat(np.arange(hosts), len(told))
    instants = np.arange(first, last)[:, None]
    noise = chance.standard_normal((last - first, len(host)), dtype=np.float32)
    ill = (host % ILL == 7) & (instants >= INSTANTS - 24)
    gauge = np.round((20 + 2 * noise) * np.where(ill, 4.0, 1.0), 2)
    added = np.cumsum(np.rint(50 + 5 * noise) * np.where(ill, 4.0, 1.0), axis=0) + counted
    counted[:] = added[-1]
    filling = np.where(host % FULL == 11, instants * 0.0008, 0.0)
    use = np.round(0.4 + filling + 0.0005 * noise, 4)
    level = np.round(55 + 0.5 * noise)
    shown = [gauge, added, use, level, np.where(kinds == "fixed", 0.0, gauge)]
    return np.select([kinds == k for k in ("gauge", "counter", "use", "level", "fixed")], shown)


def write_life(folder, hosts):
    """Write what is usual for each host of a fleet, by its last hour, and one encoder for all."""
    told = sorted((part, signal) for part, signal, _ in signals())
    source = Kept(str(folder / "tables"))
    middle, width = [], []
    names = tuple(f"host-{i:05}" for i in range(hosts))
    for shard in source.census(END).shards(names):
        panel = source.panel(shard, (END - HOUR, END), timedelta(0))
        assert panel is not None
        minutes = minutes_of(panel.values, panel.step_seconds, 60)
        middle.append(np.median(minutes[1:], axis=0).reshape(len(panel.hosts), -1))
        width.append(np.std(minutes[1:], axis=0).reshape(len(panel.hosts), -1) + 1e-6)
    encoder = Recurrent.of(load(SequenceEncoder(2 * len(told), len(told)).weights()))
    error = np.full((hosts, len(told)), 0.3)
    calm = np.tile(np.linspace(0, 2, 123), (hosts, 1))
    lives = GroupLife(tuple(told), names, encoder, np.vstack(middle), np.vstack(width), error, calm)
    write_lives([lives], life_of(folder))


def life_of(folder):
    return TelemetrySection(dir=folder).life


@dataclass(frozen=True)
class Engine:
    """Where a scan computes: what stands before and after its command, and who takes part in it."""

    before: Sequence[str]
    after: Sequence[str]
    environment: Mapping[str, str]
    members: Callable[[int], Iterable[int]]


@contextmanager
def computing(name, workers):
    """Yield the engine of a name, with so many workers."""
    if name == "local":
        yield Engine((), ("--workers", str(workers)), os.environ, family)
        return
    with ray_cluster(workers) as cluster:
        inside = (cluster.ip, "netns", "exec", cluster.name)
        listed = (cluster.ip, "netns", "pids", cluster.name)

        def members(_):
            return map(int, subprocess.run(listed, capture_output=True, check=True).stdout.split())

        yield Engine(inside, ("--engine", "ray"), cluster.environment, members)


def scanned(folder, engine):
    """Scan once; return the report, seconds of wall and of CPU time, and peak memory in MB."""
    environment = {
        **engine.environment,
        "AITIA_TELEMETRY__DIR": str(folder),
        "AITIA_STORE__URL": f"sqlite:///{folder}/state-{time.time_ns()}.db",
        "AITIA_MODEL__PROPOSER": "none",
    }
    scan = [sys.executable, "-m", "diagnose", "scan", "-o", "json", "--at", END.isoformat()]
    with (folder / "report.json").open("wb") as out:
        before = {pid: cpu_seconds(pid) for pid in engine.members(os.getpid())}
        begun, peak = time.perf_counter(), 0.0
        used: dict[int, float] = {}
        command = [*engine.before, *scan, *engine.after]
        process = subprocess.Popen(command, env=environment, stdout=out)
        while process.poll() is None:
            there = set(engine.members(process.pid)) - {os.getpid()}
            used.update((pid, cpu_seconds(pid) - before.get(pid, 0.0)) for pid in there)
            peak = max(peak, sum(map(private, there)))
            time.sleep(LOOKED_AT)
        wall = time.perf_counter() - begun
    if process.returncode > 1:
        raise RuntimeError(f"the scan ended with {process.returncode}")
    (report,) = json.loads((folder / "report.json").read_bytes())
    return report, wall, sum(used.values()), peak / 1024


def cpu_seconds(process):
    """Return how long a process has computed; 0 once it is gone."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def family(process):
    """Yield a process and all that it started."""
    yield process
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            below = children.read_text().split()
        except OSError:
            continue
        for child in below:
            yield from family(int(child))


def private(process):
    """Return the kilobytes of a process, shared pages divided among those who share them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", nargs="+", choices=("local", "ray"), default=["local", "ray"])
    parser.add_argument("--life", action="store_true", help="also with all normal lives known")
    parser.add_argument("--keep", type=Path, help="folder in which tables are kept for another run")
    given = parser.parse_args()
    say(
        "| hosts | on | MB on disk | hosts/s | CPU ms a host | peak MB | findings | whole command |"
    )
    say("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for hosts in given.hosts:
            folder = (given.keep or Path(scratch)) / str(hosts)
            if not folder.exists():
                write_fleet(folder, hosts)
            for name, known in product(given.engines, (False, True) if given.life else (False,)):
                life_of(folder).unlink(missing_ok=True)
                if known:
                    write_life(folder, hosts)
                try:
                    with computing(name, given.workers) as engine:
                        told = f"{name}, lives known" if known else name
                        row(hosts, folder, told, *scanned(folder, engine))
                except pytest.skip.Exception as skipped:
                    say(f"on {name}, {skipped}")
            if not given.keep:
                shutil.rmtree(folder)
    say(f"load {os.getloadavg()[0]:.1f} at the end: others share the cores")


def row(hosts, folder, name, report, wall, cpu, peak):
    held = sum(one.stat().st_size for one in folder.rglob("*.parquet")) / 1e6
    screening, explaining = report["seconds"]["screen"], report["seconds"]["explain"]
    say(
        f"| {hosts:,} | {name} | {held:,.0f} | {hosts / screening:.0f} | {1000 * cpu / hosts:.0f} "
        f"| {peak:,.0f} | {len(report['findings'])} | {wall:.0f} s, {explaining:.0f} explaining |"
    )


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
