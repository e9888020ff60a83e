from datetime import timedelta

import numpy as np
import pytest

from diagnose.associate import associate
from diagnose.schema import Anomaly, Node, RootCause
from tests.diagnose.simulated import START, STEP, World, window

WORLD = World(np.diag([0.9, 0.0], 1), np.diag([2, 0], 1), np.full(3, 0.5))
CAUSE, SYMPTOM, OTHER = WORLD.nodes


def causes(*nodes):
    return tuple(RootCause(node.entity, node.signal, 0.2) for node in nodes)


def seen(rows=400):
    return window(WORLD.nodes, WORLD.live(np.random.default_rng(1), rows))


def test_the_best_lag_is_told_with_its_correlation():
    (found,) = associate(seen(), (), causes(CAUSE), SYMPTOM)
    assert found.cause == CAUSE
    assert found.lag_seconds == 2 * STEP
    assert 0.5 < (found.correlation or 0) < 0.8
    assert found.lead_seconds is None


def test_who_moved_first_is_told():
    onsets = {CAUSE: START, SYMPTOM: START + timedelta(seconds=90)}
    anomalies = tuple(Anomaly(node, onset, 5.0) for node, onset in onsets.items())
    (found,) = associate(seen(), anomalies, causes(CAUSE), SYMPTOM)
    assert found.lead_seconds == 90
    (turned,) = associate(seen(), anomalies, causes(SYMPTOM), CAUSE)
    assert turned.lead_seconds == -90


def test_only_the_first_three_are_looked_at():
    assert len(associate(seen(), (), causes(CAUSE, OTHER, SYMPTOM, CAUSE), SYMPTOM)) == 3


@pytest.mark.parametrize("rows", [0, 2, 15])
def test_too_little_to_see_is_no_correlation(rows):
    (found,) = associate(seen(rows), (), causes(CAUSE), SYMPTOM)
    assert found.correlation is found.lag_seconds is None


def test_constants_and_strangers_have_none():
    still = window(WORLD.nodes, np.full((200, 3), 7.0))
    stranger = Node("elsewhere", "a")
    for node in (CAUSE, stranger):
        (found,) = associate(still, (), causes(node), SYMPTOM)
        assert found.correlation is None
