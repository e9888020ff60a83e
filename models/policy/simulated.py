"""Simulated incidents to learn from: what a policy sees, the truth, and the window for a judge."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from diagnose.schema import Window
from models.evidence import DEPTH
from models.policy.graphs import Adjacency, reach
from models.policy.incident import Incident, Truth
from models.simulator.questions import TOPOLOGIES, Split
from models.simulator.simulate import Fault, simulate
from models.simulator.system import System, system_of
from models.simulator.topology import random_topology

SIGNALS: Final = 10
ROWS: Final = 1_000  # of the baseline; a policy sees the earlier half


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One simulated incident.

    Attributes:
        incident: What may be seen of it.
        truth: What may only be rewarded.
        window: The same telemetry as stages take it; the later half of its baseline chose nothing.
    """

    incident: Incident
    truth: Truth
    window: Window


def episodes(split: Split, count: int, seed: int = 0, offset: int = 0) -> list[Episode]:
    """Return ``count`` incidents, each of another topology of the split as far as there are enough.

    Args:
        split: Which topologies; no two splits share one.
        count: How many.
        seed: Of the systems and their noise.
        offset: How many of the split's topologies to pass over.
    """
    first, number = TOPOLOGIES[split]
    made = []
    for i in range(count):
        topology = random_topology(first + (offset + i) % number)
        system = system_of(topology, SIGNALS, seed + i)
        made.append(_episode(system, seed + i))
    return made


def _episode(system: System, seed: int) -> Episode:
    """Return an incident in which something breaks that acts on something that people notice."""
    rng = np.random.default_rng([seed, 53])
    nodes = [signal.node for signal in system.signals]
    edges = np.zeros((len(nodes), len(nodes)), dtype=np.bool_)
    for cause, effect in system.edges:
        edges[nodes.index(cause), nodes.index(effect)] = True
    root = _root(edges, rng)
    symptom = _symptom(system, edges, root)
    fault = Fault(nodes[root].entity, nodes[root].signal, float(rng.uniform(3, 8)))
    shown = simulate(system, ROWS, seed, fault)
    incident = Incident.of(shown.window, nodes[symptom], system.topology.name)
    return Episode(incident, Truth(edges, root), shown.window)


def _root(edges: Adjacency, rng: np.random.Generator) -> int:
    """Return one of the signals that act on something, where there are any."""
    acting = np.flatnonzero(edges.any(axis=1))
    return int(rng.choice(acting if len(acting) else np.arange(len(edges))))


def _symptom(system: System, edges: Adjacency, root: int) -> int:
    """Return, of what the root acts on, the signal that lies nearest to the user."""
    depth = [DEPTH.get(signal.kind.tier, -1) for signal in system.signals]
    below = [root, *np.flatnonzero(reach(edges)[root]).tolist()]
    return max(below[1:] or below, key=lambda place: (depth[place], place))
