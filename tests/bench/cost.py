"""Seconds by stage and memory, set by set."""

from collections.abc import Iterator, Sequence

import numpy as np

from tests.bench.markdown import table
from tests.bench.records import MeasuredSet


def cost(sets: Sequence[MeasuredSet]) -> Iterator[str]:
    """Yield the median seconds of each stage and the 95th percentile of the whole.

    Only answered bundles count, since no other reaches the judges; the first of them is left out:
    it also pays for importing the judges' libraries.
    """
    stages = dict.fromkeys(
        stage for measured in sets for bundle in measured.bundles for stage in bundle.stages
    )
    named = [*(stage for stage in stages if stage != "all"), "all"]
    rows = []
    for measured in sets:
        warm = [bundle for bundle in measured.bundles if bundle.answered][1:]
        if not warm:
            continue
        medians = [
            1000 * np.median([bundle.stages.get(stage, 0.0) for bundle in warm]) for stage in named
        ]
        high = 1000 * np.quantile([bundle.stages["all"] for bundle in warm], 0.95)
        cells = [f"{value:.0f}" for value in (*medians, high)]
        rows.append([f"{measured.name} ({len(warm)})", *cells, f"{measured.peak_mebibytes:.0f}"])
    head = ("set (answers)", *(f"{name}, ms" for name in named), "all, 95th percentile, ms")
    yield from table((*head, "peak MiB of the process"), rows)
