"""A small world with a known graph: linear, with lags, whose noise remembers its past."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from diagnose.schema import TIME, CausalGraph, Edge, Node, Signal, Window

STEP = 60.0
START = datetime(2026, 1, 1, tzinfo=UTC)
WARM_UP = 200


@dataclass(frozen=True)
class World:
    """Each node is a weighted sum of its causes, some steps ago, and of its own noise."""

    weights: NDArray[np.float64]  # [cause, effect]; nodes stand in causal order
    lags: NDArray[np.int64]  # in steps, of the same shape
    memory: NDArray[np.float64]  # of each node's noise, 0 (none) to 1

    @property
    def edges(self):
        return [(int(i), int(j)) for i, j in np.argwhere(self.weights != 0)]

    @property
    def nodes(self):
        return tuple(Node(f"host{i % 3}", f"signal{i}") for i in range(len(self.memory)))

    def graph(self, edges=None, lags=False):
        """Return a proposal: the true edges, or ``edges``."""
        return CausalGraph(
            self.nodes,
            tuple(
                Edge(
                    self.nodes[i],
                    self.nodes[j],
                    "model",
                    "model",
                    lag_seconds=float(self.lags[i, j] * STEP) if lags else None,
                )
                for i, j in (self.edges if edges is None else edges)
            ),
        )

    def live(self, rng, instants, fault=None, begin=0, shift=0.0, spread=1.0):
        """Return what the nodes show; from ``begin`` on, the noise of ``fault`` is another."""
        noise = remembering(rng, self.memory, instants + WARM_UP)
        if fault is not None:
            noise[WARM_UP + begin :, fault] *= spread
            noise[WARM_UP + begin :, fault] += shift
        shown = noise.copy()
        for effect in range(len(self.memory)):
            for cause in np.flatnonzero(self.weights[:, effect]):
                lag = self.lags[cause, effect]
                past = shown[: len(shown) - lag, cause]
                shown[lag:, effect] += self.weights[cause, effect] * past
        return shown[WARM_UP:]


def remembering(rng, memory, instants):
    """Return noise of variance 1, each column an autoregression of order one."""
    noise = rng.normal(size=(instants, len(memory)))
    for t in range(1, instants):
        noise[t] = memory * noise[t - 1] + np.sqrt(1 - memory**2) * noise[t]
    return noise


def random_edges(rng, nodes, count):
    """Return distinct edges, each from an earlier node to a later one."""
    pairs = [(i, j) for j in range(nodes) for i in range(j)]
    chosen = rng.choice(len(pairs), size=min(count, len(pairs)), replace=False)
    return [pairs[k] for k in chosen]


def random_world(rng, nodes, edges, weight=(0.4, 1.0), max_lag=0, memory=(0.3, 0.95)):
    weights, lags = np.zeros((nodes, nodes)), np.zeros((nodes, nodes), dtype=np.int64)
    for i, j in random_edges(rng, nodes, edges):
        weights[i, j] = rng.uniform(*weight) * rng.choice([-1, 1])
        lags[i, j] = rng.integers(0, max_lag + 1)
    return World(weights, lags, rng.uniform(*memory, nodes))


def window(nodes, baseline, recent=None, step=STEP):
    """Return a window on the two parts; NaN is a gap."""
    later = baseline[:0] if recent is None else recent
    alert = START + timedelta(seconds=step * len(baseline))
    return Window(
        tuple(Signal(node) for node in nodes),
        _frame(nodes, baseline, START, step),
        _frame(nodes, later, alert, step),
        step,
        alert,
        alert + timedelta(seconds=step * len(later)),
    )


def _frame(nodes, values, start, step):
    time = [start + timedelta(seconds=step * i) for i in range(len(values))]
    columns = {str(node): values[:, i] for i, node in enumerate(nodes)}
    schema = pl.Schema([("time", TIME), *((name, pl.Float64) for name in columns)])
    return pl.DataFrame({"time": time, **columns}, schema).fill_nan(None)
