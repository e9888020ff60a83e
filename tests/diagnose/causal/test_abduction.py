"""An incident lived through again with its own noise: held against what would really have come."""

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from dowhy import gcm
from dowhy.gcm.ml import create_linear_regressor

from diagnose.causal.abduction import obscured, relived, worst
from diagnose.causal.rehearsal import staged
from diagnose.causal.scene import scene
from tests.diagnose.simulated import World, window

ROWS, RECENT, NORMAL = 600, 40, 0.1


def lived(follow, hold=None):
    """Return what a load and what follows it show; ``hold`` holds the load in the incident."""
    rng = np.random.default_rng(0)
    load, noise = 0.7 * rng.normal(size=ROWS + RECENT), 0.2 * rng.normal(size=ROWS + RECENT)
    load[ROWS + 5 :] += 2.5
    if hold is not None:
        load[ROWS:] = hold
    return np.column_stack((load, follow(load, noise)))


def at_once(load, noise):
    return load + noise


def later(load, noise):
    return np.roll(load, 3) + noise


def bent(load, noise):
    return 2 * np.maximum(load, 0.3) + noise


def approached(load, noise):
    state = np.zeros(len(load))
    for t in range(1, len(load)):
        state[t] = 0.8 * state[t - 1] + 0.2 * load[t] + 0.2 * noise[t]
    return state


def growing(load, noise):
    return load + np.exp(load) * noise


def stage_of(values, lag=0):
    world = World(np.array([[0.0, 1.0], [0.0, 0.0]]), np.full((2, 2), lag), np.zeros(2))
    seen = scene(
        world.graph(lags=True), window(world.nodes, values[:ROWS], values[ROWS:]), world.nodes[1]
    )
    return staged(seen, [0], 1, refits=1)


@pytest.mark.parametrize(("follow", "lag"), [(at_once, 0), (later, 3), (bent, 0), (approached, 0)])
def test_it_shows_what_would_have_come(follow, lag):
    was, would = lived(follow), lived(follow, NORMAL)
    stage = stage_of(was, lag)
    asked = worst(stage.incident)
    assert obscured(stage, 0) is None
    error = np.abs(relived(stage, {0: NORMAL}) - would[ROWS:, 1])[asked]
    assert error.mean() < 0.1 * np.abs(was - would)[ROWS:, 1][asked].mean()


def test_noise_that_grows_obscures_it():
    assert "grows with what acts on it" in (obscured(stage_of(lived(growing)), 0) or "")


def test_it_agrees_with_dowhy_where_all_is_linear_and_at_once():
    values = lived(at_once)
    stage = stage_of(values)
    model = gcm.InvertibleStructuralCausalModel(nx.DiGraph([("load", "level")]))
    model.set_causal_mechanism("load", gcm.EmpiricalDistribution())
    model.set_causal_mechanism("level", gcm.AdditiveNoiseModel(create_linear_regressor()))
    normal, incident = (
        pd.DataFrame(part, columns=["load", "level"]) for part in (values[:ROWS], values[ROWS:])
    )
    gcm.config.disable_progress_bars()
    gcm.fit(model, normal)
    told = gcm.counterfactual_samples(model, {"load": lambda _: NORMAL}, observed_data=incident)
    apart = relived(stage, {0: NORMAL}) - told["level"].to_numpy()
    assert np.abs(apart).max() < 0.2 * normal["level"].std()
