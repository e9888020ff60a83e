"""What was known of a disk, and when."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.disks.cases import Cases, draw, trials
from models.disks.features import features, names
from models.disks.history import COLUMNS, SMART, History
from models.disks.outcomes import Outcomes
from models.disks.rates import RATE_DAYS, YEARS, rates

EPOCH_HOURS = (date(2020, 1, 1) - date(1970, 1, 1)).days * 24

# A history in short: (disk, hour since its first day, reallocated sectors) of each row.
ROWS = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 4000), st.none() | st.integers(0, 3)),
    min_size=1,
    max_size=30,
    unique_by=lambda row: row[:2],
)


def table(rows):
    """Return the rows as a history has them; disks differ in age when they are first seen."""
    return pl.DataFrame(
        {
            "serial_number": [disk for disk, _, _ in rows],
            "model": [f"model-{disk}" for disk, _, _ in rows],
            "size_tb": 4.0,
            "min_date": date(2020, 1, 1),
            "min_hours": [1000 * "abc".index(disk) for disk, _, _ in rows],
            "tstart": [1000 * "abc".index(disk) + hour for disk, hour, _ in rows],
            **{name: [value for _, _, value in rows] for name in SMART},
        },
        COLUMNS,
    )


KNOWN = np.arange(1.0, 4.0 + YEARS)  # all, without and with errors, by age


def told(rows, disk, hour):
    """Return the features of one disk at one hour, or None where nothing was known."""
    history = History.of(table(rows))
    at = np.array([EPOCH_HOURS + hour])
    row = history.known(history.numbers(np.array([disk])), at)
    return (
        features(history, row, at, {"model-a": -KNOWN}, -np.full(3 + YEARS, 90.0))[0]
        if row[0] >= 0
        else None
    )


@given(ROWS, st.sampled_from("abcd"), st.integers(0, 5000))
def test_the_newest_row_that_had_begun_is_known(rows, disk, hour):
    begun = [row for row in rows if row[0] == disk and row[1] <= hour]
    found = told(rows, disk, hour)
    if not begun:
        assert found is None
        return
    value = max(begun, key=lambda row: row[1])[2]
    assert found is not None
    np.testing.assert_equal(found[0], np.nan if value is None else value)


@given(ROWS, st.sampled_from("abc"), st.integers(0, 5000))
def test_what_comes_later_changes_nothing(rows, disk, hour):
    before = [row for row in rows if row[1] <= hour]
    if not any(row[0] == disk for row in before):
        return
    np.testing.assert_array_equal(told(rows, disk, hour), told(before, disk, hour))


@given(ROWS, st.sampled_from("abc"), st.integers(0, 5000), st.randoms())
def test_neither_order_nor_other_disks_matter(rows, disk, hour, random):
    own = [row for row in rows if row[0] == disk]
    if not own:
        return
    shuffled = random.sample(rows, len(rows))
    np.testing.assert_array_equal(told(shuffled, disk, hour), told(own, disk, hour))


def test_spans_count_what_happened_in_them():
    rows = [("a", 0, 0), ("a", 1000, 5), ("a", 1100, 3), ("a", 1110, 4)]
    found = dict(zip(names(), told(rows, "a", 1120), strict=True))
    assert found["smart_5.value"] == 4
    assert found["smart_5.gained_24h"] == -1  # from 5, which it had a day ago
    assert found["smart_5.gained_168h"] == 4
    assert found["smart_5.gained_720h"] == 4
    assert found["smart_5.rises_720h"] == 2
    assert found["smart_5.hours_since_rise"] == 10
    assert found["smart_5.taken_back"] == 2
    assert found["age.hours"] == 1120
    assert found["model.rate"] == -1.0
    assert found["model.rate_with_errors"] == -3.0
    assert found["model.rate_at_age"] == -4.0
    assert found["smart_5.hours_since_first"] == 120
    assert found["errors.hours_since_first"] == 120
    assert found["errors.kinds"] == 4
    assert found["smart_5.rises_ever"] == 2
    assert found["errors.risen_720h"] == 5
    assert found["errors.hours_since_rise"] == 10
    assert found["errors.sum"] == 20


def fleet(*lives):
    """Return the outcomes of disks that begin at 0: (hours watched, whether it failed)."""
    end, failed = zip(*lives, strict=True)
    return Outcomes(
        np.zeros(len(end), np.int64), np.array(end), np.array(failed), np.array(["m"] * len(end))
    )


@pytest.mark.parametrize(
    ("hours", "failed", "known"),
    [
        (10_000, False, [False, False, False]),
        (100, False, [False]),  # left within a week: nothing is known of the week
        (20, False, []),
        (20, True, [True]),
        (100, True, [False, True]),
        (700, True, [False, False, True]),
        (10_000, True, [False, False, False]),
    ],
)
def test_a_disk_tells_only_about_intervals_that_it_was_watched_in(hours, failed, known):
    outcomes = fleet((hours, failed))
    found = trials(outcomes, Cases(np.array([0]), np.array([0]), np.array([1.0])))
    assert found.interval.tolist() == list(range(len(known)))
    assert found.failed.tolist() == known


def life(number, days, sick=None, model="m"):
    """Return the rows of a disk that is sick from some day on."""
    begins = [0] if sick is None else [0, sick]
    return [
        {
            "serial_number": f"S{number:03}",
            "model": model,
            "size_tb": 1.0,
            "min_date": date(2020, 1, 1),
            "min_hours": 0,
            "tstart": 24 * begin,
            **{name: float(10 * place) for name in SMART},
        }
        for place, begin in enumerate(begins)
    ], Outcomes(
        np.array([EPOCH_HOURS]),
        np.array([EPOCH_HOURS + 24 * days]),
        np.array([sick is not None]),
        np.array([model]),
    )


def lived(*lives):
    """Return the history and the outcomes of disks."""
    rows = pl.DataFrame([row for rows, _ in lives for row in rows], COLUMNS)
    ends = [end for _, end in lives]
    columns = (np.concatenate([getattr(end, name) for end in ends]) for name in PARTS)
    return History.of(rows), Outcomes(*columns)


PARTS = ("begin", "end", "failed", "model")


def test_the_cases_stand_for_all_moments_of_a_fleet():
    history, outcomes = lived(*[life(n, 400, 300 if n % 10 == 0 else None) for n in range(500)])
    cases = draw(history, outcomes, np.random.default_rng(1))
    assert cases.weight.sum() == pytest.approx(500 * 400, rel=0.05)
    sick = cases.at >= EPOCH_HOURS + 24 * 300
    mine = outcomes.failed[cases.disk]
    assert cases.weight[sick & mine].sum() == pytest.approx(50 * 100, rel=0.1)
    assert (cases.at < outcomes.end[cases.disk]).all()


def test_who_had_not_failed_yet_is_censored():
    then = fleet((100, True), (50, True), (200, False)).until(80)
    assert then.end.tolist() == [80, 50, 80]
    assert then.failed.tolist() == [False, True, False]


def test_a_model_with_few_days_is_believed_to_be_like_the_fleet():
    many = [
        life(n, RATE_DAYS, 100 if n < 4 else None, "bad" if n < 4 else "good") for n in range(8)
    ]
    history, outcomes = lived(*many, life(8, 1, model="new"))
    known, unknown = rates(history, outcomes, np.arange(9))
    assert known["bad"][0] > known["new"][0] > known["good"][0]
    np.testing.assert_allclose(known["new"], unknown, atol=0.01)


def test_a_model_whose_errors_mean_little_is_told_from_one_whose_do():
    tough = [life(n, 1000, 10, "tough") for n in range(100)]
    frail = [life(100 + n, 1000, 990, "frail") for n in range(100)]
    history, outcomes = lived(*tough, *frail)
    known, _ = rates(history, outcomes, np.arange(200))
    _, well, ill, *ages = known["frail"]
    assert ill > known["tough"][2] + 2
    assert ill > well + 2
    assert ages[2] > ages[0]  # all fail in their third year
