"""Measure Aitia and its peers on labelled incidents, and write the tables.

    python -m tests.bench.incidents DIR [DIR ...] [--write RESULTS.md] [--packages FOLDER]

A folder holds bundles; an ``index.json`` may sort them into sets. Nothing is fitted on them. Where
the file to write exists and has the line ``MARK``, what stands above it is kept.
"""

import argparse
import os
import platform
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Final

from diagnose.evaluation.backtest import sets_in
from diagnose.incident.bundle import TRUTH
from tests.bench.calibration import calibration
from tests.bench.cost import cost
from tests.bench.graphs import graph_table
from tests.bench.measure import Job, measure_set
from tests.bench.memory import Gauge, memory_of, memory_table
from tests.bench.operating import curves, shape_table
from tests.bench.peers.packages import PYTHON
from tests.bench.records import MeasuredSet
from tests.bench.robustness import moved
from tests.bench.standings import against_best, standings

MARK: Final = "<!-- All below is written by make bench. -->"


def jobs(folders: Sequence[Path], proposer: str, cache: Path | None) -> list[Job]:
    """Return one job a set, the largest first."""
    paths: dict[str, list[Path]] = {}
    for folder in folders:
        named = sets_in(folder)
        for truth in sorted(folder.glob(f"*/{TRUTH}")):
            name = named.get(truth.parent.name, folder.resolve().name)
            paths.setdefault(name, []).append(truth.parent)
    found = [Job(name, tuple(bundles), proposer, cache) for name, bundles in paths.items()]
    return sorted(found, key=lambda job: -len(job.paths))


def measured(todo: Sequence[Job], workers: int) -> list[MeasuredSet]:
    """Return what was measured, by name of the set; each in a fresh process."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, max_tasks_per_child=1) as pool:
        return sorted(pool.map(measure_set, todo, chunksize=1), key=lambda found: found.name)


def stage_memory(todo: Sequence[Job]) -> dict[str, tuple[Gauge, ...]]:
    """Return the memory by stage, by name of the set; each in a fresh process."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context, max_tasks_per_child=1) as pool:
        found = pool.map(memory_of, todo, chunksize=1)
        return dict(sorted(zip((job.name for job in todo), found, strict=True)))


def report(
    sets: Sequence[MeasuredSet], memory: Mapping[str, tuple[Gauge, ...]], seconds: float
) -> Iterator[str]:
    """Yield everything that is written."""
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}"
    yield (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}, Python {platform.python_version()}, "
        f"in {seconds / 60:.0f} minutes."
    )
    if not any(bundle.took for found in sets for bundle in found.incidents):
        yield ""
        yield "**The published packages (CIRCA, RCD) were left out or are not installed.**"
    for title, lines in (
        ("Against the best peer of each set", against_best(sets)),
        ("Who names the cause", (line for found in sets for line in standings(found))),
        ("A moved alert", moved(sets)),
        ("True and wrong call graphs", graph_table(sets)),
        ("Incident or healthy", curves(sets)),
        ("Control: shape alone", shape_table(sets)),
        ("Calibration", calibration(sets)),
        ("Seconds and memory", cost(sets)),
        ("Memory by stage", memory_table(memory)),
    ):
        yield from ("", f"## {title}", "", *lines)
    for found in sets:
        for name, why in found.failed:
            yield f"FAILED {found.name}, {name}: {why}"


def kept(file: Path) -> str:
    """Return what stands in ``file`` above the mark; "" where there is nothing."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    return text.partition(MARK)[0] if MARK in text else ""


def main() -> int:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--packages", type=Path, help="keeps what published packages answered")
    parser.add_argument("--proposer", default="local")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # the peers divide by nothing
    if not PYTHON.exists():
        sys.stderr.write(f"bench: PUBLISHED PACKAGES ARE SKIPPED, there is no {PYTHON}\n")
    cache = options.packages if PYTHON.exists() else None
    begin = perf_counter()
    todo = jobs(options.folders, options.proposer, cache)
    found, memory = measured(todo, options.workers), stage_memory(todo)
    text = (
        "\n".join(report(found, memory, perf_counter() - begin)).replace("\n\n\n", "\n\n").strip()
        + "\n"
    )
    sys.stdout.write(text)
    if options.write:
        options.write.parent.mkdir(parents=True, exist_ok=True)
        options.write.write_text(f"{kept(options.write)}{MARK}\n\n{text}", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
