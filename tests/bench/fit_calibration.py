"""Fit how sharp the probabilities are: ``python -m tests.bench.fit_calibration DIR...``.

Each set is read with a calibration fitted on all others; what is shipped is fitted on all. Sets
with a single entity label symptoms too and say nothing of causes.
"""

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from diagnose.compose import compose, limits
from diagnose.config import Settings
from diagnose.evaluation.backtest import read_truth, replay, sets_in
from diagnose.incident.bundle import TRUTH
from diagnose.schema import RootCause
from models.calibration import UNFITTED, Calibration
from tests.bench.calibration import ece, ece_by_luck
from tests.bench.fit import write

SHARPNESS: Final = np.arange(0.6, 2.6, 0.1)
OTHER: Final = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0)
LEAST: Final = 1e-6  # probability of what was not named at all

Answer = tuple[tuple[RootCause, ...], frozenset[str]]  # candidates, and the true entities


def answers(folder: Path) -> dict[str, list[Answer]]:
    """Return what is said of the incidents with several entities in ``folder``, by set."""
    settings = Settings()
    roles = replace(compose(settings), calibration=UNFITTED)
    found: dict[str, list[Answer]] = defaultdict(list)
    named = sets_in(folder)
    for path in sorted(file.parent for file in folder.glob(f"*/{TRUTH}")):
        true = frozenset(cause.entity for cause in read_truth(path / TRUTH))
        if true:
            case = replay(path, roles, limits(settings))
            if case.entities > 1 and case.diagnosis.root_causes:
                name = named.get(case.id, folder.resolve().name)
                found[name].append((case.diagnosis.root_causes, true))
    return dict(found)


def fitted(cases: list[Answer]) -> Calibration:
    """Return the calibration under which the true entities are most probable."""

    def unlikely(calibration: Calibration) -> float:
        total = 0.0
        for causes, true in cases:
            told = calibration.calibrated(causes)
            held = sum(cause.probability for cause in told if cause.entity in true)
            total -= np.log(max(held, LEAST))
        return total

    tried = [Calibration(float(s), other, len(cases)) for s in SHARPNESS for other in OTHER]
    return min(tried, key=unlikely)


def told(cases: list[Answer], calibration: Calibration) -> tuple[list[float], list[float]]:
    """Return the first entity's probability in each answer, and whether it was true."""
    stated, right = [], []
    for causes, true in cases:
        entity: dict[str, float] = defaultdict(float)
        for cause in calibration.calibrated(causes):
            entity[cause.entity] += cause.probability
        first = max(entity, key=lambda name: entity[name])
        stated.append(entity[first])
        right.append(float(first in true))
    return stated, right


def line(name: str, stated: list[float], right: list[float]) -> str:
    """Return what was said, what was right, and the calibration error."""
    said, true = np.array(stated), np.array(right)
    return (
        f"{name}: said {said.mean():.2f}, right {true.mean():.2f}, ECE {ece(said, true):.3f} "
        f"(by luck {ece_by_luck(said):.3f}), n {len(said)}"
    )


def main() -> int:
    """Print how each set fares with the calibration of the others, and that of all."""
    cases: dict[str, list[Answer]] = {}
    for folder in map(Path, sys.argv[1:]):
        cases |= answers(folder)
    stated: list[float] = []
    right: list[float] = []
    for name, left_out in sorted(cases.items()):
        others = [case for other, found in cases.items() if other != name for case in found]
        said, true = told(left_out, fitted(others))
        write(line(f"{name}, fitted on the others", said, true))
        stated, right = stated + said, right + true
    write(line("together, each fitted on the others", stated, right))
    every = [case for found in cases.values() for case in found]
    calibration = fitted(every)
    write(line("together, fitted on all", *told(every, calibration)))
    write(f"{calibration}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
