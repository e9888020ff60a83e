"""Calibration keeps the order, and what it says sums to one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.schema import RootCause
from models.calibration import ENOUGH, SHIPPED, UNFITTED, Calibration

SHARES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12).map(
    lambda parts: [part / max(sum(parts), 1.0) for part in parts]
)


def ranking(shares):
    return tuple(RootCause(f"db{i}", "cpu", share) for i, share in enumerate(shares))


@given(SHARES, st.floats(0.5, 3.0), st.floats(0.1, 3.0))
def test_the_order_is_kept_and_the_whole_is_one_at_most(shares, sharpness, other):
    before = ranking(sorted(shares, reverse=True))
    after = Calibration(sharpness, other, 1).calibrated(before)
    assert [cause.node for cause in after] == [cause.node for cause in before]
    said = [cause.probability for cause in after]
    assert said == sorted(said, reverse=True)
    assert sum(said) <= 1 + 1e-9


@given(SHARES)
def test_unfitted_changes_nothing(shares):
    before = ranking(shares)
    for one, other in zip(before, UNFITTED.calibrated(before), strict=True):
        assert one.probability == pytest.approx(other.probability, abs=1e-9)


def test_a_sharper_reading_is_surer_of_the_first():
    before = ranking([0.5, 0.2, 0.1])
    assert Calibration(2.0, 1.0, 1).calibrated(before)[0].probability > 0.5


def test_few_incidents_cannot_make_anybody_sure():
    sure = Calibration(3.0, 0.1, 48).calibrated(ranking([0.999]))
    assert sure[0].probability == pytest.approx(1 - 1 / 50)


def test_nothing_to_read_and_nothing_believed():
    assert SHIPPED.calibrated(()) == ()
    assert SHIPPED.calibrated(ranking([0.0]))[0].probability == 0


def test_few_incidents_are_not_enough():
    assert not Calibration(incidents=ENOUGH - 1).enough
    assert SHIPPED.enough
