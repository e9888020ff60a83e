"""Fit the weights of the ranking: ``python -m tests.bench.fit DIR...``.

Each set of incidents is ranked with weights fitted on all others, which is what a system never seen
before may expect; the weights to ship are fitted on all. Sets with a single entity label every
signal that deviates, symptoms included: they say nothing of causes and are left out.
"""

import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from diagnose.evaluation.backtest import read_truth, sets_in
from diagnose.incident.bundle import TRUTH, read_bundle
from diagnose.incident.window import WindowLimits, make_window
from models.families import FAMILIES
from models.ranker import RankWeights, Witnesses, probabilities, witnesses

Array = NDArray[np.float64]
Case = tuple[Witnesses, NDArray[np.bool_]]

PLAIN: Final = ("size", "surprise", "symptom", "strength", "alike", "other")
# What is known before: latency and demand move wherever a fault is felt, whoever complains is
# seldom the cause, what is of the kind complained of is nearer to it, surprise weighs most; and the
# fault was not observed until something surprises.
START: Final = np.array([0.7, 2.0, -1.0, 2.0, 0.7, 3.0, 0.5, -1.0, 0.0, -1.0, 0.5, -0.5, 0.0, 0.5])
PENALTY: Final = 5.0  # of a weight's squared distance from where it starts


def weights_of(values: Array) -> RankWeights:
    """Return the weights that ``values`` stand for."""
    size, surprise, symptom, strength, alike, other = map(float, values[: len(PLAIN)])
    family = dict(zip(FAMILIES, map(float, values[len(PLAIN) :]), strict=True))
    return replace(
        RankWeights(),
        size=size,
        surprise=surprise,
        symptom=symptom,
        strength=strength,
        alike=alike,
        other=other,
        family=family,
    )


def fitted(cases: list[Case]) -> Array:
    """Return the weights under which the true entities are most probable."""

    def loss(values: Array) -> float:
        weights = weights_of(values)
        unlikely = sum(-np.log(true_share(case, weights)) for case in cases)
        return float(unlikely + PENALTY * np.square(values - START).sum())

    found = minimize(loss, START, method="L-BFGS-B", options={"maxiter": 40})
    return np.asarray(found.x)


def entity_shares(found: Witnesses, weights: RankWeights) -> Array:
    """Return each entity's probability."""
    share, _ = probabilities(found, weights)
    shares: Array = np.bincount(found.entity, share, minlength=len(found.entities)).astype(float)
    return shares


def true_share(case: Case, weights: RankWeights) -> float:
    """Return the probability of the true entities; each may be the "other" one as well."""
    found, true = case
    share = entity_shares(found, weights)
    rest = max(1 - share.sum(), 0.0) / len(share)
    return max(float((share + rest)[true].sum()), 1e-12)


def place(case: Case, weights: RankWeights) -> int:
    """Return how many entities stand before the first true one."""
    found, true = case
    share = entity_shares(found, weights)
    return int((share > share[true].max()).sum())


def read_cases(folder: Path) -> dict[str, list[Case]]:
    """Return the incidents with several entities in ``folder``, by set."""
    cases: dict[str, list[Case]] = defaultdict(list)
    named = sets_in(folder)
    for path in sorted(file.parent for file in folder.glob(f"*/{TRUTH}")):
        causes = {cause.entity for cause in read_truth(path / TRUTH)}
        if not causes:
            continue
        bundle = read_bundle(path)
        found = witnesses(make_window(bundle, WindowLimits()), bundle.symptom)
        true = np.array([entity in causes for entity in found.entities])
        if len(true) > 1 and true.any():
            cases[named.get(bundle.id, folder.resolve().name)].append((found, true))
    return dict(cases)


def standing(name: str, cases: list[Case], values: Array) -> str:
    """Return one line: how often the true entity is first, and among the first three."""
    weights = weights_of(values)
    places = np.array([place(case, weights) for case in cases])
    said = np.mean([entity_shares(case[0], weights).max() for case in cases])
    first, third = (places < 1).mean(), (places < 3).mean()
    return f"{name}: AC@1 {first:.2f}, AC@3 {third:.2f}, said {said:.2f}, n {len(cases)}"


def write(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    """Print how each set fares with weights fitted on the others, and the weights of all."""
    cases: dict[str, list[Case]] = {}
    for folder in map(Path, sys.argv[1:]):
        cases |= read_cases(folder)
    for name, left_out in sorted(cases.items()):
        others = [case for other, found in cases.items() if other != name for case in found]
        write(standing(f"{name}, fitted on the others", left_out, fitted(others)))
    values = fitted([case for found in cases.values() for case in found])
    for name, found in sorted(cases.items()):
        write(standing(f"{name}, fitted on all", found, values))
    plain, family = values[: len(PLAIN)].round(2), values[len(PLAIN) :].round(2)
    write(f"{dict(zip(PLAIN, plain.tolist(), strict=True))}")
    write(f"family: {dict(zip(FAMILIES, family.tolist(), strict=True))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
