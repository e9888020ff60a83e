from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.causal.trust import MarkovFit, TrustCurve

GOOD = MarkovFit(claims=40, tests=40, denied=2, null_violated=0.5, p_value=0.01)
shares = st.floats(0, 1)


def trust(fit, refuted=0.0):
    return TrustCurve().trust(fit, refuted)


fits = st.builds(
    MarkovFit,
    claims=st.just(40),
    tests=st.integers(0, 40),
    denied=st.just(0),
    null_violated=st.none() | shares,
    p_value=st.none() | shares,
    equivalent=shares,
).flatmap(lambda fit: st.integers(0, fit.tests).map(lambda denied: replace(fit, denied=denied)))


@given(fits, shares)
def test_trust_is_a_share(fit, refuted):
    assert 0 <= trust(fit, refuted) <= 1


@given(fits.filter(lambda fit: fit.denied < fit.tests), shares)
def test_more_denials_and_more_refuted_edges_never_earn_trust(fit, refuted):
    assert trust(replace(fit, denied=fit.denied + 1), refuted) <= trust(fit, refuted)
    assert trust(fit, min(refuted + 0.1, 1.0)) <= trust(fit, refuted)


def test_a_graph_that_is_denied_next_to_nothing_is_trusted():
    assert trust(GOOD) > 0.8


def test_a_graph_no_better_than_its_relabellings_is_not():
    assert trust(replace(GOOD, denied=20)) == 0
    assert trust(replace(GOOD, p_value=0.5)) == 0


def test_trust_has_no_cliff():
    steps = [trust(replace(GOOD, denied=denied)) for denied in range(21)]
    assert max(a - b for a, b in pairwise(steps)) < 0.11


def test_what_could_not_be_tested_earns_nothing():
    assert trust(MarkovFit()) == trust(MarkovFit(claims=9)) == 0
    assert trust(replace(GOOD, tests=10, denied=0)) < 0.25
    assert trust(replace(GOOD, null_violated=0.05)) == 0  # the data deny nobody anything
    assert trust(replace(GOOD, equivalent=0.5)) == pytest.approx(trust(GOOD) / 2)


@pytest.mark.parametrize(
    ("fit", "verdict"),
    [
        (GOOD, "supported"),
        (replace(GOOD, p_value=0.4, denied=15), "refuted"),
        (replace(GOOD, p_value=0.4), "untestable"),  # two of forty is what mistakes make
        (replace(GOOD, equivalent=0.2), "untestable"),
        (MarkovFit(claims=3), "untestable"),
    ],
)
def test_the_verdict_needs_evidence_either_way(fit, verdict):
    assert fit.verdict(0.05) == verdict
