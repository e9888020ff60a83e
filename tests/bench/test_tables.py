"""The figures behind the tables, and that every table is written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.evaluation.accuracy import difference, estimate
from tests.bench.calibration import ece, ece_by_luck, ece_interval
from tests.bench.incidents import MARK, kept, report
from tests.bench.memory import Gauge
from tests.bench.operating import auc, auc_interval, bar, exact
from tests.bench.records import AITIA, WITHOUT_GRAPH, Measured, MeasuredSet, Said, Trusted
from tests.bench.robustness import loss
from tests.bench.shape import EARLIER, told_by_shape
from tests.bench.standings import best_peer
from tests.bench.variants import EARLY, LATE, ON_TIME, RANDOM, REVERSED, TRUE

SCORES = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=2, max_size=30)
RIGHT, WRONG = np.ones(5), np.zeros(5)


@given(SCORES)
def test_a_difference_to_itself_is_nothing(values):
    same = difference(np.array(values), np.array(values))
    assert (same.value, same.low, same.high) == (0, 0, 0)


@given(SCORES, st.randoms(use_true_random=False))
def test_a_difference_turns_its_sign_with_its_sides(values, random):
    ours = np.array(values)
    theirs = np.array(random.sample(values, len(values)))
    there, back = difference(ours, theirs), difference(theirs, ours)
    assert there.value == pytest.approx(-back.value)
    assert there.low == pytest.approx(-back.high, abs=0.1)


def test_pairing_leaves_out_what_makes_an_incident_hard_for_both():
    hard = np.tile([0.0, 1.0], 20)
    theirs = np.where(np.arange(40) < 4, 0.0, hard)
    paired = difference(hard, theirs)
    alone = estimate(hard)
    assert paired.high - paired.low < (alone.high - alone.low) / 2


@given(st.integers(0, 40), st.integers(1, 40))
def test_an_exact_interval_holds_its_share(hits, of):
    found = exact(min(hits, of), of)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=60), st.floats(0, 0.99))
def test_no_more_healthy_windows_than_allowed_lie_above_the_bar(values, share):
    healthy = np.array(values)
    assert (healthy > bar(healthy, share)).mean() <= share


def test_the_area_under_the_curve_of_the_same_scores_is_a_half():
    scores = np.arange(20.0)
    assert auc(scores, scores) == pytest.approx(0.5)
    found = auc_interval(scores, scores)
    assert found.low < 0.5 < found.high


def test_true_probabilities_are_as_far_off_as_luck_says():
    rng = np.random.default_rng(0)
    stated = rng.random(400)
    true = (rng.random(400) < stated).astype(float)
    assert ece(stated, true) < 2 * ece_by_luck(stated)
    assert ece(stated, 1 - true) > 5 * ece_by_luck(stated)


def test_answers_are_resampled_whole():
    cases = [[Said(0.9, True, first=True), Said(0.1, False, first=False)]] * 5
    found = ece_interval(cases)
    assert found.low == pytest.approx(found.value) == pytest.approx(found.high)


def measured(name, *, ill, scores, **more):
    """A bundle in which Aitia's answer is right and the peer's wrong."""
    found = {AITIA: RIGHT, "without model": RIGHT, WITHOUT_GRAPH: WRONG, "peer": WRONG}
    bundle = Measured(
        name,
        f"2026-01-01T00:{len(name):02}:00",
        ill,
        pairs=False,
        expected=np.full(5, 0.1) if ill else None,
        answered=ill,
        said=(Said(0.8, ill, first=True),) if ill else (),
        stages={"read": 0.1, "detect": 0.2, "all": 0.3},
        shape=dict.fromkeys(("readings", *EARLIER), float(len(name))),
        found={ON_TIME: found, EARLY: found, LATE: found} if ill else {},
        abnormal=scores,
        graphs={kind: [Trusted(0.5, 1.0, 0.1, 0.4)] for kind in (TRUE, REVERSED, RANDOM)},
    )
    return replace(bundle, **more)


def a_set(name="shop", **more):
    ill = [measured(f"i{i}", ill=True, scores={AITIA: 5.0, "PCA": 2.0}, **more) for i in range(6)]
    well = [measured(f"h{i}", ill=False, scores={AITIA: 1.0, "PCA": 2.0}) for i in range(6)]
    return MeasuredSet(name, (*ill, *well), (("broken", "why"),), 400.0)


def test_every_table_is_written():
    text = "\n".join(
        report([a_set(), a_set("other")], {"shop": (Gauge({"read": 40.0}, {"read": 3.0}),)}, 60.0)
    )
    for part in (
        "| shop (6) | AC@1 | 1.00 | 0.00, peer | **+1.00 [+1.00, +1.00]** |",
        "### shop: 6 incidents, level: entity",
        "Chance: AC@1 0.10",
        "pooled over all 12 incidents",
        "| shop (6) | reversed | 0.50 [0.50, 0.50] |",
        "| shop | **Aitia** | 1.00 [1.00, 1.00] | 1.00 [0.54, 1.00] (6/6) |",
        "| shop | first | 6 | 6 | 0.20 [0.20, 0.20] |",
        "| shop (1 / 0) | 40.0 / - | 3.0 / - |",
        "FAILED shop, broken: why",
    ):
        assert part in text


def test_a_set_of_healthy_windows_alone_is_no_trouble():
    quiet = MeasuredSet("quiet", a_set().healthy, (), 400.0)
    assert "Seconds and memory" in "\n".join(report([quiet], {}, 1.0))


def test_who_ranked_only_the_easy_incidents_does_not_compete():
    whole = a_set().incidents
    easy = replace(whole[0], found={ON_TIME: whole[0].found[ON_TIME] | {"easy": RIGHT}})
    found = best_peer([easy, *whole[1:]], 0)
    assert found is not None
    assert found[0] == "peer"


def test_a_loss_is_that_of_moved_minus_on_time():
    late = {AITIA: WRONG, "peer": WRONG}
    bundle = measured("i", ill=True, scores={})
    moved = replace(bundle, found=bundle.found | {LATE: late})
    found = loss([moved] * 3, AITIA, (EARLY, LATE))
    assert found is not None
    assert found.value == pytest.approx(-0.5)


def test_shape_that_tells_is_found_out_and_shape_that_does_not_is_at_chance():
    rng = np.random.default_rng(0)
    bundles = [
        measured(f"{i}", ill=i % 2 == 0, scores={}, alert=at(5 * i), shape={"rows": 5.0 + (i % 2)})
        for i in range(30)
    ]
    scores, incident = told_by_shape(bundles)
    assert auc(scores[incident], scores[~incident]) == 1
    blind = [replace(bundle, shape={"rows": float(rng.normal())}) for bundle in bundles]
    scores, incident = told_by_shape(blind)
    assert 0.25 < auc(scores[incident], scores[~incident]) < 0.75
    mixed = [replace(bundle, shape=bundle.shape | {"span": 1.0}) for bundle in bundles]
    scores, incident = told_by_shape(mixed, ("span",))
    assert 0.3 < auc(scores[incident], scores[~incident]) < 0.7


def test_windows_of_one_stretch_of_time_are_left_out_together():
    """What tells one cycle from another, and not ill from well, tells nothing."""
    bundles = [
        measured(f"{i}", ill=i % 2 == 0, scores={}, alert=at(8 * (i // 2) + i % 2), shape=shape)
        for i in range(20)
        for shape in ({"rows": float(i // 2)},)
    ]
    scores, incident = told_by_shape(bundles)
    assert 0.3 < auc(scores[incident], scores[~incident]) < 0.7


def at(minutes):
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()


def test_what_people_wrote_above_the_mark_is_kept(tmp_path):
    file = tmp_path / "results.md"
    assert kept(file) == ""
    file.write_text(f"# Results\n\nRead this.\n\n{MARK}\n\nold")
    assert kept(file) == "# Results\n\nRead this.\n\n"
