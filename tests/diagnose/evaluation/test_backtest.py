"""From how sure the detector is, how a labelled set would fare at any bar."""

from dataclasses import replace
from itertools import pairwise
from math import log10
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.evaluation.accuracy import TrueCause
from diagnose.evaluation.backtest import Case, replay, report
from diagnose.schema import Diagnosis
from models.detector import RobustDetector
from tests.scripted import Scripted

INCIDENTS = Path(__file__).parents[2] / "incidents"
SOME = ("01_redis_killed", "06_catalog_network_delay", "13_traffic_surge")
QUIET = ("h01_quiet", "h02_quiet", "h03_quiet")


@pytest.fixture(scope="module")
def cases():
    """Real windows and the real detector; all that comes after it says the same of each."""
    roles = replace(Scripted().roles(), detector=RobustDetector())
    return [replay(INCIDENTS / name, roles) for name in (*SOME, *QUIET)]


def test_the_operating_curve_tells_incidents_from_healthy_windows(cases):
    found = report("shop", cases)
    assert (1.0, 0.0) in {(point.answered, point.accused) for point in found.operating}


def test_the_curve_passes_where_the_detector_decides(cases):
    for case in cases:
        assert bool(case.diagnosis.anomalies) == (case.score >= -log10(RobustDetector().alpha))


def test_of_a_detector_that_tells_no_score_only_its_decision_counts():
    (ill, well) = (
        replay(INCIDENTS / SOME[0], Scripted(*causes).roles()) for causes in ((), (None,))
    )
    assert (ill.score, well.score) == (1.0, 0.0)


def case(score, ill):
    truth = (TrueCause("db-1", None),) if ill else ()
    return Case("x", Diagnosis("x"), truth, 2, 2, 0.1, score)


SCORES = st.lists(st.floats(0, 50), min_size=1)


@given(SCORES, SCORES)
def test_a_higher_bar_answers_less_and_accuses_less(ill, well):
    cases = [*(case(score, True) for score in ill), *(case(score, False) for score in well)]
    points = report("any", cases).operating
    assert points[0].answered == points[0].accused == 1.0
    for low, high in pairwise(points):
        assert low.score < high.score
        assert (low.answered, low.accused) >= (high.answered, high.accused)
        assert low.accused >= high.accused
    for point in points:
        assert point.answered == sum(score >= point.score for score in ill) / len(ill)
        assert point.accused == sum(score >= point.score for score in well) / len(well)
