"""Syslog in the forms of its two standards, and in none."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.limits import Limits
from collectors.push.syslog import SEVERITY, decoded
from diagnose.schema import LOGS
from tests.collectors.push.recorded import NOW, recorded


def records(*lines, now=NOW, **limits):
    found = decoded([line.encode() for line in lines], "10.0.0.9", now, Limits(**limits))
    return [row for frame in found.frames for row in frame.iter_rows()]


def attributes(line):
    return {k: v for k, v in json.loads(records(line)[0][4]).items() if v is not None}


def sent_by_rsyslog():
    rest = recorded("rsyslog_octet_counted.bin")
    while rest:
        size, _, rest = rest.partition(b" ")
        yield rest[: int(size)].decode().rstrip("\n")
        rest = rest[int(size) :]


def test_what_rsyslog_sent():
    found = records(*sent_by_rsyslog())
    assert [row[1:3] for row in found] == [
        ("n1", "ERROR"),
        ("n1/smartd", "WARN"),
        ("n1/sshd", "INFO"),
        ("n1", "ERROR"),
        ("n1/app", "INFO2"),
        ("n1/app", "INFO2"),
    ]
    assert found[0][0] == datetime(2026, 11, 22, 9, 24, 45, 59759, UTC)
    assert found[2][3] == "Failed password for root from 10.0.0.5 port 22 ssh2"
    said = json.loads(found[1][4])
    assert (said["facility"], said["message_id"]) == (3, "SMART")
    assert said["structured"].endswith('[disk@32473 dev="/dev/sda" attr="5"]')


@pytest.mark.parametrize(
    ("line", "entity", "severity", "body"),
    [
        ("<34>Oct 30 22:14:15 web1 su: 'su root' failed", "web1/su", "ERROR2", "'su root' failed"),
        ("<13>Nov  2 01:00:00 web1 sshd[12]: x: y", "web1/sshd", "INFO2", "x: y"),
        ("<13>Nov  2 01:00:00 kernel: oops", "10.0.0.9", "INFO2", "oops"),
        ("<13>Nov  2 01:00:00 web1 something happened", "web1", "INFO2", "something happened"),
        ("<13>2026-11-22T09:24:45.1+01:00 web1 app[7]: up", "web1/app", "INFO2", "up"),
        ("<14>1 - - - - - - \ufeffhi", "10.0.0.9", "INFO", "hi"),
        ('<15>1 2026-11-22T09:00:00Z h a 1 - [x y="\\]"]', "h/a", "DEBUG", ""),
        ("<8>1 2026-11-22T09:00:00Z h a 1 - - two\nlines", "h/a", "FATAL", "two\nlines"),
        ("no form at all", "10.0.0.9", "INFO2", "no form at all"),
        ("<11>half a form", "10.0.0.9", "ERROR", "half a form"),
        ("", "10.0.0.9", "INFO2", ""),
    ],
)
def test_forms(line, entity, severity, body):
    assert records(line)[0][1:4] == (entity, severity, body)


def test_attributes():
    assert attributes("<165>1 2026-11-22T09:00:00Z web1 app 42 ID7 - up") == {
        "facility": 20,
        "program": "app",
        "process": "42",
        "message_id": "ID7",
    }


@pytest.mark.parametrize(
    ("clock", "now", "year"),
    [
        ("Nov 22 09:59:00", NOW, 2026),
        ("Dec 31 23:59:59", datetime(2027, 1, 1, tzinfo=UTC), 2026),
        ("Jan  1 00:00:01", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), 2027),
    ],
)
def test_a_year_that_is_not_said_is_the_nearest_that_can_be(clock, now, year):
    assert records(f"<13>{clock} web1 app: up", now=now)[0][0].year == year


def test_a_time_that_is_none_is_now():
    for clock in ("Feb 30 01:00:00", "Nov 99 00:00:00"):
        assert records(f"<13>{clock} web1 app: up")[0][0] == NOW


def test_times_that_cannot_be_are_counted():
    lines = [f"<13>1 {NOW + timedelta(days=d):%Y-%m-%dT%H:%M:%SZ} h a - - - x" for d in (1, -40)]
    found = decoded([line.encode() for line in lines], "h", NOW)
    assert (found.frames, found.rejected) == ((), {"too_far_in_future": 1, "too_old": 1})


def test_a_long_line_is_cut():
    assert records("x" * 100, line_characters=10)[0][3] == "x" * 10


@given(st.lists(st.binary(max_size=80), max_size=5))
def test_every_line_is_a_record(lines):
    found = decoded(lines, "h", NOW)
    kept = sum(frame.height for frame in found.frames)
    assert kept + sum(found.rejected.values()) == len(lines)
    for frame in found.frames:
        assert frame.schema == LOGS
        assert frame.null_count().row(0) == (0,) * 5
        assert set(frame["severity"]) <= set(SEVERITY)


@given(
    st.integers(0, 191),
    st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=20),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
)
def test_a_modern_line_is_read_back(priority, program, text):
    body = text.lstrip(" \ufeff")
    found = records(f"<{priority}>1 {NOW.isoformat()} web1 {program} - - - {body}")
    entity = "web1" if program == "kernel" else f"web1/{program}"
    assert found[0][:4] == (NOW, entity, SEVERITY[priority % 8], body)
