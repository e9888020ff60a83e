"""On which scale causes add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.causal.abduction import obscured, relived, worst
from diagnose.causal.rehearsal import averages, rehearse, staged
from diagnose.causal.scale import inward, multiplying, outward, rescaled
from diagnose.causal.scene import scene
from tests.diagnose.simulated import World, window

ROWS, RECENT, HELD = 600, 40, 1.0
WORLD = World(np.array([[0.0, 1.0], [0.0, 0.0]]), np.zeros((2, 2), dtype=np.int64), np.zeros(2))


def lived(hold=None, noise_seed=1):
    """Return a load, and a latency that it multiplies; the load is five times as large later on."""
    rng = np.random.default_rng(0)
    load = np.exp(0.5 * rng.normal(size=ROWS + RECENT))
    load[ROWS + 5 :] *= 5
    if hold is not None:
        load[ROWS:] = hold
    noise = 0.3 * np.random.default_rng(noise_seed).normal(size=ROWS + RECENT)
    return np.column_stack((load, 0.2 * load * np.exp(noise)))


def seen(values, rows=ROWS):
    part = window(WORLD.nodes, values[:rows], values[rows:])
    return scene(WORLD.graph(lags=True), part, WORLD.nodes[1])


def test_what_multiplies_is_told_from_what_adds_up():
    assert multiplying(seen(lived())).all()
    assert not multiplying(seen(np.log(lived()))).any()
    assert not multiplying(seen(np.log(lived()) + 50)).any()
    assert not multiplying(seen(np.ones((ROWS + RECENT, 2)))).any()
    fell_to_nothing = lived()
    fell_to_nothing[-1, 1] = 0.0
    assert multiplying(seen(fell_to_nothing)).tolist() == [True, False]


@given(st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=2), st.booleans(), st.booleans())
def test_there_and_back_again(values, first, second):
    multiplies = np.array([first, second])
    assert outward(inward(np.array(values), multiplies), multiplies) == pytest.approx(values)


def test_order_and_ranges_stay():
    incident = seen(lived())
    inner = rescaled(incident, multiplying(incident))
    assert (np.argsort(inner.baseline, axis=0) == np.argsort(incident.baseline, axis=0)).all()
    assert (inner.low < inner.normal).all()
    assert (inner.normal < inner.high).all()


def test_a_latency_follows_as_a_multiple():
    stage = staged(seen(lived()), [0], 1)
    told = averages(stage, 1, rehearse(stage, {0: HELD})[1])
    real = lived(HELD, noise_seed=2)[ROWS:, 1][stage.incident.asked].mean()
    low, high = np.quantile(told, (0.05, 0.95))
    assert low < real < high < 0.4


def test_however_much_is_in_doubt_no_latency_is_negative():
    part = lived()
    stage = staged(seen(np.vstack((part[:80], part[ROWS:])), rows=80), [0], 1)
    assert averages(stage, 1, rehearse(stage, {0: 6.0})[1]).min() > 0


def test_noise_that_multiplies_does_not_obscure_what_would_have_been():
    stage = staged(seen(lived()), [0], 1, refits=1)
    assert obscured(stage, 0) is None
    asked = worst(stage.incident)
    real = lived(HELD)[ROWS:, 1][asked]
    assert relived(stage, {0: HELD})[asked] == pytest.approx(real, rel=0.2)
