"""Random sites of servers: their components, who calls whom, what runs where, what is measured.

What a site lacks is a concept that it has no such thing for or that nobody there measures. What
acts through something that a site lacks acts directly there; what is driven by it in two ways has
a hidden common cause.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import numpy as np

from models.simulator.concepts import (
    GPU,
    STORES,
    Concept,
    Link,
    Role,
    concepts,
    links,
    wider_concepts,
    wider_links,
)
from models.simulator.rows import Lag, Place

LACKING: Final = 0.15  # share of the concepts that a site lacks
WITH_GPU: Final = 0.3  # share of the sites that compute on GPUs
WITH_STORE: Final = {"database": 0.85, "cache": 0.65, "queue": 0.45}
SLOWER: Final[tuple[Lag, ...]] = ("now", "soon", "minutes", "hours")


@dataclass(frozen=True, slots=True)
class Component:
    """A site, a host, or something that runs on one.

    Attributes:
        name: Identifies it within its topology.
        role: What it is.
    """

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class Topology:
    """One site.

    Attributes:
        name: Identifies the topology; the seed it came from is part of it.
        components: The site itself, its hosts and what runs on them, in this order.
        runs_on: (part, host) pairs.
        calls: (caller, callee) pairs; they form no cycle.
        lacking: Names of the concepts that are not there or not measured.
        wider: Whether it also has what only training learns about.
    """

    name: str
    components: tuple[Component, ...]
    runs_on: tuple[tuple[str, str], ...]
    calls: tuple[tuple[str, str], ...]
    lacking: frozenset[str]
    wider: bool = False

    @property
    def written(self) -> dict[str, Concept]:
        """Every concept that somebody wrote down for it, by its name."""
        return wider_concepts() if self.wider else concepts()

    def widened(self) -> "Topology":
        """Return the same with all that only training learns about."""
        return replace(self, wider=True)

    def present(self) -> list[str]:
        """Return the names of the concepts that the site has and measures, in a fixed order."""
        roles = {component.role for component in self.components}
        return [
            name
            for name, concept in self.written.items()
            if name not in self.lacking and not roles.isdisjoint(concept.roles)
        ]


def random_topology(seed: int) -> Topology:
    """Return the site that belongs to ``seed``: one to four hosts, one to six services, stores."""
    rng = np.random.default_rng([seed, 71])
    hosts = [Component(f"host{i}", "host") for i in range(rng.integers(1, 5))]
    services = [Component(f"service{i}", "service") for i in range(rng.integers(1, 7))]
    stores = [Component(f"{role}0", role) for role in STORES if rng.random() < WITH_STORE[role]]
    calls = [
        (services[int(rng.integers(0, i))].name, services[i].name) for i in range(1, len(services))
    ]
    calls += [(str(rng.choice([s.name for s in services])), store.name) for store in stores]
    parts = [*services, *stores]
    runs_on = [(part.name, hosts[int(rng.integers(0, len(hosts)))].name) for part in parts]
    drawn = rng.random(len(concepts())) < LACKING
    lacking = {name for name, lacks in zip(concepts(), drawn, strict=True) if lacks}
    if rng.random() >= WITH_GPU:
        lacking |= {name for name in concepts() if name.startswith(GPU)}
    site = Component("site", "site")
    return Topology(
        f"topology-{seed}",
        (site, *hosts, *parts),
        tuple(runs_on),
        tuple(calls),
        frozenset(lacking),
    )


@lru_cache(2048)
def links_of(topology: Topology) -> tuple[Link, ...]:
    """Return what acts directly on what in ``topology``, among the concepts that it measures."""
    roles = {component.role for component in topology.components}
    exists = {n for n, c in topology.written.items() if not roles.isdisjoint(c.roles)}
    have = {
        (link.cause, link.effect, link.place): link
        for link in (wider_links() if topology.wider else links())
        if link.cause in exists and link.effect in exists
    }
    for name in sorted(topology.lacking):
        into = [link for link in have.values() if link.cause != link.effect == name]
        out = [link for link in have.values() if link.effect != link.cause == name]
        have = {key: link for key, link in have.items() if name not in (link.cause, link.effect)}
        for link in _through(into, out):
            have.setdefault((link.cause, link.effect, link.place), link)
    return tuple(have.values())


def _through(into: Iterable[Link], out: list[Link]) -> Iterable[Link]:
    """Yield what acts through a concept that is not there."""
    for first in into:
        for then in out:
            place = _place(first.place, then.place)
            if place is None or (first.cause == then.effect and place == "same"):
                continue
            sign: Literal[-1, 1] = 1 if first.sign == then.sign else -1
            lag = max(first.lag, then.lag, key=SLOWER.index)
            yield Link(first.cause, then.effect, place, sign, lag)


def _place(first: Place, then: Place) -> Place | None:
    """Return where two steps lead, None where that is farther than a neighbour."""
    if first == "same":
        return then
    if then == "same":
        return first
    return "same" if (first, then) == ("called", "caller") else None
