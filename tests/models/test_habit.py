"""What happens every day is expected; what happened once is not."""

import numpy as np
import pytest

from models.deviation import measure
from models.habit import habits
from tests.frames import window

DAY = 288  # steps of five minutes
STEP = 300.0


def made(days, recent=6, start=0, spikes=(), height=60.0, jitter=0):
    """A noisy signal with a spike of 30 minutes at each of ``spikes``, (day, step)."""
    rng = np.random.default_rng(1)
    instants = days * DAY + start
    values = rng.normal(10, 1, instants + recent)
    for day, step in spikes:
        begin = day * DAY + step + (rng.integers(-jitter, jitter + 1) if jitter else 0)
        values[begin : begin + 6] += height
    return window(values[:instants, None], values[instants:, None], STEP)


def score(of):
    return float(measure(of).score[0])


@pytest.mark.parametrize("jitter", [0, 2])
def test_a_nightly_job_is_expected_though_it_starts_a_little_late(jitter):
    nightly = [(day, 36) for day in range(4)]
    assert score(made(3, start=36, spikes=nightly, jitter=jitter)) < 3
    assert score(made(3, start=144, spikes=[*nightly[:3], (3, 144)], jitter=jitter)) > 20


def test_what_happened_on_one_day_only_is_no_habit():
    assert score(made(3, start=36, spikes=[(2, 36), (3, 36)])) > 20
    assert score(made(3, start=36, spikes=[(0, 36), (3, 36)])) > 20


def test_a_job_of_twice_the_usual_height_is_not_expected():
    spikes = [(day, 36) for day in range(3)]
    rng = np.random.default_rng(1)
    usual = made(3, start=36, spikes=spikes)
    taller = np.full((6, 1), 130.0) + rng.normal(size=(6, 1))
    past = usual.baseline.drop("time").to_numpy()
    assert score(window(past, taller, STEP)) > 20


def test_a_job_that_did_not_run_looks_like_any_other_hour():
    assert score(made(3, start=36, spikes=[(day, 36) for day in range(3)])) < 3


@pytest.mark.parametrize("days", [0, 1])
def test_a_short_history_has_no_habits(days):
    short = made(days, start=36)
    assert habits(short, short.baseline.drop("time").to_numpy()) is None


def test_days_that_were_not_seen_say_nothing():
    known = made(3, start=36, spikes=[(day, 36) for day in range(4)])
    past = known.baseline.drop("time").to_numpy().copy()
    past[:DAY] = np.nan
    now = known.recent.drop("time").to_numpy()
    assert score(window(past, now, STEP)) < 3
    past[:] = np.nan
    assert score(window(past, now, STEP)) == 0
