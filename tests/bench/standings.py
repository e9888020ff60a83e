"""Who names the cause: accuracy of every ranking, and how far Aitia is from each, pair by pair."""

from collections.abc import Iterator, Sequence

import numpy as np

from diagnose.evaluation.accuracy import Estimate, difference, estimate
from tests.bench.markdown import interval, signed, table
from tests.bench.records import AITIA, OURS, Measured, MeasuredSet, Scores
from tests.bench.variants import ON_TIME

FIGURES = ("AC@1", "AC@3", "Avg@5")


def figures(scores: Scores) -> Scores:
    """Return AC@1, AC@3 and Avg@5 of AC@1 .. AC@5, one row an incident."""
    return np.stack([scores[:, 0], scores[:, 2], scores.mean(axis=1)], axis=1)


def methods(incidents: Sequence[Measured]) -> list[str]:
    """Return the names of all rankings that any incident has, Aitia's first."""
    named = {name: None for bundle in incidents for name in bundle.found[ON_TIME]}
    return [*OURS, *(name for name in named if name not in OURS)]


def ranked_by(incidents: Sequence[Measured], method: str) -> list[Measured]:
    """Return the incidents of which ``method`` gave a ranking."""
    return [bundle for bundle in incidents if method in bundle.found[ON_TIME]]


def scores_of(incidents: Sequence[Measured], method: str) -> Scores:
    """Return AC@1, AC@3 and Avg@5 of ``method``, one row an incident."""
    return figures(np.stack([bundle.found[ON_TIME][method] for bundle in incidents]))


def standings(measured: MeasuredSet) -> Iterator[str]:
    """Yield one set's table."""
    incidents = measured.incidents
    if not incidents:
        return
    yield f"### {measured.name}: {len(incidents)} incidents, level: {measured.level}"
    yield ""
    head = ("ranking", *FIGURES, *(f"Aitia minus it, {name}" for name in FIGURES))
    yield from table(head, (_row(incidents, method) for method in methods(incidents)))
    expected = [bundle.expected for bundle in incidents if bundle.expected is not None]
    chance = figures(np.stack(expected)).mean(axis=0)
    parts = ", ".join(
        f"{name} {value:.2f}" for name, value in zip(FIGURES, chance.tolist(), strict=True)
    )
    yield f"Chance: {parts}."
    yield ""
    yield from _failures(incidents)


def _row(incidents: Sequence[Measured], method: str) -> list[str]:
    """Return one method's row; where it failed, neither it nor Aitia is scored."""
    those = ranked_by(incidents, method)
    if not those:
        return [method, *("failed on all",) * 3, *("-",) * 3]
    found = scores_of(those, method)
    ours = scores_of(those, AITIA)
    name = method if len(those) == len(incidents) else f"{method} ({len(those)} ranked)"
    cells = [interval(estimate(found[:, i])) for i in range(3)]
    if method == AITIA:
        return [name, *cells, "", "", ""]
    return [name, *cells, *(signed(difference(ours[:, i], found[:, i])) for i in range(3))]


def _failures(incidents: Sequence[Measured]) -> Iterator[str]:
    """Yield what the published packages took, and how often and why they gave no ranking."""
    took = {name: None for bundle in incidents for name in bundle.took}
    if not took:
        return

    def row(name: str) -> list[str]:
        seconds = [bundle.took[name] for bundle in incidents if name in bundle.took]
        reasons = [bundle.failures[name] for bundle in incidents if name in bundle.failures]
        first = max(set(reasons), key=reasons.count)[:80] if reasons else ""
        spent = f"{np.median(seconds):.2f}", f"{max(seconds):.2f}"
        return [name, *spent, f"{len(reasons)} of {len(seconds)}", first]

    head = ("package", "seconds, median", "largest", "failed", "most often because")
    yield from table(head, (row(name) for name in took))


def against_best(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield, for each set, Aitia beside the best of all peers at AC@1 and at AC@3."""
    rows = []
    for measured in sets:
        for place, name in enumerate(FIGURES[:2]):
            found = best_peer(measured.incidents, place)
            if found:
                peer, ours, theirs, gap = found
                level = f"{measured.name} ({len(measured.incidents)})"
                rows.append([level, name, f"{ours:.2f}", f"{theirs:.2f}, {peer}", signed(gap)])
    head = ("set (incidents)", "", "Aitia", "best peer", "difference")
    yield from table(head, rows)


def best_peer(
    incidents: Sequence[Measured], place: int
) -> tuple[str, float, float, Estimate] | None:
    """Return the best peer at one of ``FIGURES``, both scores, and the difference.

    Only peers that ranked every incident compete: who fails on hard ones would look good.
    """
    peers = [
        method
        for method in (methods(incidents) if incidents else [])
        if method not in OURS and len(ranked_by(incidents, method)) == len(incidents)
    ]
    if not peers:
        return None
    values = {peer: scores_of(incidents, peer)[:, place] for peer in peers}
    best = max(peers, key=lambda peer: (float(values[peer].mean()), peer))
    ours = scores_of(incidents, AITIA)[:, place]
    gap = difference(ours, values[best])
    return best, float(ours.mean()), float(values[best].mean()), gap
