"""How many hosts a second a scan looks at, and in how much memory, for a fleet that grows.

    python -m tests.bench.scan [--hosts 1000 10000] [--workers 2] [--keep DIR]

Simulated hosts with 200 signals, an hour at 15 s, in Delta tables laid out as the writer's upkeep
leaves them: sorted files of six million readings, and a few small ones that came last. One host in
500 runs full and one in 1,000 is ill. The scan is the command itself, with a state database, in
processes of its own; memory is the sum over these, shared pages counted once.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from diagnose.schema import TIME
from diagnose.telemetry.flush import arranged
from diagnose.telemetry.tables import Tables
from diagnose.telemetry.upkeep import SORTED

STEP_SECONDS = 15
INSTANTS = 241
END = datetime(2026, 3, 1, 13, 20, tzinfo=UTC)  # so that the hour lies in two partitions
DISKS = ("sda", "sdb")
SMART = ("reallocated_sectors", "current_pending_sectors", "power_on_hours", "temperature")
FULL, ILL = 500, 1000  # one host in so many
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


def scanned(folder, workers):
    """Scan once; return the report, seconds of wall and of CPU time, and peak memory in MB."""
    environment = os.environ | {
        "AITIA_TELEMETRY__DIR": str(folder),
        "AITIA_STORE__URL": f"sqlite:///{folder}/state-{time.time_ns()}.db",
        "AITIA_MODEL__PROPOSER": "none",
    }
    command = [sys.executable, "-m", "diagnose", "scan", "--workers", str(workers), "-o", "json"]
    with (folder / "report.json").open("wb") as out:
        begun, used = time.perf_counter(), os.times()
        process = subprocess.Popen(command, env=environment, stdout=out)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, sum(map(private, family(process.pid))))
            time.sleep(LOOKED_AT)
        wall, after = time.perf_counter() - begun, os.times()
    if process.returncode > 1:
        raise RuntimeError(f"the scan ended with {process.returncode}")
    cpu = after.children_user + after.children_system - used.children_user - used.children_system
    (report,) = json.loads((folder / "report.json").read_bytes())
    return report, wall, cpu, peak / 1024


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
    parser.add_argument("--keep", type=Path, help="folder in which tables are kept for another run")
    given = parser.parse_args()
    say("| hosts | readings | MB on disk | hosts/s | per second of CPU time | peak MB | findings |")
    say("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for hosts in given.hosts:
            folder = (given.keep or Path(scratch)) / str(hosts)
            if not folder.exists():
                write_fleet(folder, hosts)
            readings = hosts * len(signals()) * INSTANTS
            report, wall, cpu, peak = scanned(folder, given.workers)
            held = sum(one.stat().st_size for one in folder.rglob("*.parquet")) / 1e6
            screening = report["seconds"]["screen"]
            say(
                f"| {hosts:,} | {readings:,} | {held:,.0f} | {hosts / screening:.0f} "
                f"| {hosts / cpu:.0f} | {peak:,.0f} | {len(report['findings'])} |"
            )
            explaining = report["seconds"]["explain"]
            say(f"whole command {wall:.0f} s, of which explaining {explaining:.0f}")
            if not given.keep:
                shutil.rmtree(folder)
    say(f"load {os.getloadavg()[0]:.1f} at the end: others share the cores")


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
