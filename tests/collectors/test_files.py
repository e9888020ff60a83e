"""Log files as programs write them and logrotate moves them."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors import NotApplicable
from collectors.files import Files
from collectors.files import tail as tailing
from collectors.files.lines import Lines

FIXTURE = Path(__file__).parent.parent / "fixtures" / "files" / "app.txt"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
WRITTEN = datetime(2026, 11, 22, 10, tzinfo=UTC)


def recorded(folder):
    shutil.copy(FIXTURE, folder / "app.log")
    return Files("db1", [f"{folder}/*.log"])


def bodies(collector, since=LONG_AGO):
    frames = list(collector.collect(since))
    return pl.concat(frames)["body"].to_list() if frames else []


def again(collector):
    """The same collector in another process."""
    made = Files("db1", collector.patterns)
    made.cursor = collector.cursor
    return made


def append(file, text):
    with file.open("a") as opened:
        opened.write(text)


def test_a_pattern_that_no_file_matches_is_said(tmp_path, caplog):
    (tmp_path / "app.log").write_text("hello\n")
    nothing = [f"{tmp_path}/nope.txt", f"{tmp_path}/nodir/*.log"]
    some = Files("db1", [f"{tmp_path}/*.log", *nothing])
    for expected in (["hello"], []):
        assert bodies(some) == expected
        assert some.skipped == tuple(f"{pattern} (no file matches)" for pattern in nothing)
    assert [record.getMessage() for record in caplog.records] == [
        f"collect.files: no file matches {pattern}" for pattern in nothing
    ]
    none = Files("db1", nothing)
    with pytest.raises(NotApplicable, match=f"no file matches {tmp_path}/nope.txt, "):
        bodies(none)
    Path(nothing[0]).write_text("at last\n")
    assert bodies(none) == ["at last"]


def test_records_times_and_severities():
    told = list(Lines(WRITTEN).records(FIXTURE.read_bytes().splitlines()))
    assert told[0].time == datetime(2026, 11, 22, 9, 16, 40, 250_000, UTC)
    assert told[0].severity == "ERROR"
    assert told[1].body.splitlines()[1].strip().startswith("File")
    assert told[3].body.startswith("Nov 22")
    assert told[3].time.astimezone().strftime("%b %d %H:%M:%S") == "Nov 22 09:16:41"
    assert (told[4].time, told[4].severity) == (
        WRITTEN.replace(hour=9, minute=16, second=42),
        "WARN",
    )


def test_a_time_without_a_year_is_not_in_the_future():
    written = datetime(2027, 1, 1, tzinfo=UTC)
    (record,) = Lines(written).records([b"Dec 31 23:59:59 host42 app: late"])
    assert record.time.year == 2026


def test_a_line_waits_for_its_end(tmp_path):
    file = tmp_path / "a.log"
    follow = Files("db1", [str(file)])
    append(file, "one\ntw")
    assert bodies(follow) == ["one"]
    append(file, "o\n")
    assert bodies(follow) == ["two"]
    assert bodies(follow) == []


def test_a_file_that_was_never_read_is_begun_near_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tailing, "BACKLOG", 100)
    file = tmp_path / "a.log"
    file.write_text("".join(f"line {i}\n" for i in range(1000)))
    told = bodies(Files("db1", [str(file)]))
    assert told[-1] == "line 999"
    assert len(told) < 13
    file.write_text("2020-01-01T00:00:00Z old\n2026-11-22T09:00:00Z new\n")
    assert bodies(Files("db1", [str(file)]), WRITTEN - timedelta(days=1)) == [
        "2026-11-22T09:00:00Z new"
    ]


def test_a_new_file_is_read_from_its_start(tmp_path):
    first, second = tmp_path / "a.log", tmp_path / "b.log"
    first.write_text("one\n")
    follow = Files("db1", [f"{tmp_path}/*.log"])
    bodies(follow)
    second.write_text("two\n")
    assert bodies(again(follow)) == ["two"]


@pytest.mark.parametrize("pattern", ["a.log", "a.log*"])
def test_renamed_by_logrotate(tmp_path, pattern):
    file = tmp_path / "a.log"
    file.write_text("one\n")
    follow = Files("db1", [f"{tmp_path}/{pattern}"])
    assert bodies(follow) == ["one"]
    for number in range(2, 5):
        append(file, f"rest {number}\nwithout end {number}")
        for old in (2, 1):
            if (tmp_path / f"a.log.{old}").exists():
                (tmp_path / f"a.log.{old}").rename(tmp_path / f"a.log.{old + 1}")
        file.rename(tmp_path / "a.log.1")
        file.write_text(f"new {number}\n")
        follow = again(follow)
        assert bodies(follow) == [f"rest {number}", f"without end {number}", f"new {number}"]
    assert bodies(follow) == []


@pytest.mark.parametrize("pattern", ["a.log", "a.log*"])
@pytest.mark.parametrize("grown", [1, 100])
def test_copied_and_truncated_by_logrotate(tmp_path, pattern, grown):
    file = tmp_path / "a.log"
    file.write_text("one\ntwo\n")
    follow = Files("db1", [f"{tmp_path}/{pattern}"])
    assert bodies(follow) == ["one", "two"]
    append(file, "rest\n")
    shutil.copy(file, tmp_path / "a.log.1")
    file.write_text("")
    append(file, "new line\n" * grown)  # beyond the former place, where it grew fast
    follow = again(follow)
    assert bodies(follow) == ["rest", *["new line"] * grown]
    assert bodies(follow) == []


def test_what_may_be_lost_is_said(tmp_path):
    file = tmp_path / "a.log"
    file.write_text("one\n")
    follow = Files("db1", [str(file)])
    bodies(follow)
    file.unlink()
    file.write_text("other\n")
    told = bodies(follow)
    assert "was replaced" in told[0]
    assert told[1:] == ["other"]


def test_rewritten_with_the_same_beginning_it_goes_on(tmp_path):
    file = tmp_path / "a.log"
    file.write_text("one\ntwo\n")
    follow = Files("db1", [str(file)])
    bodies(follow)
    (tmp_path / "copy").write_text("one\ntwo\nthree\n")
    (tmp_path / "copy").rename(file)
    assert bodies(follow) == ["three"]


def test_a_file_that_cannot_be_read_is_said_after_the_others(tmp_path):
    (tmp_path / "a.log").symlink_to("/proc/self/mem")  # opens, and fails when read
    (tmp_path / "b.log").write_text("two\n")
    follow = Files("db1", [f"{tmp_path}/*.log"]).collect(LONG_AGO)
    assert next(follow)["body"].to_list() == ["two"]
    with pytest.raises(OSError, match=r"."):
        next(follow)


def test_a_very_long_line_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(tailing, "CHUNK", 1000)
    file = tmp_path / "a.log"
    file.write_text("x" * 2500 + "\nend\n")
    told = bodies(Files("db1", [str(file)]))
    assert "".join(told) == "x" * 2500 + "end"
    assert told[-1] == "end"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(["write", "partial", "read", "restart", "rename", "copytruncate"]),
        max_size=25,
    )
)
def test_every_line_is_read_once_whatever_happens(tmp_path_factory, events):
    folder = tmp_path_factory.mktemp("log")
    file = folder / "a.log"
    file.write_text("")
    follow = Files("db1", [str(file)])
    told = bodies(follow)
    number = written = 0
    for event in [*events, "read", "finish", "read"]:
        if event == "write":
            append(file, f"line {number}\n")
            number += 1
        elif event == "partial":
            append(file, "lin")
            append(file, f"e {number}\n")
            number += 1
        elif event == "read":
            told += bodies(follow)
        elif event == "restart":
            follow = again(follow)
        elif event == "rename" and number > written:
            # Rotation without a read in between would move a file out of reach.
            told += bodies(follow)
            append(file, f"line {number}\n")
            number += 1
            file.rename(folder / f"a.log.{number}")
            file.write_text("")
            written = number
        elif event == "copytruncate" and number > written:
            told += bodies(follow)
            append(file, f"line {number}\n")
            number += 1
            shutil.copy(file, folder / f"a.log.{number}")
            file.write_text("")
            written = number
            told += bodies(follow)
    assert told == [f"line {i}" for i in range(number)]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record(line):
    for record in Lines(WRITTEN).records([line]):
        assert record.time.tzinfo is not None
        json.dumps(record.body)
