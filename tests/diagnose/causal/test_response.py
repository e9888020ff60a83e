"""How a signal answers to its parents, from its normal life."""

import numpy as np

from diagnose.causal.response import respond


def test_instants_far_out_do_not_hide_where_most_of_the_noise_is():
    rng = np.random.default_rng(1)
    cause = rng.normal(size=400)
    effect = 0.001 * rng.normal(size=400) - 10.0 * (rng.uniform(size=400) < 0.1)
    response = respond(np.column_stack((cause, effect)), 1, [0], [0], rng)
    assert response is not None
    middle = response.level(np.array([[0.0]]))
    assert abs(float(middle[0])) < 0.1
