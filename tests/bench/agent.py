"""What the agent costs: processor time and memory of ``aitia collect --to`` beside a busy host.

    python -m tests.bench.agent [--seconds 120] [--processes 300] [--lines 50]

The agent runs as its own process with its defaults (all collectors of this host, every 10 s) and
sends to a receiver in this one. Beside it so many processes sleep, and so many lines a second are
written to a log file that it follows. Start-up is told apart: the first round imports what all the
others use. Processor time includes that of the programs it starts (journalctl, smartctl).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from collectors.procfs.system import TICKS
from tests.diagnose.agent.receiver import receiving

SETTLED_SECONDS = 15.0  # after which a round has run


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--processes", type=int, default=300)
    parser.add_argument("--lines", type=int, default=50)
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        receiver = stack.enter_context(receiving())
        for _ in range(chosen.processes):
            sleeper = stack.enter_context(subprocess.Popen(["sleep", "1000"]))
            stack.callback(sleeper.kill)
        agent = stack.enter_context(_agent(receiver.url, folder))
        stack.callback(agent.terminate)
        _write(folder / "app.log", chosen.lines, SETTLED_SECONDS)
        started = _seconds(agent.pid)
        begin = time.monotonic()
        _write(folder / "app.log", chosen.lines, chosen.seconds)
        spent, elapsed = _seconds(agent.pid) - started, time.monotonic() - begin
        metrics = receiver.metrics()
        told = {
            "share_of_one_core": round(spent / elapsed, 5),
            "milliseconds_a_round": round(1000 * spent / (elapsed / 10), 1),
            "start_seconds": round(started, 2),
            "memory_now_mb": round(_kilobytes(agent.pid, "VmRSS") / 1024, 1),
            "memory_peak_mb": round(_kilobytes(agent.pid, "VmHWM") / 1024, 1),
            "points": sum(len(metric.gauge.data_points) for _, metric in metrics),
            "log_records": len(receiver.records()),
            "requests": len(receiver.requests),
            "bytes": sum(int(headers["content-length"]) for _, headers, _ in receiver.requests),
            "processes": len(list(Path("/proc").glob("[0-9]*"))),
            "seconds": round(elapsed, 1),
        }
    print(json.dumps(told, indent=1))  # noqa: T201 - a program


def _agent(url: str, folder: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "AITIA_COLLECT__FILES": json.dumps([f"{folder}/*.log"]),
        "AITIA_COLLECT__SPOOL_DIR": f"{folder}/spool",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "diagnose", "collect", "--to", url], env=environment
    )


def _write(log: Path, lines: int, seconds: float) -> None:
    """Write ``lines`` a second for so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with log.open("a") as file:
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            file.writelines(f"{now} INFO request {i} served in 12 ms\n" for i in range(lines))
        time.sleep(1)


def _seconds(process: int) -> float:
    """Return the processor time of a process and of those that it started and that ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _kilobytes(process: int, key: str) -> int:
    text = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{key}:"))


if __name__ == "__main__":
    main()
