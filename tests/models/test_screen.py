"""What bounds the detector's word."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.detector import RobustDetector
from models.deviation import countable
from models.screen import bounds
from tests.frames import window

PAST = 90


def servers(seed, count, fault):
    """Return what some servers showed: steady, bursty, counted, drifting and missing signals."""
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(count):
        signals = int(rng.integers(1, 30))
        level = rng.normal(size=(PAST + 12, signals))
        shapes = [
            level,
            np.cumsum(level, axis=0),
            np.exp(2 * level),
            np.rint(np.abs(3 * level)),
            np.where(np.abs(level) > 2, 1.0, 0.0),
            np.zeros_like(level),
        ]
        kind = rng.integers(0, len(shapes), signals)
        values = np.select([kind == k for k in range(len(shapes))], shapes)
        if rng.random() < 0.5:
            values[PAST + 2 :, rng.random(signals) < 0.3] += fault
        values[rng.random(values.shape) < 0.05] = np.nan
        parts.append(values)
    return parts


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.0, 3.0, 30.0, 1e5]))
def test_the_detector_never_says_more(seed, count, fault):
    parts = servers(seed, count, fault)
    windows = [window(part[:PAST], part[PAST:], 15.0) for part in parts]
    whole = np.hstack(parts)
    first = np.cumsum([0, *(part.shape[1] for part in parts)])
    signals = [signal for one in windows for signal in one.signals]
    found = bounds(whole[:PAST], whole[PAST:], first, countable(signals), 15.0)
    said = [RobustDetector().score(one) for one in windows]
    assert (found >= np.array(said) - 1e-9).all()


def test_a_server_is_judged_by_its_own_signals_alone():
    parts = servers(7, 5, 30.0)
    whole = np.hstack(parts)
    first = np.cumsum([0, *(part.shape[1] for part in parts)])
    plain = np.zeros(whole.shape[1], bool)
    together = bounds(whole[:PAST], whole[PAST:], first, plain, 15.0)
    for (low, high), one in zip(pairwise(first), together, strict=True):
        alone = bounds(
            whole[:PAST, low:high],
            whole[PAST:, low:high],
            np.array([0, high - low]),
            plain[low:high],
            15.0,
        )
        assert alone[0] == one
