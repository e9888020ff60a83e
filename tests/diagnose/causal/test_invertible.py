"""Whether a node's noise can be told from what it shows."""

import numpy as np
import pytest

from diagnose.causal.invertible import CHANCE, hidden_noise
from diagnose.schema import Node

NODE = Node("db1", "latency")
RNG = np.random.default_rng(0)
LOAD = RNG.normal(size=600)
FRESH = 0.5 * RNG.normal(size=600)
WORST = np.array([4.1, 4.3, 3.9, 4.6])


def why(noise, normal=None, worst=WORST, loads=LOAD):
    shown = LOAD + noise if normal is None else normal
    return hidden_noise(NODE, shown, worst, noise, np.atleast_2d(loads).T)


def test_noise_that_adds_up_is_told():
    assert why(FRESH) is None


@pytest.mark.parametrize(
    "scale",
    [np.exp(LOAD), np.abs(LOAD), 1 / (0.2 + np.abs(LOAD)), 1 + (LOAD > 0), 0.4 * (1 + abs(LOAD))],
    ids=["with the load", "on both sides", "near its middle", "from a level on", "a little"],
)
def test_noise_that_grows_is_not(scale):
    told = why(scale * FRESH)
    assert told is not None
    assert "grows with what acts on it" in told


def test_it_may_grow_with_one_of_several_loads():
    others = RNG.normal(size=(2, 600))
    grows = (1 + np.abs(others[1])) * FRESH
    assert why(grows, loads=np.vstack((LOAD, others))) is not None
    assert why(grows, loads=np.vstack((LOAD, others[:1]))) is None


def slow(rng, memory, instants):
    values = rng.normal(size=instants)
    for t in range(1, instants):
        values[t] = memory * values[t - 1] + np.sqrt(1 - memory**2) * values[t]
    return values


@pytest.mark.parametrize("memory", [0.0, 0.9])
def test_noise_of_one_size_is_rarely_said_to_grow(memory):
    refused = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        load, bursts = slow(rng, 0.95, 300), np.exp(slow(rng, memory, 300))
        noise = bursts * rng.normal(size=300)
        refused += why(noise, normal=load + noise, loads=load) is not None
    assert refused / 300 <= CHANCE + 2 * np.sqrt(CHANCE / 300)


def test_what_is_not_known_of_the_noise_does_not_count():
    gaps = np.where(np.arange(600) % 7, FRESH, np.nan)
    assert why(gaps, normal=LOAD + FRESH) is None
    assert why(gaps * np.exp(LOAD), normal=LOAD + FRESH) is not None
    assert why(np.full(600, np.nan), normal=LOAD + FRESH) is None


def test_limits_and_levels_hide_it():
    shown = LOAD + FRESH
    clipped = why(FRESH, np.clip(shown, -1, 1), np.array([1.0, 1.0, 1.0]))
    counted = why(FRESH, np.rint(shown))
    assert clipped is not None
    assert "limit" in clipped
    assert counted is not None
    assert "levels" in counted
    assert why(FRESH, shown, np.full(5, 4.0)) is not None  # stands still
