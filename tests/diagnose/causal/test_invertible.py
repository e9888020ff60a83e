"""Whether a node's noise can be told from what it shows."""

import numpy as np
import pytest

from diagnose.causal.invertible import hidden_noise
from diagnose.schema import Node

NODE = Node("db1", "latency")
RNG = np.random.default_rng(0)
LOAD = RNG.normal(size=600)
FRESH = 0.5 * RNG.normal(size=600)
WORST = np.array([4.1, 4.3, 3.9, 4.6])


def why(noise, normal=None, worst=WORST):
    return hidden_noise(NODE, LOAD + noise if normal is None else normal, worst, noise)


def test_noise_that_adds_up_is_told():
    assert why(FRESH) is None


@pytest.mark.parametrize(
    "scale",
    [np.exp(LOAD), np.abs(LOAD), 1 / (0.2 + np.abs(LOAD))],
    ids=["with the load", "on both sides of it", "near its middle"],
)
def test_noise_that_grows_is_not(scale):
    told = why(scale * FRESH)
    assert told is not None
    assert "grows with what acts on it" in told


def test_limits_and_levels_hide_it():
    shown = LOAD + FRESH
    clipped = why(FRESH, np.clip(shown, -1, 1), np.array([1.0, 1.0, 1.0]))
    counted = why(FRESH, np.rint(shown))
    assert clipped is not None
    assert "limit" in clipped
    assert counted is not None
    assert "levels" in counted
    assert why(FRESH, shown, np.full(5, 4.0)) is not None  # stands still
