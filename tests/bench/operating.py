"""Incidents answered against healthy windows accused, for Aitia and other detectors."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from diagnose.evaluation.accuracy import RESAMPLES, Estimate
from tests.bench.markdown import interval, table
from tests.bench.records import AITIA, Measured, MeasuredSet
from tests.bench.shape import EARLIER, told_by_shape

Values = NDArray[np.float64]

ACCUSED: Final = 0.05  # share of healthy windows that may be accused
SHARES: Final = (0.0, 0.02, 0.05, 0.1, 0.2)  # points of the curve


def exact(hits: int, of: int, level: float = 0.95) -> Estimate:
    """Return a share with its exact interval.

    Example:
        >>> bounds = exact(0, 20)
        >>> bounds.value, bounds.low, round(bounds.high, 3)
        (0.0, 0.0, 0.168)

    Reference: Clopper, Pearson, "The use of confidence or fiducial limits illustrated in the case
    of the binomial", Biometrika 26 (1934).
    """
    from scipy.stats import binomtest

    bounds = binomtest(hits, of).proportion_ci(level, "exact")
    return Estimate(hits / of, float(bounds.low), float(bounds.high))


def bar(healthy: Values, share: float = ACCUSED) -> float:
    """Return the lowest bar above which at most ``share`` of the ``healthy`` scores lie.

    Example:
        >>> bar(np.array([1.0, 2.0, 3.0, 4.0]), 0.25)
        3.0
    """
    return float(np.sort(healthy)[::-1][int(share * len(healthy) + 1e-9)])


def auc(ill: Values, well: Values) -> float:
    """Return the chance that an incident scores higher than a healthy window, ties half.

    Example:
        >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
        0.875
    """
    difference = ill[:, None] - well[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def auc_interval(ill: Values, well: Values) -> Estimate:
    """Return the area under the curve; both kinds of window are resampled."""
    rng = np.random.default_rng(0)
    difference = ill[:, None] - well[None, :]
    wins = (difference > 0) + 0.5 * (difference == 0)
    drawn = [
        float(
            wins[
                np.ix_(
                    rng.integers(len(ill), size=len(ill)), rng.integers(len(well), size=len(well))
                )
            ].mean()
        )
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(float(wins.mean()), float(low), float(high))


def curves(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield, for each set and detector, what is answered where few healthy windows are accused."""
    both = [measured for measured in sets if measured.incidents and measured.healthy]
    rows, points = [], []
    for measured in both:
        rows.append(_as_shipped(measured))
        for name in _detectors(measured):
            ill, well = _scores(measured.incidents, name), _scores(measured.healthy, name)
            others = [
                other for other in both if other is not measured and name in _detectors(other)
            ]
            elsewhere = [_scores(other.healthy, name) for other in others]
            own = _shares(ill, well, bar(well))
            away = _shares(ill, well, bar(np.concatenate(elsewhere))) if elsewhere else ["-", "-"]
            rows.append([measured.name, name, interval(auc_interval(ill, well)), *own, *away])
            reached = [f"{(ill > bar(well, share)).mean():.2f}" for share in SHARES]
            points.append([measured.name, name, *reached])
    head = (
        "set",
        "detector",
        "AUC",
        f"answered, <= {ACCUSED:.0%} of these healthy accused",
        "accused",
        "answered, bar from the other sets' healthy",
        "accused",
    )
    yield from table(head, rows)
    yield "Share of incidents answered where at most so many healthy windows are accused:"
    yield ""
    yield from table(("set", "detector", *(f"{share:.0%}" for share in SHARES)), points)


def shape_table(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield how well a classifier that sees no value tells incidents from healthy windows."""
    rows = []
    for measured in sets:
        if measured.incidents and measured.healthy:
            cells = [measured.name]
            for features in (None, EARLIER):
                scores, incident = told_by_shape(measured.bundles, features)
                area = auc_interval(scores[incident], scores[~incident])
                cells.append(
                    interval(area) + (", **better than chance**" if area.low > 0.5 else "")
                )
            rows.append(cells)
    head = ("set", "AUC by shape alone", "by the shape of what lies before the recent rows")
    yield from table(head, rows)


def _as_shipped(measured: MeasuredSet) -> list[str]:
    """Return the row of the answers as they were given, at the detector's own bar."""
    cells = []
    for bundles in (measured.incidents, measured.healthy):
        named = sum(bundle.answered for bundle in bundles)
        cells.append(f"{interval(exact(named, len(bundles)))} ({named}/{len(bundles)})")
    return [measured.name, f"{AITIA} as shipped", "", "", "", *cells]


def _detectors(measured: MeasuredSet) -> list[str]:
    """Return the detectors that scored every window of a set."""
    names = dict.fromkeys(name for bundle in measured.bundles for name in bundle.abnormal)
    return [name for name in names if all(name in b.abnormal for b in measured.bundles)]


def _scores(bundles: Sequence[Measured], name: str) -> Values:
    return np.array([bundle.abnormal[name] for bundle in bundles])


def _shares(ill: Values, well: Values, above: float) -> list[str]:
    """Return the shares above a bar with exact intervals."""
    counts = [(int((part > above).sum()), len(part)) for part in (ill, well)]
    return [f"{interval(exact(*count))} ({count[0]}/{count[1]})" for count in counts]
