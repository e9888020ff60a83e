"""When scans are due: laws of the schedules, and what a restart knows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.daemon.schedule import MOST_JITTER, Timetable, due_after
from diagnose.fleet import Group
from diagnose.schema import Failure

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
MOMENTS = st.integers(1_600_000_000, 2_200_000_000).map(lambda s: datetime.fromtimestamp(s, UTC))
SCHEDULES = st.one_of(
    st.builds(lambda n, u: {"every": f"{n}{u}"}, st.integers(1, 90), st.sampled_from("smhd")),
    st.sampled_from(["*/5 * * * *", "0 3 * * *", "30 6 * * 1", "0 0 29 2 *"]).map(
        lambda cron: {"cron": cron}
    ),
)


def group(name="db", **schedule):
    return Group(name=name, hosts=("*",), **schedule)


class Clock:
    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@given(SCHEDULES, MOMENTS, st.integers(0, 10**7 - 1))
def test_the_next_time_is_later_the_first_and_the_same_for_all_before_it(schedule, moment, part):
    one = group(**schedule)
    due = due_after(one, moment)
    assert due > moment
    between = moment + part * ((due - moment) // 10**7)
    assert due_after(one, between) == due
    assert due_after(one, due) > due


@given(st.integers(1, 90), st.sampled_from("smhd"), MOMENTS)
def test_times_are_one_step_apart_and_a_little_late(number, unit, moment):
    one = group(every=f"{number}{unit}")
    step = timedelta(seconds=one.every_seconds or 0)
    due = due_after(one, moment)
    assert due_after(one, due) - due == step
    late = (due - datetime(1970, 1, 1, tzinfo=UTC)) % step
    assert late <= min(step * 0.1, MOST_JITTER)


def test_groups_are_not_due_in_the_same_second():
    noon = NOW + timedelta(minutes=2)
    dues = {due_after(group(f"g{i}", every="10m"), noon) for i in range(20)}
    assert len(dues) > 15
    assert max(dues) - min(dues) <= MOST_JITTER


def test_a_schedule_that_never_comes_is_told():
    with pytest.raises(Failure, match="the group db is never due"):
        due_after(group(cron="0 0 30 2 *"), NOW)


def test_what_was_missed_is_made_up_for_once(tmp_path):
    clock = Clock()
    table = Timetable([group(every="5m")], tmp_path / "scans.json", clock)
    assert table.due() is None
    clock.now += timedelta(minutes=6)
    assert table.due() == "db"
    table.begun("db")
    table.finished("db")
    assert table.due() is None
    clock.now += timedelta(days=3)
    again = Timetable([group(every="5m")], tmp_path / "scans.json", clock)
    assert again.due() == "db"
    again.begun("db")
    again.finished("db")
    assert again.due() is None


def test_what_was_begun_and_not_finished_goes_on_at_once(tmp_path):
    clock = Clock()
    groups = [group("a", every="1h"), group("b", every="1h")]
    Timetable(groups, tmp_path / "scans.json", clock).begun("b")
    again = Timetable(groups, tmp_path / "scans.json", clock)
    assert again.due() == "b"
    again.begun("b")
    again.finished("b")
    assert again.due() is None


def test_the_group_that_has_waited_longest_goes_first(tmp_path):
    clock = Clock()
    groups = [group("often", every="1m"), group("rarely", every="1h")]
    table = Timetable(groups, tmp_path / "scans.json", clock)
    clock.now += timedelta(hours=2)
    table.begun("often")
    table.finished("often")
    clock.now += timedelta(minutes=5)
    assert table.due() == "rarely"


def test_a_clock_that_was_put_back_does_not_stop_the_scans(tmp_path):
    clock = Clock()
    table = Timetable([group(every="5m")], tmp_path / "scans.json", clock)
    table.begun("db")
    table.finished("db")
    clock.now -= timedelta(days=30)
    assert table.due_at("db") <= clock.now + timedelta(minutes=6)


def test_a_group_that_left_the_fleet_is_forgotten_and_a_new_one_is_not_due_at_once(tmp_path):
    clock = Clock()
    old = Timetable([group("old", every="5m")], tmp_path / "scans.json", clock)
    old.begun("old")
    new = Timetable([group("new", every="5m")], tmp_path / "scans.json", clock)
    assert new.due() is None
    new.begun("new")
    assert "old" not in (tmp_path / "scans.json").read_text()


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "scans.json").write_text("[1")
    with pytest.raises(Failure, match="holds no times of scans"):
        Timetable([group()], tmp_path / "scans.json")
