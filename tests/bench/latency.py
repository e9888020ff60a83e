"""Seconds and memory: an incident of 200 signals and an hour, warm and cold, and ``--help``.

    python -m tests.bench.latency [--runs 20] [--write FILE]

The warm figure is a loaded process whose model answers are known; the cold one starts a new process
each time and loads no model. The incident is simulated: load drives chains of services, one of
which fails.
"""

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from diagnose.compose import compose, limits
from diagnose.config import load
from diagnose.incident.bundle import read_bundle, write_bundle
from diagnose.incident.window import make_window
from diagnose.pipeline import explain
from diagnose.schema import READINGS

SECONDS = 3600
ENTITIES, SIGNALS = 20, ("http_requests_total", "latency_p95", "error_ratio", "cpu", "memory_bytes")
START = datetime(2026, 1, 1, tzinfo=UTC)


def simulated(folder: Path) -> Path:
    """Write one incident of 200 signals over an hour, one second a step, and return its folder."""
    rng = np.random.default_rng(1)
    time = np.arange(SECONDS)
    load_now = 50 + 20 * np.sin(time / 300) + np.cumsum(rng.normal(0, 0.2, SECONDS))
    fault = np.where(time > SECONDS - 150, 1.0, 0.0)
    frames = []
    for entity in range(ENTITIES):
        ill = 5 * fault if entity == 7 else (1.5 * fault if entity < 7 else 0 * fault)
        for part in range(2):
            noise = rng.normal(0, 1, (len(SIGNALS), SECONDS))
            values = [
                np.cumsum(np.maximum(load_now, 0)),
                0.05 + 0.0005 * load_now + 0.005 * noise[1] + 0.1 * ill,
                np.maximum(0, 0.001 * noise[2]) + 0.02 * ill,
                0.3 + 0.004 * load_now + 0.02 * noise[3] + 0.2 * ill,
                1e9 + 1e5 * np.cumsum(noise[4]),
            ]
            frames += [
                pl.DataFrame(
                    {
                        "time": [START + timedelta(seconds=int(t)) for t in time],
                        "entity": f"service-{entity:02}",
                        "signal": f"{name}/part={part}",
                        "value": series,
                    },
                    READINGS,
                )
                for name, series in zip(SIGNALS, values, strict=True)
            ]
    alert = START + timedelta(seconds=SECONDS - 120)
    names = [f"service-{entity:02}" for entity in range(ENTITIES)]
    incident = {
        "id": "simulated",
        "alert_time": alert.isoformat(),
        "as_of": (alert + timedelta(seconds=119)).isoformat(),
        "step_seconds": 1,
        "symptom": {"entity": "service-00", "signal": "latency_p95/part=0"},
        "topology": [list(pair) for pair in pairwise(names)],
    }
    write_bundle(folder / "simulated", incident, pl.concat(frames))
    return folder / "simulated"


def warm(path: Path, runs: int) -> tuple[float, float, dict[str, float]]:
    """Return median and 95th percentile seconds of a case in a loaded process, and its stages."""
    settings = load()
    roles = compose(settings)
    seconds, stages = [], {}
    for _ in range(runs + 1):  # the first one loads libraries and asks the model
        begin = perf_counter()
        bundle = read_bundle(path)
        window = make_window(bundle, limits(settings))
        found = explain(bundle.id, window, roles, bundle.symptom)
        seconds.append(perf_counter() - begin)
        stages = dict(found.duration_seconds)
    return float(np.median(seconds[1:])), float(np.quantile(seconds[1:], 0.95)), stages


def cold(arguments: list[str], runs: int) -> float:
    """Return the median seconds of a command in a new process."""
    seconds = []
    for _ in range(runs):
        begin = perf_counter()
        command = [sys.executable, "-m", "diagnose", *arguments]
        subprocess.run(command, check=False, capture_output=True)
        seconds.append(perf_counter() - begin)
    return float(np.median(seconds))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        path = simulated(Path(scratch))
        middle, high, stages = warm(path, options.runs)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        command = cold(["explain", str(path), "-o", "json"], 3)
        helped = cold(["--help"], 5)
    parts = ", ".join(f"{name} {1000 * seconds:.0f} ms" for name, seconds in stages.items())
    text = "\n".join(
        [
            "| what | measured | bar |",
            "|---|---|---|",
            f"| a case, loaded process, p50 | {middle:.2f} s | 1 s |",
            f"| a case, loaded process, p95 | {high:.2f} s | 2 s |",
            f"| peak memory of that process | {peak:.2f} GiB | 2 GiB |",
            f"| a cold `aitia explain`, answers known | {command:.1f} s | 6 s |",
            f"| `aitia --help` | {helped:.2f} s | 0.5 s |",
            "",
            f"Stages of the last case: {parts}.",
            f"Measured {datetime.now(UTC):%Y-%m-%d} on {platform.machine()}, {platform.system()}, "
            f"Python {platform.python_version()}.",
        ]
    )
    sys.stdout.write(text + "\n")
    if options.write:
        options.write.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
