"""What many hosts' levels are asked before any predictor is."""

from dataclasses import replace

import numpy as np
import pytest

from diagnose.scan.foresight import foreseen, telling
from diagnose.schema import Node, Signal
from models.kinds import kind_of_metric
from tests.frames import window

NAMES = (
    "system.filesystem.utilization/var",
    "system.linux.memory.available",
    "hw.fan.speed/fan1",
    "hw.temperature/cpu0",
    "hw.memory.corrected_errors/dimm1",
    "hw.status/PSU1",
    "hw.gpu.ecc_errors/uncorrected",
    "hw.physical_disk.current_pending_sectors",
    "hw.physical_disk.reallocated_sectors",
    "hw.physical_disk.power_on_hours",
    "hw.physical_disk.power_cycles",
    "request_latency_seconds",
    "shop_gauge",
)
SHAPES = (
    lambda rng, n: np.full(n, rng.choice([0.0, 1.0, 50.0])),
    lambda rng, n: 0.5 + 0.01 * rng.normal(size=n),
    lambda rng, n: np.linspace(0.5, rng.uniform(0.4, 1.2), n) + 0.005 * rng.normal(size=n),
    lambda rng, n: np.where(np.arange(n) > rng.integers(0, n), rng.choice([1.0, 8.0, 99.0]), 0.0),
    lambda rng, n: 90 + np.cumsum(0.3 * rng.normal(size=n)),
    lambda rng, n: np.where(np.arange(n) % 20, np.nan, rng.poisson(0.1, n)),
    lambda rng, n: np.cumsum(rng.poisson(np.linspace(0, 0.2, n))).astype(float),
)
PAST, NOW = 212, 28


@pytest.mark.parametrize("seed", range(12))
def test_what_tells_nothing_is_not_predicted_from(seed):
    rng = np.random.default_rng(seed)
    signals, columns = [], []
    for host in range(4):
        for name in NAMES:
            entity = f"h{host}/sda" if "disk" in name else f"h{host}"
            signal = Signal(Node(entity, name), kind_of_metric(name))
            signals.append(replace(signal, source="counter") if "errors" in name else signal)
            columns.append(SHAPES[rng.integers(0, len(SHAPES))](rng, PAST + NOW))
    values = np.column_stack(columns)

    def of(places):
        chosen = tuple(signals[i] for i in places)
        return window(values[:PAST, places], values[PAST:, places], 15.0, chosen)

    nothing = of([])
    every = foreseen(of(range(len(signals))), nothing)
    asked = telling(signals, values)
    assert foreseen(of(asked), nothing) == every
    assert every
    assert len(asked) < len(signals)
