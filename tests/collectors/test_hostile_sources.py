"""Whatever a source holds, a collector reads it or says what is wrong: nothing else is raised.

What runs on a server writes its journal, its logs and the names of its processes, and a disk writes
its own model and attributes; all of them may be broken or hostile.
"""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.files.lines import Lines
from collectors.journald import Journald
from collectors.kmsg import Kmsg
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


@pytest.mark.parametrize("name", ["a) R 1 (b", "()", "", "a b  c", "\N{SNOWMAN}", "x\ny"])
def test_any_name_of_a_process(tmp_path, name):
    (tmp_path / "7").mkdir()
    rest = " ".join(["S", *["0"] * 10, "300", "200", *["0"] * 6, "5", "0", "10", *["0"] * 20])
    (tmp_path / "7/stat").write_text(f"7 ({name}) {rest}\n")
    read_signals = {signal: value for _, signal, value in Commands("db1", tmp_path).read()}
    assert len(read_signals) == 3
    assert max(read_signals.values()) > 1
