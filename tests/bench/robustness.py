"""What a moved alert costs: a step early and late, and asked at other moments."""

from collections.abc import Iterator, Sequence

import numpy as np

from diagnose.evaluation.accuracy import Estimate, difference, estimate
from tests.bench.markdown import signed, table
from tests.bench.records import AITIA, Measured, MeasuredSet, Scores
from tests.bench.standings import methods
from tests.bench.variants import ASKED, EARLY, LATE, ON_TIME

MOVED = (EARLY, LATE)


def moved(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield Avg@5 on time and moved, by set and method, and the loss pooled over all sets."""
    everything = [bundle for measured in sets for bundle in measured.incidents]
    if not everything:
        return
    names = [n for n in methods(everything) if any(n in b.found.get(EARLY, {}) for b in everything)]
    rows = [row for measured in sets for row in _rows(measured, names)]
    yield from table(("set", "ranking", ON_TIME, *MOVED, *ASKED.values()), rows)
    pooled = [_pooled(everything, name) for name in names]
    head = ("ranking", f"{EARLY}, loss", f"{LATE}, loss", "both, loss")
    yield f"Paired difference of Avg@5 to {ON_TIME}, pooled over all {len(everything)} incidents:"
    yield ""
    yield from table(head, ([name, *map(signed, losses)] for name, losses in pooled))


def loss(incidents: Sequence[Measured], method: str, variants: Sequence[str]) -> Estimate | None:
    """Return Avg@5 under ``variants`` minus that on time; an incident is resampled as a whole."""
    those = [
        bundle
        for bundle in incidents
        if all(method in bundle.found.get(variant, {}) for variant in (ON_TIME, *variants))
    ]
    if not those:
        return None
    changed = np.mean([_average(those, method, variant) for variant in variants], axis=0)
    return difference(changed, _average(those, method, ON_TIME))


def _pooled(incidents: Sequence[Measured], name: str) -> tuple[str, list[Estimate | None]]:
    spans: tuple[tuple[str, ...], ...] = ((EARLY,), (LATE,), MOVED)
    return name, [loss(incidents, name, variants) for variants in spans]


def _rows(measured: MeasuredSet, names: Sequence[str]) -> Iterator[list[str]]:
    for name in names:
        cells = []
        for variant in (ON_TIME, *MOVED, *ASKED.values()):
            those = [b for b in measured.incidents if name in b.found.get(variant, {})]
            if those:
                mean = estimate(_average(those, name, variant)).value
                fewer = len(those) < len(measured.incidents)
                cells.append(f"{mean:.2f}" + (f" ({len(those)})" if fewer else ""))
            else:
                cells.append("-")
        if cells[0] != "-":
            yield [measured.name, name, *cells]


def _average(incidents: Sequence[Measured], method: str, variant: str) -> Scores:
    """Return Avg@5 of each incident."""
    return np.array([float(bundle.found[variant][method].mean()) for bundle in incidents])


def worst_case(sets: Sequence[MeasuredSet]) -> Estimate | None:
    """Return Aitia's pooled loss, early and late together."""
    everything = [bundle for measured in sets for bundle in measured.incidents]
    return loss(everything, AITIA, MOVED)
