"""What is said where nobody watches the true cause: ``python -m tests.bench.unwatched DIR...``.

Each incident is asked about as it is and once more without any signal of its true cause, whose
calls are still known. What is named then is wrong whatever it is, and should be said less surely.
"""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from diagnose.compose import compose, limits
from diagnose.config import Settings
from diagnose.evaluation.backtest import read_truth, sets_in
from diagnose.incident.bundle import TRUTH, read_bundle
from diagnose.incident.window import make_window
from diagnose.pipeline import explain
from diagnose.schema import Diagnosis, Window
from tests.bench.markdown import table


@dataclass(frozen=True, slots=True)
class Said:
    """How surely the likeliest entity was named, 0 where nobody was, with and without its cause."""

    watched: float
    unwatched: float


def without(window: Window, entities: Collection[str]) -> Window:
    """Return ``window`` as if nobody watched some entities and their parts."""
    kept = tuple(
        signal
        for signal in window.signals
        if not any(
            signal.node.entity == one or signal.node.entity.startswith(f"{one}/")
            for one in entities
        )
    )
    columns = ["time", *(str(signal.node) for signal in kept)]
    return replace(
        window,
        signals=kept,
        baseline=window.baseline.select(columns),
        recent=window.recent.select(columns),
    )


def surest(diagnosis: Diagnosis) -> float:
    """Return the probability of the likeliest entity, 0 where none is named."""
    share: dict[str, float] = defaultdict(float)
    for cause in diagnosis.root_causes:
        share[cause.entity] += cause.probability
    return max(share.values(), default=0.0)


def asked(folder: Path) -> Iterator[tuple[str, Said]]:
    """Yield each incident's set, and what is said of it."""
    settings = Settings()
    roles = compose(settings)
    named = sets_in(folder)
    for path in sorted(file.parent for file in folder.glob(f"*/{TRUTH}")):
        true = {cause.entity for cause in read_truth(path / TRUTH)}
        bundle = read_bundle(path)
        window = make_window(bundle, limits(settings))
        rest = without(window, true)
        if true and 0 < len(rest.signals) < len(window.signals):
            both = [
                surest(explain(bundle.id, one, roles, bundle.symptom)) for one in (window, rest)
            ]
            yield named.get(bundle.id, folder.resolve().name), Said(*both)


def row(name: str, said: list[Said]) -> tuple[str, ...]:
    """Return how often somebody was named and how surely, and whether that tells the arms apart."""
    watched, unwatched = (np.array([getattr(one, arm) for one in said]) for arm in Said.__slots__)
    both = np.append(watched, unwatched)
    area = roc_auc_score(np.arange(len(both)) < len(said), both)
    arms = (
        f"{(arm > 0).mean():.2f}, {arm[arm > 0].mean() if (arm > 0).any() else 0:.2f}"
        for arm in (watched, unwatched)
    )
    return (name, str(len(said)), *arms, f"{area:.2f}")


def main() -> int:
    """Print a row for each set."""
    found: dict[str, list[Said]] = defaultdict(list)
    for folder in map(Path, sys.argv[1:]):
        for name, said in asked(folder):
            found[name].append(said)
    rows = [row(name, said) for name, said in sorted(found.items())]
    rows.append(row("together", [one for said in found.values() for one in said]))
    head = ("set", "incidents", "named, said: watched", "named, said: not watched", "area")
    sys.stdout.write("\n".join(table(head, rows)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
