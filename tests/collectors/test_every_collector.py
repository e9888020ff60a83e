"""Checks that every collector must pass, each on what ``recorded`` of its own test gives.

A new collector is checked here as soon as it is in the catalogue: its test module
``tests/collectors/test_<name>.py`` has a function ``recorded(folder)`` that returns the collector,
set up on its fixture; what must be made for that goes into ``folder``.
"""

from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import polars as pl
import pytest

import collectors
from collectors import COLLECTORS
from diagnose.config import Settings
from diagnose.schema import EDGES, LOGS, READINGS
from models.kinds import UNKNOWN, kind_of_metric

ROOT = Path(__file__).parent.parent.parent
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EVERY = pytest.mark.parametrize("name", COLLECTORS)


def frames(name, folder):
    collector = import_module(f"tests.collectors.test_{name}").recorded(folder)
    return [frame for frame in collector.collect(since=LONG_AGO) if frame.height]


@EVERY
def test_yields_the_contracts_tables_each_oldest_first(name, tmp_path):
    read = frames(name, tmp_path)
    assert read
    assert all(frame.schema in (READINGS, LOGS, EDGES) for frame in read)
    for schema in (READINGS, LOGS, EDGES):
        times = [frame["time"] for frame in read if frame.schema == schema]
        assert not times or pl.concat(times).is_sorted()


@EVERY
def test_only_a_value_may_be_null(name, tmp_path):
    for frame in frames(name, tmp_path):
        assert sum(frame.drop("value", strict=False).null_count().row(0)) == 0


@EVERY
def test_the_causal_model_knows_what_was_read(name, tmp_path):
    for frame in frames(name, tmp_path):
        for signal in frame["signal"].unique() if "signal" in frame.columns else ():
            assert kind_of_metric(signal).name != UNKNOWN.name, signal


@EVERY
def test_the_settings_can_make_it(name):
    for made in collectors.load(name, Settings()).values():
        assert hasattr(made, "collect")


@EVERY
def test_it_says_where_it_looks(name):
    module = collectors.COLLECTORS[name].partition(":")[0]
    text = import_module(module).__doc__ or ""
    assert all(f"\n{word}:" in text for word in ("Reads", "Emits", "Platforms", "See"))
