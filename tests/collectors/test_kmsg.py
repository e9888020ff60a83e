"""Messages as /dev/kmsg gives them."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kmsg import KernelLog, Kmsg, boot, kernel_record, parse

RECORDED = Path(__file__).parent.parent / "fixtures" / "kmsg"
START = datetime(2026, 11, 22, 9, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
BOOT = "0123456789abcdef"


def messages(name):
    """A read gives one message; what follows on lines that begin with a blank belongs to it."""
    lines = re.split(r"\n(?! )", (RECORDED / name).read_text().rstrip())
    return [line.encode() + b"\n" for line in lines]


def collector(given_messages, boot_id=BOOT, cursor=""):
    made = Kmsg("db1", lambda: given_messages, lambda: (boot_id, START))
    made.cursor = cursor
    return made


def recorded(_=None):
    return collector([*messages("dev_kmsg.txt"), *messages("errors.txt")])


def rows(made, since=LONG_AGO):
    frames = list(made.collect(since))
    return pl.concat(frames).rows(named=True) if frames else []


def test_a_recorded_boot():
    told = rows(collector(messages("dev_kmsg.txt")))
    assert told[0]["severity"] == "WARN"
    assert told[0]["body"] == "[Firmware Bug]: TSC doesn't count with P0 frequency!"
    assert {row["entity"] for row in told} == {"db1"}


def test_what_a_message_is_about():
    told = [
        (row["entity"], json.loads(row["attributes"]).get("error"), row["severity"])
        for row in rows(collector(messages("errors.txt")))
    ]
    assert told == [
        ("db1/sda", "disk io", "ERROR"),
        ("db1/gpu-0000:3b:00.0", "gpu xid", "WARN"),
        ("db1/nvme0", "file system", "ERROR"),
        ("db1", "machine check", "ERROR2"),
        ("db1", "memory corrected", "INFO"),
        ("db1", "out of memory", "ERROR"),
        ("db1/nvme1", "disk timeout", "WARN"),
        ("db1", None, "INFO"),
    ]


def test_time_number_and_escaped_bytes():
    last = rows(collector(messages("errors.txt")))[-1]
    assert last["time"] == START + timedelta(seconds=68)
    assert last["body"] == "café: entered promiscuous mode"
    xid = rows(collector(messages("errors.txt")))[1]
    assert json.loads(xid["attributes"])["xid"] == "79"


def test_each_message_once_also_by_another_process():
    first = recorded()
    rows(first)
    assert rows(collector(recorded().connect(), cursor=first.cursor)) == []
    # After a boot the numbers start anew, and all is new.
    rebooted = collector(messages("errors.txt"), "fedcba", first.cursor)
    assert len(rows(rebooted)) == 8


def test_what_was_overwritten_is_said():
    given_messages = messages("errors.txt")
    made = collector(given_messages[:2])
    rows(made)
    told = rows(collector(given_messages[5:], cursor=made.cursor))
    assert told[0]["body"] == "3 kernel messages were overwritten before they were read"
    assert len(told) == 4


def test_what_is_no_message_hides_none_of_the_others():
    good = messages("errors.txt")
    made = collector([*good[:2], b"broken", *good[2:]])
    frames = made.collect(LONG_AGO)
    assert next(frames).height == len(good)
    with pytest.raises(ValueError, match="broken"):
        next(frames)
    assert made.cursor == f"{BOOT} 107"


def test_without_a_cursor_only_what_is_later_than_since():
    assert len(rows(collector(messages("errors.txt")), START + timedelta(seconds=65))) == 3


@given(st.text(max_size=200))
def test_no_text_breaks_the_search_for_errors(text):
    entity, _ = kernel_record("db1", text)
    assert entity.partition("/")[0] == "db1"


@given(st.binary(max_size=100))
def test_what_is_no_message_is_a_value_error(message):
    try:
        parse(message, "db1", START)
    except ValueError:
        return


def test_the_kernel_of_this_machine():
    if not os.access("/dev/kmsg", os.R_OK):
        pytest.skip("/dev/kmsg cannot be read here: needs root")
    made = Kmsg("db1", KernelLog, boot)
    told = rows(made)
    assert rows(made, LONG_AGO) == [] or told
    assert all(row["time"] <= datetime.now(UTC) + timedelta(seconds=5) for row in told)
