"""A rule fires as it would in an alerting system, and its alerts are counted by what they meant."""

import numpy as np
import pytest

from diagnose.compose import compose
from diagnose.config import load
from tests.bench.replay_alerts import (
    QUANTILES,
    Alert,
    Watch,
    alerts_of,
    counts,
    firings,
    over,
    rows,
    typical,
    watch,
)
from tests.bench.replay_days import HISTORY


@pytest.fixture
def calm():
    return np.random.default_rng(0).normal(10, 1, (HISTORY + 400, 5))


def test_the_rule_fires_once_what_it_watches_has_lasted(calm):
    calm[HISTORY + 100 : HISTORY + 120, 2] = 30
    calm[HISTORY + 200 : HISTORY + 203, 2] = 40  # too short for minutes
    assert firings(calm, 2, 0.99, 60.0).tolist() == [HISTORY + 104]
    assert firings(calm, 2, 0.99, 300.0).tolist() == [HISTORY + 101, HISTORY + 201]
    assert firings(calm, 1, 0.99, 60.0).tolist() == []


def test_what_fires_within_an_hour_is_one_alert_of_the_first_signal(calm):
    calm[HISTORY + 100 : HISTORY + 110, 2] = 30
    calm[HISTORY + 105 : HISTORY + 115, 1] = 30
    calm[HISTORY + 300 : HISTORY + 310, 1] = 30
    assert alerts_of(calm, [1, 2], 0.99, 60.0) == [(HISTORY + 104, 2), (HISTORY + 304, 1)]


def test_typical_is_what_moves_like_the_others_and_never_what_stands_still():
    rng = np.random.default_rng(1)
    common = rng.normal(size=HISTORY)
    alike = [common + rng.normal(size=HISTORY) * far for far in (0.1, 0.1, 3.0)]
    values = np.column_stack([np.ones(HISTORY), alike[2], alike[0], rng.normal(size=HISTORY)])
    assert typical(np.column_stack([values, alike[1]])) in ([2, 4], [4, 2])


def test_an_answer_outside_all_labels_is_false():
    alerts = (
        Alert(labelled=False, answered=True, score=1.2),
        Alert(labelled=False, answered=False, score=0.1),
        Alert(labelled=True, answered=True, score=4.0),
    )
    seen = Watch("db-1", QUANTILES[0], 2.0, alerts)
    assert counts(seen, 0.1) == (2.0, 2, 1, 1, 1)
    assert counts(seen, 0.001) == (2.0, 2, 0, 1, 1)
    assert over(np.array([counts(seen, 0.1)] * 6), lambda n: n[2] / n[1], "{:.1f}") == (
        "0.5 [0.5, 0.5]"
    )
    row = next(rows([seen]))
    assert row[:5] == ["all, 1 (2)", "0.95", "0.1", "2", "1"]
    assert row[-1] == "1 of 1"


def test_a_server_is_watched_and_its_fault_is_answered(calm):
    label = np.zeros(len(calm), bool)
    label[HISTORY + 100 : HISTORY + 130] = True
    calm[label] += 30
    roles = compose(load(None, {"model": {"proposer": "none"}}))
    for seen in watch("db-1", [(calm, label)], 60.0, roles):
        assert seen.days == pytest.approx(400 / 1440)
        (alert,) = [alert for alert in seen.alerts if alert.labelled]
        assert alert.answered
