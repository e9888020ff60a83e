"""The same incident asked about a little differently: when, and with which call graph.

Rows beyond the end of a bundle do not exist: an alert that comes late sees none of them either.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from diagnose.incident.bundle import Bundle, read_bundle

Calls = tuple[tuple[str, str], ...]

ON_TIME: Final = "on time"
EARLY: Final = "a step early"
LATE: Final = "a step late"
ASKED: Final = {minutes: f"asked {minutes} min after the alert" for minutes in (0, 5, 15)}
MINUTE: Final = 60.0

TRUE: Final = "given"
REVERSED: Final = "reversed"
RANDOM: Final = "random"
DRAWS: Final = 3  # random graphs an incident


def in_time(path: Path) -> Iterator[tuple[str, Bundle]]:
    """Yield the bundle in ``path`` as it is, and with the alert and the question moved in time.

    A step is a minute or, where readings come less often, one of theirs.
    """
    bundle = read_bundle(path)
    yield ON_TIME, bundle
    step = timedelta(seconds=max(MINUTE, bundle.step_seconds))
    for name, shift in ((EARLY, -step), (LATE, step)):
        moved = read_bundle(path, max(bundle.as_of + shift, bundle.alert_time))
        yield name, replace(moved, alert_time=bundle.alert_time + shift)
    for minutes, name in ASKED.items():
        moment = bundle.alert_time + timedelta(minutes=minutes)
        if moment <= bundle.as_of:
            yield name, read_bundle(path, moment)


def graphs_of(bundle: Bundle) -> Iterator[tuple[str, Bundle]]:
    """Yield ``bundle`` with its call graph reversed, and with random ones of as many calls."""
    calls = bundle.topology
    yield REVERSED, replace(bundle, topology=tuple((callee, caller) for caller, callee in calls))
    for draw in range(DRAWS):
        rng = np.random.default_rng([crc32(bundle.id.encode()), draw])
        yield RANDOM, replace(bundle, topology=random_calls(calls, rng))


def random_calls(calls: Calls, rng: np.random.Generator) -> Calls:
    """Return as many calls between the same entities, drawn at random, without a cycle."""
    entities = sorted({entity for call in calls for entity in call})
    order = [entities[i] for i in rng.permutation(len(entities))]
    first, second = np.triu_indices(len(order), k=1)
    chosen = rng.choice(len(first), min(len(set(calls)), len(first)), replace=False)
    return tuple((order[first[i]], order[second[i]]) for i in chosen)
