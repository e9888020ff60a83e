"""Random linear systems with a known graph and a fault, for what learns to find them."""

import numpy as np

from diagnose.schema import Node, Signal
from models.kinds import kind_of_metric
from models.policy.incident import Incident, Truth

NAMES = (
    *("cpu", "memory_used_bytes", "latency_p90", "requests", "disk_io_latency", "fan_speed_rpm"),
    *("gc_pause", "errors", "db_connections", "network_bytes", "swap", "cpu_temperature_celsius"),
)


def world(seed, size=6, rows=300, shift=6.0, cluster=""):
    """Return an incident of ``size`` signals of one host, and its truth."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(NAMES)[:size]
    signals = tuple(Signal(Node("host", name), kind_of_metric(str(name))) for name in names)
    unfaulted = Incident(signals, np.zeros((0, size)), np.zeros((1, size)), 0)
    edges = np.triu(rng.random((size, size)) < 0.4, 1) & unfaulted.allowed
    weights = edges * rng.choice([-0.7, 0.7], edges.shape)
    root = int(rng.integers(0, size - 1))
    values = rng.normal(size=(rows + 30, size))
    values[rows:, root] += shift
    for row in range(1, len(values)):
        for effect in range(size):
            values[row, effect] += 0.3 * values[row - 1, effect] + values[row] @ weights[:, effect]
    incident = Incident(signals, values[:rows], values[rows:], size - 1, cluster=cluster)
    return incident, Truth(edges, root)
