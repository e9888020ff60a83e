"""A journal in the form that journalctl prints, and one that systemd itself wrote to disk."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from collectors.journald import JOURNALCTL, Journald

RECORDED = Path(__file__).parent.parent / "fixtures" / "journald" / "journalctl_json.ndjson"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BEFORE_ALL = datetime(1960, 1, 1, tzinfo=UTC)
FIRST = datetime(2026, 11, 22, 9, 16, 40, tzinfo=UTC)
REMOTE = "/lib/systemd/systemd-journal-remote"


def recorded(_=None):
    return Journald("db1", lambda arguments: RECORDED.read_bytes().splitlines())


def rows(collector, since=LONG_AGO):
    frames = list(collector.collect(since))
    return pl.concat(frames).rows(named=True) if frames else []


def entry(second, **fields):
    """One entry in the journal's export format."""
    lines = {
        "__REALTIME_TIMESTAMP": str(1_795_339_000_000_000 + second * 1_000_000),
        "__MONOTONIC_TIMESTAMP": str((second + 1) * 1_000_000),
        "_BOOT_ID": "0123456789abcdef0123456789abcdef",
        "_HOSTNAME": "host42",
        **fields,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items()) + "\n"


def printed(**fields):
    """One entry as journalctl prints it."""
    entry = {"__REALTIME_TIMESTAMP": "0", "__CURSOR": "s=1", "_HOSTNAME": "h1", **fields}
    return json.dumps(entry).encode()


def parsed(**fields):
    (row,) = Journald("db1", lambda _: [printed(**fields)]).collect(
        datetime(1960, 1, 1, tzinfo=UTC)
    )
    return row.row(0, named=True)


@pytest.fixture
def journal(tmp_path):
    """Return how to write entries to a journal, and how to read it with journalctl."""
    if not Path(REMOTE).exists() or not shutil.which("journalctl"):
        pytest.skip("systemd-journal-remote is not installed")
    file = tmp_path / "test.journal"

    def write(*entries):
        command = [REMOTE, "-o", str(file), "-"]
        subprocess.run(command, input="".join(entries).encode(), check=True, capture_output=True)

    def read(arguments):
        command = [*JOURNALCTL, f"--file={file}", *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout.splitlines()

    return write, read


def test_entity_severity_and_binary_text():
    told = rows(recorded())
    assert [(row["entity"], row["severity"]) for row in told] == [
        ("host42", "ERROR"),
        ("host42/nginx.service", "WARN"),
        ("host42", "INFO"),
    ]
    assert told[2]["body"] == "multi\nline \N{REPLACEMENT CHARACTER}\0 binary"
    assert json.loads(told[0]["attributes"])["error"] == "memory corrected"


def test_what_systemd_says_of_a_unit_is_filed_under_that_unit():
    started = parsed(
        MESSAGE_ID="39f53479d3a045ac8e11786248231fbf",
        UNIT="nginx.service",
        _SYSTEMD_UNIT="init.scope",
        MESSAGE="Started nginx.service.",
    )
    assert started["entity"] == "h1/nginx.service"
    assert json.loads(started["attributes"])["change"] == "unit start"
    failed = parsed(MESSAGE_ID="d9b373ed55a64feb8242e02dbe79a49c", UNIT="nginx.service")
    assert json.loads(failed["attributes"])["error"] == "unit failed"


@pytest.mark.parametrize("priority", ["", "9", "-1", "high", "٣"])
def test_a_writer_may_set_any_priority(priority):
    assert parsed(PRIORITY=priority)["severity"] == "INFO"


def test_a_field_that_occurs_twice_has_its_last_value():
    assert parsed(MESSAGE=["first", "second"])["body"] == "second"


@pytest.mark.parametrize("line", [b"{", b"{}", b"[]", b'{"__CURSOR": "s=1"}'])
def test_what_is_no_entry_is_said(line):
    with pytest.raises(ValueError, match=r"."):
        rows(Journald("db1", lambda _: [line]))


def test_what_is_no_entry_hides_none_of_the_others():
    lines = RECORDED.read_bytes().splitlines()
    follow = Journald("db1", lambda _: [lines[0], b"{", *lines[1:]])
    frames = follow.collect(LONG_AGO)
    assert next(frames).height == len(lines)
    with pytest.raises(ValueError, match=r"."):
        next(frames)
    assert follow.cursor == json.loads(lines[-1])["__CURSOR"]


def test_a_real_journal_is_read_on_without_loss_or_repetition(journal):
    write, read = journal
    write(*(entry(i, MESSAGE=f"line {i}", PRIORITY="4") for i in range(5)))
    first = Journald("db1", read)
    assert [row["body"] for row in rows(first)] == [f"line {i}" for i in range(5)]
    assert rows(first) == []
    write(*(entry(i, MESSAGE=f"line {i}") for i in range(5, 8)))
    again = Journald("db1", read)  # another process, with the cursor that was kept
    again.cursor = first.cursor
    assert [row["body"] for row in rows(again)] == ["line 5", "line 6", "line 7"]


def test_without_a_cursor_only_what_is_later_than_since(journal):
    write, read = journal
    write(*(entry(i, MESSAGE=f"line {i}") for i in range(5)))
    told = rows(Journald("db1", read), FIRST + timedelta(seconds=2))
    assert [row["body"] for row in told] == ["line 3", "line 4"]
