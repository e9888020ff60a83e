"""What a stage takes and what it keeps are told apart, and a set is measured from end to end."""

import numpy as np
import polars as pl
import pytest

from tests.bench.measure import Job
from tests.bench.memory import FORGET, Gauge, memory_of
from tests.frames import incident, put, series

pytestmark = pytest.mark.skipif(not FORGET.exists(), reason="needs Linux' /proc")

MEGABYTES_64 = 8 * 2**20  # numbers of eight bytes


def test_what_a_stage_gives_back_rose_and_what_it_keeps_stayed():
    gauge = Gauge()
    with gauge.stage("passing"):
        total = np.ones(MEGABYTES_64).sum()
    kept = gauge.over("keeping", np.ones)(MEGABYTES_64)
    assert kept.sum() == total
    assert gauge.rose["passing"] == pytest.approx(64, abs=8)
    assert gauge.stayed["passing"] == pytest.approx(0, abs=8)
    assert gauge.rose["keeping"] == pytest.approx(64, abs=8)
    assert gauge.stayed["keeping"] == pytest.approx(64, abs=8)


def test_a_stage_that_runs_twice_rises_to_the_larger():
    gauge = Gauge()
    for size in (MEGABYTES_64, MEGABYTES_64 // 8):
        with gauge.stage("one"):
            np.ones(size).sum()
    assert gauge.rose["one"] == pytest.approx(64, abs=8)


def test_each_answer_has_its_stages_and_what_cannot_be_read_is_passed_over(tmp_path):
    rng = np.random.default_rng(3)
    metrics = pl.concat(
        series(entity, "latency", [*rng.normal(size=40), *(far + rng.normal(size=8))])
        for entity, far in (("web", 9.0), ("db", 40.0))
    )
    symptom = {"entity": "web", "signal": "latency"}
    facts = incident(alert=42 * 60, as_of=47 * 60, symptom=symptom, topology=[["web", "db"]])
    made = put(tmp_path / "made", facts, metrics)
    (found,) = memory_of(Job("made", (tmp_path / "absent", made), "none", None))
    stages = ["read", "detect", "rank", "propose", "falsify", "attribute", "rungs", "advise"]
    assert list(found.rose) == stages
    assert list(found.stayed) == stages
