"""False incidents of an alert-less scan: many days of many servers, judged as a scheduler would.

    python -m tests.bench.replay_days DIR [--scores FILE] [--every WINDOWS]

DIR holds one ``NAME.npz`` a server with ``train`` (calm, though nobody labelled it), ``test`` and
``test_label``. At every scan the window is what a scan would ask for: the last instants, and a
history before them. Accused scans less than an hour apart are one incident. One that touches no
labelled stretch is false; whatever is accused in the calm part is.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import TIME, Node, Signal, Window
from models.detector import RobustDetector

Array = NDArray[np.float64]

HISTORY: Final = 2000  # instants: a day and a half of minutes, a week of five minutes
LEAD: Final = timedelta(minutes=2)  # before the moment of scanning, as before an alert
STEPS: Final = {"machine": 60.0, "omi": 300.0}  # seconds between two instants, by the file's name
QUIET: Final = timedelta(hours=1)  # accused scans nearer than this are one incident
ALPHAS: Final = (0.05, 0.01, 0.003, 0.001, 0.0003, 0.0001)
START: Final = datetime(2026, 1, 1, tzinfo=UTC)
WEEK: Final = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """One server's scans over one stretch of time.

    Attributes:
        name: Server and part.
        step: Seconds between two instants.
        first: First instant of the recent part of each scan.
        length: Instants of a recent part.
        score: What the detector said at each scan.
        label: Whether each instant is labelled anomalous; None in a part taken for calm.
        every: Instants between two scans.
    """

    name: str
    step: float
    first: NDArray[np.intp]
    length: int
    score: Array
    label: NDArray[np.bool_] | None
    every: int

    @property
    def days(self) -> float:
        """Return how many host-days were scanned."""
        return len(self.first) * self.every * self.step / 86_400


def lead_of(step: float) -> int:
    """Return how many instants of a recent part come before the moment that is asked about."""
    return max(round(LEAD.total_seconds() / step), 2)


def window_at(name: str, values: Array, first: int, step: float, length: int) -> Window:
    """Return what is asked of ``values``, of shape (instants, signals), on one server.

    Args:
        name: The server.
        values: All its instants.
        first: First instant of the recent part; at least ``HISTORY`` come before it.
        step: Seconds between two instants.
        length: Instants of the recent part.
    """
    signals = tuple(Signal(Node(name, f"m{i:02}")) for i in range(values.shape[1]))
    rows = pl.from_numpy(
        values[first - HISTORY : first + length], [str(s.node) for s in signals], orient="row"
    )
    last = START + timedelta(seconds=step * (HISTORY + length - 1))
    times = pl.datetime_range(START, last, f"{round(step)}s", eager=True).cast(TIME)
    rows = rows.insert_column(0, times.alias("time"))
    alert = START + timedelta(seconds=step * HISTORY) + LEAD
    return Window(signals, rows[:HISTORY], rows[HISTORY:], step, alert, alert + 3 * LEAD)


def scan(
    name: str, values: Array, label: NDArray[np.uint8] | None, step: float, windows: int
) -> Stretch:
    """Return the scores of all scans over ``values``, of shape (instants, signals)."""
    length = lead_of(step) + max(round(300 / step), 3) + 1
    every = length * windows
    first = np.arange(HISTORY, len(values) - length + 1, every)
    detector = RobustDetector()
    score = [detector.score(window_at(name, values, int(begin), step, length)) for begin in first]
    marked = None if label is None else label.astype(bool)
    return Stretch(name, step, first, length, np.array(score), marked, every)


def scanned(folder: Path, windows: int) -> Iterator[Stretch]:
    """Yield every stretch of every server in ``folder``."""
    for file in sorted(folder.glob("*.npz")):
        step = next(seconds for start, seconds in STEPS.items() if file.name.startswith(start))
        with np.load(file, allow_pickle=False) as parts:
            for part, label in (("train", None), ("test", "test_label")):
                values = parts[part].astype(float)
                marks = parts[label] if label else None
                yield scan(f"{file.stem} {part}", values, marks, step, windows)


def incidents(stretch: Stretch, bar: float) -> list[tuple[int, int]]:
    """Return first and last accused scan of each incident."""
    accused = np.flatnonzero(stretch.score >= bar)
    apart = max(QUIET.total_seconds() / stretch.step / stretch.every, 1.0)
    runs: list[tuple[int, int]] = []
    for place in accused.tolist():
        if runs and place - runs[-1][1] <= apart:
            runs[-1] = (runs[-1][0], place)
        else:
            runs.append((place, place))
    return runs


def segments(label: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last instant of each labelled stretch."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], label.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def false_ones(stretch: Stretch, bar: float) -> int:
    """Return how many incidents touch nothing that is labelled."""
    marks = np.zeros(0, bool) if stretch.label is None else stretch.label
    number = 0
    for begin, end in incidents(stretch, bar):
        last = stretch.first[end] + stretch.length
        number += not marks[stretch.first[begin] : last].any()
    return number


def found(stretch: Stretch, bar: float) -> list[float | None]:
    """Return, for each labelled stretch that was scanned, minutes until it was noticed."""
    noticed: list[float | None] = []
    if stretch.label is None or not len(stretch.first):
        return noticed
    for begin, end in segments(stretch.label):
        scans = np.flatnonzero((stretch.first <= end) & (stretch.first + stretch.length > begin))
        if len(scans):
            accused = scans[stretch.score[scans] >= bar]
            noticed.append(
                float(stretch.first[accused[0]] + stretch.length - 1 - begin) * stretch.step / 60
                if len(accused)
                else None
            )
    return noticed


def table(stretches: Sequence[Stretch]) -> Iterator[str]:
    """Yield one line a group of stretches and alpha, in Markdown."""
    yield (
        "| stretch | host-days | alpha | false incidents | per host-week | per 1,000 host-days "
        "| labelled found | minutes to notice, median |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    groups: dict[str, list[Stretch]] = {}
    for stretch in stretches:
        kind = "calm" if stretch.label is None else "test"
        groups.setdefault(f"{stretch.name.split('-')[0]}, {kind}", []).append(stretch)
    for group, members in {**groups, "all": list(stretches)}.items():
        days = sum(stretch.days for stretch in members)
        for alpha in ALPHAS:
            bar = -np.log10(alpha)
            false = sum(false_ones(stretch, bar) for stretch in members)
            seen = [minutes for stretch in members for minutes in found(stretch, bar)]
            late = [minutes for minutes in seen if minutes is not None]
            recall = f"{len(late)} of {len(seen)}" if seen else "-"
            delay = f"{np.median(late):.0f}" if late else "-"
            yield (
                f"| {group} | {days:.0f} | {alpha:g} | {false} | {WEEK * false / days:.2f} "
                f"| {1000 * false / days:.0f} | {recall} | {delay} |"
            )


def main() -> int:
    """Scan, print, and keep the scores where asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="recent parts from scan to scan")
    parser.add_argument("--scores", type=Path, help="folder that keeps the scores")
    options = parser.parse_args()
    stretches = []
    for stretch in scanned(options.folder, options.every):
        stretches.append(stretch)
        sys.stderr.write(f"{stretch.name}: {stretch.days:.1f} host-days\n")
        if options.scores:
            options.scores.mkdir(exist_ok=True)
            np.save(options.scores / f"{stretch.name}.npy", stretch.score)
    sys.stdout.write("\n".join(table(stretches)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
