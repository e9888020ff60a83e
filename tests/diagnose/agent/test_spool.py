"""What was put is there after a crash; what is too much goes, oldest first, and is counted."""

import signal
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.agent.otlp import Request
from diagnose.agent.spool import FILE, Spool
from diagnose.failure import Failure
from tests.programs import needed

MUCH = 1 << 30
ENDLESS = """
import os, sys
from pathlib import Path
from diagnose.agent.otlp import Request
from diagnose.agent.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 30)
for number in range(10**6):
    spool.put([Request("v1/logs", b"%d" % number, 1)], {"log": str(number)})
    os.write(1, b"%d\\n" % number)
"""


def request(text, records=1):
    return Request("v1/logs", text.encode(), records)


def drained(spool):
    bodies = []
    while stored := spool.oldest():
        bodies.append(stored.request.body.decode())
        spool.remove(stored)
    return bodies


def test_oldest_first_also_after_it_was_closed(tmp_path):
    spool = Spool(tmp_path, MUCH)
    spool.put([request("a"), request("b")], {"log": "1"})
    spool.put([request("c")], {"log": "2", "kmsg": "7"})
    spool.close()
    again = Spool(tmp_path, MUCH)
    assert again.cursors() == {"log": "2", "kmsg": "7"}
    assert again.waiting() == (3, 3)
    assert drained(again) == ["a", "b", "c"]
    assert again.waiting() == (0, 0)


def test_another_reader_sees_what_was_put(tmp_path):
    first, second = Spool(tmp_path, MUCH), Spool(tmp_path, MUCH)
    first.put([request("a")], {})
    assert drained(second) == ["a"]
    assert first.oldest() is None


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 400), max_size=20))
def test_it_stays_small_and_keeps_the_latest(tmp_path_factory, sizes):
    spool = Spool(tmp_path_factory.mktemp("spool"), 1000)
    dropped = sum(spool.put([request("x" * size, records=size)], {}) for size in sizes)
    kept = [len(body) for body in drained(spool)]
    assert sum(kept) <= 1000
    assert sizes[len(sizes) - len(kept) :] == kept
    assert dropped == sum(sizes) - sum(kept)


def test_a_process_that_is_killed_loses_nothing_that_it_had_put(tmp_path):
    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    for _ in range(2):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(20)]
            process.send_signal(signal.SIGKILL)
            said += process.stdout.readlines()
        spool = Spool(tmp_path, MUCH)
        bodies = drained(spool)
        last = int(said[-1])
        assert bodies[: last + 1] == [str(i) for i in range(last + 1)]
        # The cursor stands where the requests end, whether that commit was told or not.
        assert spool.cursors() == {"log": bodies[-1]}
        spool.close()


def test_every_commit_is_synced_before_it_is_told(tmp_path):
    strace = needed("strace", "strace")
    told = tmp_path / "calls"
    calls = "trace=fsync,fdatasync,write"
    command = [strace, "-f", "-qq", "-o", str(told), "-e", calls, sys.executable, "-c", ENDLESS]
    with subprocess.Popen([*command, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(20):
            process.stdout.readline()
        process.kill()
    synced = False
    numbers = 0
    for line in told.read_text().splitlines():
        synced = synced or "sync(" in line
        if "write(1, " in line:
            assert synced, line  # a number is printed only after its commit reached the disk
            numbers, synced = numbers + 1, False
    assert numbers >= 20


def test_a_full_disk_is_an_error_and_keeps_what_was_there(tmp_path):
    spool = Spool(tmp_path, MUCH)
    spool.put([request("a")], {"log": "1"})
    spool._base.execute("PRAGMA max_page_count = 10")
    with pytest.raises(OSError, match="full"):
        spool.put([request("x" * 100_000)], {"log": "2"})
    assert spool.cursors() == {"log": "1"}
    assert drained(spool) == ["a"]


def test_a_damaged_spool_is_said_with_the_way_out(tmp_path):
    (tmp_path / FILE).write_bytes(b"no database" * 100)
    with pytest.raises(Failure, match="moved away"):
        Spool(tmp_path, MUCH)


def test_nobody_else_may_read_it(tmp_path):
    Spool(tmp_path / "new", MUCH).close()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
