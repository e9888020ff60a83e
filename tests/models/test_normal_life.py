"""What is odd to who knows a server's normal life."""

import numpy as np
import pytest

from models.encoder import SequenceEncoder
from models.normal_life import CONTEXT, NormalLife, foreteller


def life(seed, instants, scale=1.0):
    """Return six signals of a server that follow a load; the first lags the others."""
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(instants) / 20) + 0.3 * rng.normal(size=instants)
    weight = np.array([1.0, 2.0, -1.0, 0.5, 3.0, 1.5])
    values = load[:, None] * weight + 0.2 * rng.normal(size=(instants, 6))
    return scale * values + 7.0


@pytest.fixture(scope="module")
def encoder():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.normal_life.BATCHES", 60)
        patch.setattr("models.normal_life.BATCH", 128)
        return foreteller([life(1, 900), life(2, 900, scale=1000.0)])


@pytest.fixture(scope="module")
def server(encoder):
    return NormalLife.of(life(3, 600), encoder)


def test_normal_life_goes_on_as_it_was(server):
    oddness = server.oddness(life(4, 400))
    assert oddness.shape == (400 - CONTEXT,)
    assert 0.5 < oddness.mean() < 2


def test_what_lasts_stays_odd(server):
    """Who compares with the minutes before has forgotten it by then."""
    values = life(4, 700)
    values[100:, 2] += 6.0
    oddness = server.oddness(values)
    assert oddness[:60].mean() < 2
    assert oddness[-100:].mean() > 4


def test_signals_that_no_longer_go_together_are_odd(server):
    values = life(4, 400)
    values[200:, 4] = values[200:, 4][::-1]
    oddness = server.oddness(values)
    assert oddness[180:].mean() > 1.5 * oddness[:170].mean()


def test_units_do_not_matter(encoder, server):
    other = NormalLife.of(life(3, 600) * 1e6, encoder)
    values = life(4, 100)
    np.testing.assert_allclose(other.oddness(values * 1e6), server.oddness(values), rtol=1e-3)


def test_what_comes_later_changes_nothing_and_holes_are_no_oddness(server):
    values = life(4, 200)
    whole = server.oddness(values)
    np.testing.assert_allclose(server.oddness(values[:120]), whole[: 120 - CONTEXT], rtol=1e-4)
    values[150:160] = np.nan
    holes = server.oddness(values)
    assert (holes[150 - CONTEXT : 160 - CONTEXT] == 0).all()
    assert np.isfinite(holes).all()


def test_odder_is_more_surprising(server):
    said = server.surprise(np.linspace(0, 50, 200), 5)
    assert (np.diff(said) >= 0).all()
    assert said[0] == 0
    assert said[-1] > 3


def test_weights_travel(encoder, server):
    again = SequenceEncoder(12, 6)
    again.restore(encoder.weights())
    values = life(4, 100)
    same = NormalLife(server.scale, again, server.error, server.odd)
    np.testing.assert_array_equal(same.oddness(values), server.oddness(values))
    with pytest.raises(ValueError, match="sequence encoder"):
        SequenceEncoder(10, 5).restore(encoder.weights())
