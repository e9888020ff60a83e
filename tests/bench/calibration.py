"""Does a probability mean what it says? Of entities named, how many hold the fault.

A healthy window that is accused counts: whoever is named there is named wrongly.

Reference: Naeini, Cooper, Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
binning", AAAI 2015, for the expected calibration error (ECE); it is above 0 by luck alone even for
true probabilities, so what luck gives is drawn and shown beside it.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import RESAMPLES, Estimate
from diagnose.evaluation.backtest import BINS
from tests.bench.markdown import interval, table
from tests.bench.records import MeasuredSet, Said

Values = NDArray[np.float64]

SEED: Final = 0
FEW: Final = 30  # right answers below which nothing is called calibrated


def calibration(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield reliability in bins and the expected calibration error of each set."""
    errors, bins = [], []
    for measured in sets:
        answers = [bundle.said for bundle in measured.bundles if bundle.said]
        for name, chosen in (("first", True), ("all named", False)):
            cases = [[s for s in answer if s.first or not chosen] for answer in answers]
            if not cases or measured.level == "signal":
                continue
            errors.append([measured.name, name, *_error(cases)])
            bins += [[measured.name, name, *cells] for cells in _reliability(cases)]
    yield from table(
        ("set", "entities", "n", "right", "ECE", "ECE by luck if all were true"), errors
    )
    yield from table(("set", "entities", "said", "n", "mean said", "right"), bins)


def ece(stated: Values, true: Values) -> float:
    """Return the mean distance of stated and true share over ``BINS``, weighted by their size.

    Example:
        >>> ece(np.array([0.9, 0.9]), np.array([1.0, 0.0])).__round__(2)
        0.4
    """
    place = binned(stated)
    sums = np.bincount(place, stated - true, minlength=len(BINS) - 1)
    return float(np.abs(sums).sum() / len(stated))


def binned(stated: Values) -> NDArray[np.intp]:
    """Return the bin of each probability; 1 lies in the last one."""
    return np.clip(np.searchsorted(BINS, stated, side="right") - 1, 0, len(BINS) - 2)


def ece_interval(cases: Sequence[Sequence[Said]]) -> Estimate:
    """Return the expected calibration error; whole answers are resampled."""
    rng = np.random.default_rng(SEED)
    parts = [_columns([case]) for case in cases]
    drawn = []
    for _ in range(RESAMPLES):
        chosen = [parts[i] for i in rng.integers(len(parts), size=len(parts))]
        drawn.append(
            ece(np.concatenate([c[0] for c in chosen]), np.concatenate([c[1] for c in chosen]))
        )
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(ece(*_columns(cases)), float(low), float(high))


def ece_by_luck(stated: Values) -> float:
    """Return the mean expected calibration error if every stated probability were true."""
    rng = np.random.default_rng(SEED)
    drawn = rng.random((RESAMPLES // 10, len(stated))) < stated
    return float(np.mean([ece(stated, draw.astype(float)) for draw in drawn]))


def _error(cases: Sequence[Sequence[Said]]) -> list[str]:
    stated, true = _columns(cases)
    cells = interval(ece_interval(cases)), f"{ece_by_luck(stated):.2f}"
    return [str(len(stated)), f"{true.sum():.0f}", *cells]


def _reliability(cases: Sequence[Sequence[Said]]) -> Iterator[list[str]]:
    """Yield, for each bin, what was said and what was right with its bootstrap band."""
    rng = np.random.default_rng(SEED)
    stated, true = _columns(cases)
    place = binned(stated)
    owner = np.repeat(np.arange(len(cases)), [len(case) for case in cases])
    weights = np.stack(
        [
            np.bincount(rng.integers(len(cases), size=len(cases)), minlength=len(cases))
            for _ in range(RESAMPLES)
        ]
    )[:, owner]  # how often each entity's answer was drawn
    for i, (low, high) in enumerate(pairwise(BINS)):
        inside = place == i
        if inside.any():
            count = weights[:, inside].sum(axis=1)
            right = weights[:, inside] @ true[inside]
            share = right[count > 0] / count[count > 0]
            band = Estimate(float(true[inside].mean()), *np.quantile(share, [0.025, 0.975]))
            yield [
                f"{low:.0%} to {high:.0%}",
                str(int(inside.sum())),
                f"{stated[inside].mean():.2f}",
                interval(band),
            ]


def _columns(cases: Sequence[Sequence[Said]]) -> tuple[Values, Values]:
    """Return what was said and what was right, over all answers."""
    stated = [said.probability for case in cases for said in case]
    return np.array(stated), np.array([float(said.right) for case in cases for said in case])
