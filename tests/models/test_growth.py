"""Errors that come ever faster."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from diagnose.schema import TIME, Node, Signal, Window
from models.growth import GrowthPredictor, growth
from models.kinds import kind_of_metric

DAY = 86_400.0
MONTH = 30 * DAY
AT = np.arange(-14 * DAY, 1, 3600.0)  # two weeks of hours


def errors(seed, now, growing, burst=1):
    """Return errors an hour, ``now`` a day at the end and growing by e in ``growing`` days."""
    rate = now * np.exp(AT / DAY / growing) if growing else np.full(len(AT), float(now))
    return burst * np.random.default_rng(seed).poisson(rate / 24 / burst).astype(float)


def test_it_says_when_the_limit_is_reached():
    leads = [growth(AT, errors(seed, 20, 3.0), 160.0, MONTH) for seed in range(60)]
    found = [one for one in leads if one]
    true = 3.0 * np.log(160 / 20) * DAY
    assert len(found) > 50
    assert np.median([one.lead for one in found]) == pytest.approx(true, rel=0.25)
    assert np.mean([one.shortest <= true <= one.longest for one in found]) > 0.9
    assert all(one.probability > 0.95 for one in found)


@pytest.mark.parametrize("burst", [1, 20])
def test_a_steady_rate_is_rarely_said_to_grow(burst):
    said = [growth(AT, errors(seed, 4, None, burst), 1e9, 1e12, 0.05) for seed in range(300)]
    assert np.mean([one is not None for one in said]) <= 0.05


def test_more_than_the_limit_leaves_no_time():
    found = growth(AT, errors(1, 50, 3.0), 10.0, MONTH)
    assert found is not None
    assert (found.lead, found.shortest) == (0.0, 0.0)


@pytest.mark.parametrize("added", [np.zeros(len(AT)), np.eye(1, len(AT), 5)[0]])
def test_few_errors_tell_nothing(added):
    assert growth(AT, added, 10.0, MONTH) is None


@pytest.mark.parametrize("source", ["counter", "metric"])
def test_a_module_whose_errors_grow_is_announced_since_the_first(source):
    node = Node("db1", "hw.memory.corrected_errors/mc0")
    added = errors(3, 5, 3.0)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    values = added / 3600 if source == "counter" else np.cumsum(added)
    frame = pl.DataFrame(
        {"time": [start + timedelta(hours=i) for i in range(len(AT))], str(node): values},
        pl.Schema([("time", TIME), (str(node), pl.Float64)]),
    )
    end = frame["time"][-1]
    signal = Signal(node, kind_of_metric(node.signal), source)
    window = Window((signal,), frame[:200], frame[200:], 3600.0, end, end)
    (found,) = GrowthPredictor().predict(window)
    assert (found.failure, found.source, found.evidence) == ("memory-failure", "growth", (node,))
    first = int(np.flatnonzero(added[source == "metric" :])[0]) + (source == "metric")
    assert found.since == start + timedelta(hours=first)
    assert found.lead_time_interval is not None
    shortest, longest = found.lead_time_interval
    assert shortest <= found.lead_time_seconds <= longest
