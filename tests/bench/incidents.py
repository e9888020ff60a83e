"""Accuracy on labelled incidents: Aitia, its parts switched off, and its peers, on the same rows.

    python -m tests.bench.incidents DIR [DIR ...] [--write RESULTS.md]

A folder holds bundles; an ``index.json`` may sort them into sets. Nothing here is fitted.
"""

import argparse
import platform
import sys
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from diagnose.accuracy import Accuracy, accuracy, chance, hits, places
from diagnose.backtest import BacktestReport, SetReport, backtest, read_truth, sets_in
from diagnose.bundle import TRUTH, read_bundle
from diagnose.compose import compose
from diagnose.config import load
from diagnose.window import make_window
from tests.bench.peers import PEERS, ranking

Scores = dict[tuple[str, str], tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]]
SIGNAL_LEVEL = ("smd", "asd")  # one machine a bundle: the signal is what is to be found


def peers_on(folder: Path) -> dict[tuple[str, str], Accuracy]:
    """Return the accuracy of every peer on every set in ``folder``."""
    scores: Scores = {}
    named = sets_in(folder)
    for truth in sorted(folder.glob(f"*/{TRUTH}")):
        causes = read_truth(truth)
        if not causes:
            continue
        window = make_window(read_bundle(truth.parent))
        group = named.get(truth.parent.name, folder.resolve().name)
        pairs = group in SIGNAL_LEVEL
        names = [cause.names(pairs) for cause in causes]
        candidates = len({s.node if pairs else s.node.entity for s in window.signals})
        for peer, score in PEERS.items():
            found, expected = scores.setdefault((group, peer), ([], []))
            found.append(hits(places(ranking(score, window), pairs), names))
            expected.append(chance(candidates, names))
    measured = {key: accuracy(*value) for key, value in scores.items()}
    return {key: value for key, value in measured.items() if value}


def rows(report: SetReport, peers: dict[tuple[str, str], Accuracy]) -> Iterator[str]:
    """Yield the lines of one set's table."""
    level = "signal" if report.name in SIGNAL_LEVEL else "entity"
    ours = {
        "**Aitia**": getattr(report.aitia, level),
        "without graph": getattr(report.without_graph, level),
        "without model": getattr(report.without_model, level),
    }
    theirs = {peer: found for (group, peer), found in peers.items() if group == report.name}
    for name, found in (ours | theirs).items():
        if found:
            figures = " | ".join(
                f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}]"
                for e in (found.ac1, found.ac3, found.avg5)
            )
            yield f"| {report.name} ({level}, {found.n}) | {name} | {figures} |"
    base = next((found for found in ours.values() if found), None)
    if base:
        by_chance = (base.chance_ac1, base.chance_ac3, base.chance_avg5)
        figures = " | ".join(f"{value:.2f}" for value in by_chance)
        yield f"| {report.name} ({level}, {base.n}) | chance | {figures} |"


def table(report: BacktestReport, peers: dict[tuple[str, str], Accuracy]) -> Iterator[str]:
    """Yield the tables in Markdown."""
    yield "| set (level, incidents) | ranking | AC@1 | AC@3 | Avg@5 |"
    yield "|---|---|---|---|---|"
    for group in report.sets:
        yield from rows(group, peers)
    yield ""
    yield "| set | incidents answered | healthy accused | seconds a case |"
    yield "|---|---|---|---|"
    for group in report.sets:
        shares = [
            f"{e.value:.2f} [{e.low:.2f}, {e.high:.2f}] of {n}" if e else "-"
            for e, n in ((group.answered, group.n), (group.accused, group.healthy))
        ]
        yield f"| {group.name} | {' | '.join(shares)} | {group.seconds:.2f} |"
    for name, why in report.failed:
        yield f"\nFAILED {name}: {why}"


def main() -> int:
    """Measure, print, and write where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--write", type=Path)
    parser.add_argument("--proposer", default="local")
    options = parser.parse_args()
    warnings.simplefilter("ignore", RuntimeWarning)  # the peers divide by nothing
    roles = compose(load(None, {"model": {"proposer": options.proposer}}))
    lines: list[str] = []
    for folder in options.folders:
        report = backtest(folder, roles, progress=_show)
        lines += [*table(report, peers_on(folder)), ""]
    machine = f"{platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    lines.append(f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}.")
    text = "\n".join(lines)
    sys.stdout.write(text + "\n")
    if options.write:
        options.write.write_text(text + "\n", encoding="utf-8")
    return 0


def _show(done: int, of: int) -> None:
    if sys.stderr.isatty() or done % 20 == 0 or done == of:
        sys.stderr.write(f"\r{done} of {of} bundles")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
