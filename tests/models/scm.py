"""Simulated services with a known causal graph, for measuring what a proposer finds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from diagnose.schema import TIME, Anomaly, Node, Signal, Window
from models.kinds import kind_of_metric

START = datetime(2026, 1, 1, tzinfo=UTC)


def window_of(values, signals, step=10.0, topology=(), recent=12):
    """Return a window over ``values`` (instants by signals, NaN a gap), the last rows recent."""
    times = [START + timedelta(seconds=step * i) for i in range(len(values))]
    columns = {str(s.node): pl.Series(values[:, i]).fill_nan(None) for i, s in enumerate(signals)}
    frame = pl.DataFrame({"time": pl.Series(times, dtype=TIME), **columns})
    split = len(values) - recent
    return Window(
        tuple(signals), frame[:split], frame[split:], step, times[split], times[-1], topology
    )


def signals_of(*names):
    """Return signals from "entity signal" names."""
    nodes = [Node(*name.split(" ", 1)) for name in names]
    return tuple(Signal(node, kind_of_metric(node.signal)) for node in nodes)


def anomalies_of(signals, at=START):
    return tuple(Anomaly(s.node, at, float(len(signals) - i)) for i, s in enumerate(signals))


def simulate(edges, size, rows, rng, memory=0.5, strength=0.6, lagged=0.5):
    """Return linear autoregressive series: each effect follows its causes, some a step later.

    Args:
        edges: (cause, effect) with cause before effect in number.
        size: How many signals.
        rows: How many instants.
        rng: Seeded generator.
        memory: Share of its past that each signal keeps.
        strength: Size of each effect.
        lagged: Share of the edges that take one step.
    """
    late = {edge: int(rng.random() < lagged) for edge in edges}
    sign = {edge: rng.choice([-1, 1]) for edge in edges}
    noise = rng.normal(size=(rows + 50, size))
    values = np.zeros_like(noise)
    for t in range(1, len(noise)):
        values[t] = memory * values[t - 1] + noise[t]
        for effect in range(size):
            for cause, _ in [edge for edge in edges if edge[1] == effect]:
                edge = (cause, effect)
                values[t, effect] += strength * sign[edge] * values[t - late[edge], cause]
    return values[50:]


def shop(rng, services=4):
    """Return signals, true edges and topology of a chain of services, each on its own host.

    Load runs down the calls and drives each processor and each latency; the processor and the
    called service's latency drive the caller's latency.
    """
    names, edges, topology = [], [], []
    for i in range(services):
        names += [f"s{i} requests", f"s{i} cpu", f"s{i} latency_p90"]
    for i in range(services):
        load, cpu, latency = 3 * i, 3 * i + 1, 3 * i + 2
        edges += [(load, cpu), (cpu, latency)]
        if i:
            caller = int(rng.integers(0, i))
            topology.append((f"s{caller}", f"s{i}"))
            edges += [(3 * caller, load), (latency, 3 * caller + 2)]
    return signals_of(*names), edges, tuple(topology)


def simulate_shop(edges, size, rows, rng, **kinds):
    """Return ``simulate`` for edges in any acyclic order."""
    order, left = [], set(range(size))
    while left:
        free = sorted(n for n in left if not any(e == n and c in left for c, e in edges))
        order += free
        left -= set(free)
    place = {node: i for i, node in enumerate(order)}
    values = simulate([(place[c], place[e]) for c, e in edges], size, rows, rng, **kinds)
    return values[:, [place[i] for i in range(size)]]


def compare(graph, signals, edges):
    """Return recall and precision of the skeleton, and the share of directions that are right."""
    index = {s.node: i for i, s in enumerate(signals)}
    found = {(index[e.cause], index[e.effect]) for e in graph.edges}
    true = set(edges)
    skeleton = {frozenset(e) for e in found} & {frozenset(e) for e in true}
    recall = len(skeleton) / len(true)
    precision = len(skeleton) / max(len(found), 1)
    direction = len(found & true) / max(len(skeleton), 1)
    return recall, precision, direction
