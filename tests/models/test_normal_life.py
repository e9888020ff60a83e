"""What is odd to who knows a server's normal life."""

import numpy as np
import pytest

from models.foretellers import CONTEXT
from models.foretelling import learned_components, learned_encoder
from models.normal_life import NormalLife, surprise


def life(seed, instants, scale=1.0):
    """Return six signals of a server that follow a load; the first lags the others."""
    rng = np.random.default_rng(seed)
    load = np.sin(np.arange(instants) / 20) + 0.3 * rng.normal(size=instants)
    weight = np.array([1.0, 2.0, -1.0, 0.5, 3.0, 1.5])
    values = load[:, None] * weight + 0.2 * rng.normal(size=(instants, 6))
    return scale * values + 7.0


@pytest.fixture(scope="module", params=[learned_encoder, learned_components])
def foreteller(request):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.foretelling.BATCHES", 60)
        patch.setattr("models.foretelling.BATCH", 128)
        return request.param([life(1, 900), life(2, 900, scale=1000.0)])


@pytest.fixture(scope="module")
def server(foreteller):
    return NormalLife.of(life(3, 600), foreteller)


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


def test_units_do_not_matter(foreteller, server):
    other = NormalLife.of(life(3, 600) * 1e6, foreteller)
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
    said = surprise(server.calm(5), np.linspace(0, 50, 200))
    assert (np.diff(said) >= 0).all()
    assert said[0] == 0
    assert said[-1] > 3


def test_calm_stretches_are_as_surprising_as_their_share(server):
    calm = server.calm(5)
    said = surprise(calm, np.expm1(calm))
    assert (said >= 1).mean() == pytest.approx(0.1, abs=0.06)
    assert (np.diff(said) >= 0).all()


def test_hours_of_which_nothing_was_seen_make_nothing_calmer(foreteller):
    past = life(3, 900)
    past[800:840] = np.nan
    told = NormalLife.of(past, foreteller).calm(5)
    assert len(told) == 36 - 8
    assert told.min() > 0


def test_a_signal_that_was_never_seen_says_nothing(foreteller):
    past, values = life(3, 600), life(4, 100)
    past[:, 5] = np.nan
    server = NormalLife.of(past, foreteller)
    more = values.copy()
    more[:, 5] = 1e9
    np.testing.assert_array_equal(server.oddness(more), server.oddness(values))
