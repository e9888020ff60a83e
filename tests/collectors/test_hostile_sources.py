"""Whatever a source holds, a collector reads it or says what is wrong: nothing else is raised.

What runs on a server writes its journal, its logs and the names of its processes, and a disk writes
its own model and attributes; all of them may be broken or hostile.
"""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.changes import Changes
from collectors.edac import Edac
from collectors.files.lines import Lines
from collectors.journald import Journald
from collectors.kmsg import Kmsg
from collectors.procfs import Procfs
from collectors.procfs.consumers import Commands
from collectors.smart import Smart

FIXTURES = Path(__file__).parent.parent / "fixtures"
SMART = [json.loads(file.read_text()) for file in sorted((FIXTURES / "smart").glob("*.json"))]
NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOLD = (OSError, ValueError, LookupError)  # what the runner reports as a source's own fault

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["MESSAGE", "PRIORITY", "UNIT", "_HOSTNAME", "_TRANSPORT", "MESSAGE_ID"])
VALUES = TEXT | st.none() | st.lists(st.integers(0, 255)) | st.lists(TEXT, min_size=1)


def read(collector):
    try:
        return [frame.rows() for frame in collector.collect(datetime(1960, 1, 1, tzinfo=UTC))]
    except TOLD:
        return []


def with_something_else(tree, spoiled, rng):
    """Return ``tree`` with ``spoiled`` in place of one of its parts."""
    if not isinstance(tree, (dict, list)) or not tree or rng.random() < 0.2:
        return spoiled
    key = rng.choice(sorted(tree) if isinstance(tree, dict) else range(len(tree)))
    part = with_something_else(tree[key], spoiled, rng)
    if isinstance(tree, dict):
        return {**tree, key: part}
    return [*tree[:key], part, *tree[key + 1 :]]


@given(st.dictionaries(FIELDS, VALUES))
def test_any_entry_of_a_journal_is_a_record(fields):
    entry = {"__REALTIME_TIMESTAMP": "1795339000000000", "__CURSOR": "s=1", **fields}
    (rows,) = read(Journald("db1", lambda _: [json.dumps(entry).encode()]))
    assert len(rows) == 1


@given(JSON)
def test_any_json_in_place_of_a_journal(value):
    read(Journald("db1", lambda _: [json.dumps(value).encode()]))


@pytest.mark.parametrize("time", ["9" * 30, "253402300800000000", "x"])
def test_any_time_of_a_journal_entry(time):
    entry = {"__REALTIME_TIMESTAMP": time, "__CURSOR": "s=1"}
    assert not any(read(Journald("db1", lambda _: [json.dumps(entry).encode()])))


@given(st.lists(st.binary(max_size=60)))
def test_any_bytes_in_place_of_kernel_messages(messages):
    read(Kmsg("db1", lambda: messages, lambda: ("boot", NOW)))


@given(st.sampled_from(SMART), JSON, st.integers(0, 2**32))
def test_any_value_in_an_answer_of_smartctl(answer, spoiled, seed):
    spoilt = with_something_else(answer, spoiled, random.Random(seed))

    def ask(arguments):
        scan = {"devices": [{"name": "/dev/sda", "type": "sat"}]}
        return json.dumps(scan if arguments == ["--scan"] else spoilt).encode()

    read(Smart("db1", ask))


@given(st.lists(st.binary(max_size=80)))
def test_any_bytes_in_place_of_log_lines(lines):
    for record in Lines(NOW).records(lines):
        json.dumps(record.body).encode()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.binary(max_size=80) | TEXT.map(str.encode))
def test_any_bytes_in_place_of_a_file_of_the_kernel(kernel, which, written):
    files = sorted(file for file in kernel.rglob("*") if file.is_file())
    file = files[which % len(files)]
    before = file.read_bytes()
    file.write_bytes(written)
    try:
        read(Procfs("db1", kernel))
    finally:
        file.write_bytes(before)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    return shutil.copytree(
        FIXTURES / "procfs", tmp_path_factory.mktemp("kernel"), symlinks=True, dirs_exist_ok=True
    )


VERSIONS = st.sampled_from([b"upgrade a:amd64 1 2", b"2026-11-22 09:16:40 ", b"Erased: a", b"\n"])


@settings(max_examples=40, deadline=None)
@given(st.lists(VERSIONS | st.binary(max_size=20)).map(b"".join))
def test_any_bytes_in_place_of_what_a_package_manager_wrote(tmp_path_factory, written):
    root = tmp_path_factory.mktemp("root")
    (root / "proc").mkdir()
    (root / "var/log").mkdir(parents=True)
    (root / "var/log/dpkg.log").write_bytes(written)
    read(Changes("db1", root, (), lambda: ("boot", NOW)))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=60), st.none() | st.integers(0, 2**62) | st.floats() | st.binary() | TEXT)
def test_any_value_in_rasdaemons_database(tmp_path_factory, label, told):
    file = tmp_path_factory.mktemp("ras") / "events.db"
    with closing(sqlite3.connect(file)) as base, base:
        base.execute("CREATE TABLE mc_event (id INTEGER PRIMARY KEY, timestamp, err_msg, label)")
        rows = [("2026-11-22 09:16:40 +0000", told, label), (told, told, told)]
        base.executemany("INSERT INTO mc_event (timestamp, err_msg, label) VALUES (?, ?, ?)", rows)
    read(Edac("db1", file.parent, file))


@pytest.mark.parametrize("name", ["a) R 1 (b", "()", "", "a b  c", "\N{SNOWMAN}", "x\ny"])
def test_any_name_of_a_process(tmp_path, name):
    (tmp_path / "7").mkdir()
    rest = " ".join(["S", *["0"] * 10, "300", "200", *["0"] * 6, "5", "0", "10", *["0"] * 20])
    (tmp_path / "7/stat").write_text(f"7 ({name}) {rest}\n")
    read_signals = {signal: value for _, signal, value in Commands("db1", tmp_path).read()}
    assert len(read_signals) == 3
    assert max(read_signals.values()) > 1
