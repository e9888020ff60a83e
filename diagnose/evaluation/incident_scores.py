"""What the language model is worth to the product: the same incidents explained with each variant.

A set is replayed as ``aitia backtest`` does, once a variant. Large sets are thinned evenly.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np

from diagnose.evaluation.accuracy import Accuracy, Estimate
from diagnose.evaluation.backtest import Case, SetReport, replay, report, sets_in
from diagnose.evaluation.score_table import Progress, ScoreRow, ScoreTable
from diagnose.failure import Failure
from diagnose.incident.bundle import TRUTH
from diagnose.incident.window import WindowLimits
from diagnose.pipeline import Roles

MEASURES: Final = ("entity AC@1", "entity AC@3", "signal AC@1", "signal AC@3")


def labelled_sets(folder: Path, count: int) -> dict[str, list[Path]]:
    """Return the labelled bundles of each set in ``folder``, at most ``count``, evenly thinned.

    Raises:
        Failure: there is none.
    """
    paths = sorted(path.parent for path in folder.glob(f"*/{TRUTH}"))
    if not paths:
        raise Failure(f"{folder}: no bundle with a {TRUTH}", "give a folder of labelled bundles")
    named = sets_in(folder)
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(named.get(path.name, folder.resolve().name), []).append(path)
    return {name: _thinned(each, count) for name, each in sorted(found.items())}


def incident_tables(
    sets: Mapping[str, list[Path]],
    variants: Mapping[str, Callable[[], Roles]],
    limits: WindowLimits = WindowLimits(),
    progress: Progress = lambda done, of: None,
) -> Iterator[ScoreTable]:
    """Yield a table for each set: who explains, how often rightly, and what chance would give.

    Args:
        sets: Bundles by the name of their set.
        variants: Who explains, by name; made anew for each set.
        limits: How much of a bundle becomes a window.
        progress: Told how many bundles are done of all.
    """
    done, total = 0, len(variants) * sum(map(len, sets.values()))
    for name, paths in sets.items():
        rows: list[ScoreRow] = []
        for who, made in variants.items():
            roles, cases = made(), list[Case]()
            for path in paths:
                cases.append(replay(path, roles, limits))
                done += 1
                progress(done, total)
            found = report(name, cases)
            rows = rows or _floor(found)
            rows.append(_row(who, found, [found.aitia.entity, found.aitia.signal]))
        yield ScoreTable(f"Incidents: {name}", MEASURES, tuple(rows))


def _floor(found: SetReport) -> list[ScoreRow]:
    """Return what no graph reaches: by chance, and by the ranking without any."""
    by_chance: list[Estimate | None] = []
    for level in (found.aitia.entity, found.aitia.signal):
        shares = (level.chance_ac1, level.chance_ac3) if level else (None, None)
        by_chance += [None if x is None else Estimate(x, x, x) for x in shares]
    plain = found.without_graph
    return [
        ScoreRow("chance", found.n, found.n, tuple(by_chance)),
        _row("without a graph", found, [plain.entity, plain.signal]),
    ]


def _row(who: str, found: SetReport, levels: list[Accuracy | None]) -> ScoreRow:
    scores: list[Estimate | None] = []
    for level in levels:
        scores += [level.ac1, level.ac3] if level else [None, None]
    return ScoreRow(who, found.n, found.n, tuple(scores))


def _thinned(paths: list[Path], count: int) -> list[Path]:
    places = np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).round().astype(int))
    return [paths[place] for place in places]
