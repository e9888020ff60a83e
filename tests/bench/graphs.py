"""Is a true call graph trusted more than a wrong one, and does it matter?"""

from collections.abc import Iterator, Sequence

import numpy as np

from diagnose.evaluation.accuracy import difference, estimate
from tests.bench.markdown import interval, signed, table
from tests.bench.records import Measured, MeasuredSet, Trusted
from tests.bench.variants import RANDOM, REVERSED, TRUE


def graph_table(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield trust and accuracy with the given call graph, reversed and random ones.

    Only incidents that Aitia answers have a graph.
    """
    rows = []
    for measured in sets:
        those = [b for b in measured.incidents if b.answered and b.graphs.get(TRUE)]
        rows += [_row(measured.name, those, kind) for kind in (TRUE, REVERSED, RANDOM) if those]
    head = (
        "set (incidents)",
        "call graph",
        "trust, median [quartiles]",
        "given minus it, mean trust",
        "independences denied",
        "of its relabelling",
        "AC@1",
    )
    yield from table(head, rows)


def _row(name: str, incidents: Sequence[Measured], kind: str) -> list[str]:
    fared = [graph for bundle in incidents for graph in bundle.graphs[kind]]
    low, median, high = np.quantile([graph.trust for graph in fared], [0.25, 0.5, 0.75])
    trust = np.array([_mean_trust(bundle.graphs[kind]) for bundle in incidents])
    given = np.array([_mean_trust(bundle.graphs[TRUE]) for bundle in incidents])
    first = np.array([np.mean([graph.first for graph in b.graphs[kind]]) for b in incidents])
    return [
        f"{name} ({len(incidents)})",
        kind,
        f"{median:.2f} [{low:.2f}, {high:.2f}]",
        "" if kind == TRUE else signed(difference(given, trust)),
        _median([graph.violated for graph in fared]),
        _median([graph.null for graph in fared]),
        interval(estimate(first)),
    ]


def _mean_trust(graphs: Sequence[Trusted]) -> float:
    return float(np.mean([graph.trust for graph in graphs]))


def _median(shares: Sequence[float | None]) -> str:
    known = [share for share in shares if share is not None]
    if not known:
        return "untestable"
    return f"{np.median(known):.2f} ({len(known)} of {len(shares)} testable)"
