import numpy as np
import pytest

from diagnose.causal.mechanism import fit, lagged
from tests.diagnose.simulated import World, random_world, remembering


def test_weights_and_lags_come_back():
    rng = np.random.default_rng(1)
    world = random_world(rng, 6, 9, max_lag=2, memory=(0.5, 0.95))
    values = world.live(rng, 2000)
    for node in range(6):
        parents = np.flatnonzero(world.weights[:, node])
        found = fit(values, node, parents.tolist(), world.lags[parents, node].tolist())
        assert found.weights == pytest.approx(world.weights[parents, node], abs=0.1)
        assert found.expected(values).shape == (2000,)


def test_units_and_wild_instants_do_not_matter():
    rng = np.random.default_rng(2)
    cause, noise = remembering(rng, np.array([0.6, 0.6]), 800).T
    effect = 3e6 * cause + 1e6 * noise + 5e7
    effect[rng.random(800) < 0.02] = 1e12
    found = fit(np.stack((cause, effect), axis=1), 1, [0], [0])
    assert found.weights[0] == pytest.approx(3e6, rel=0.05)
    assert found.base == pytest.approx(5e7, rel=0.05)
    assert found.spread == pytest.approx(1e6, rel=0.15)


def test_slow_signals_do_not_seem_to_follow_each_other():
    rng = np.random.default_rng(3)
    slow = remembering(rng, np.full(40, 0.98), 600)
    pairs = [fit(slow, i + 1, [i], [0]) for i in range(39)]
    plain = [np.polyfit(slow[:, i], slow[:, i + 1], 1)[0] for i in range(39)]
    assert np.std([found.weights[0] for found in pairs]) < 0.5 * np.std(plain)


def test_doubt_is_what_the_weights_scatter_by():
    world = World(np.diag([0.5], 1), np.zeros((2, 2), dtype=np.int64), np.array([0.7, 0.7]))
    rng = np.random.default_rng(4)
    found = [fit(world.live(rng, 300), 1, [0], [0]) for _ in range(60)]
    said = np.mean([np.sqrt(each.doubt[0, 0]) for each in found])
    assert np.std([each.weights[0] for each in found]) == pytest.approx(said, rel=0.3)


def test_gaps_and_twins_do_no_harm():
    rng = np.random.default_rng(5)
    cause, noise = remembering(rng, np.array([0.3, 0.3]), 600).T
    values = np.stack((cause, cause, cause + noise), axis=1)
    values[rng.random(values.shape) < 0.2] = np.nan
    found = fit(values, 2, [0, 1], [0, 0])
    assert found.weights.sum() == pytest.approx(1.0, abs=0.15)
    assert np.isnan(found.expected(values)).mean() == pytest.approx(0.36, abs=0.06)


@pytest.mark.parametrize("values", [np.zeros((0, 2)), np.ones((15, 2)), np.full((400, 2), np.nan)])
def test_with_too_few_rows_it_follows_nothing(values):
    found = fit(values, 1, [0], [0])
    assert found.rows == 0
    assert found.weights.tolist() == [0.0]


def test_what_never_moves_has_no_weight():
    found = fit(np.full((400, 2), 7.0), 1, [0], [0])
    assert found.weights[0] == pytest.approx(0.0)
    assert (found.base, found.spread) == (7.0, 0.0)


def test_before_its_first_instant_a_parent_is_what_it_was_then():
    values = np.array([[1.0], [2.0], [3.0]])
    assert lagged(values, [0, 0], [0, 2]).tolist() == [[1, 1], [2, 1], [3, 1]]
