"""What was acknowledged survives: kill -9, and a power cut that drops whatever was not synced."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from diagnose.telemetry.keeping import Keeping
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.tables import actions
from diagnose.telemetry.writer import open_writer
from tests.diagnose.telemetry.append_forever import BEGIN
from tests.diagnose.telemetry.conftest import mover_of

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


def run_and_kill(folder, first, seconds, environment=None, whom="both"):
    """Return what was acknowledged by an appender that was killed after ``seconds``.

    Killed is the appender, its mover first, or both at once.
    """
    command = [sys.executable, str(HERE / "append_forever.py"), str(folder), str(first)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        acknowledged = [process.stdout.readline()]
        time.sleep(seconds)
        if whom == "mover":
            os.kill(mover_of(process.pid), signal.SIGKILL)
            time.sleep(seconds)
        if whom == "writer":
            process.send_signal(signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    rest, errors = process.communicate(timeout=30)
    lines = "".join([*acknowledged, rest]).splitlines(keepends=True)
    assert "".join(lines).strip(), errors
    return [int(line) for line in lines if line.endswith("\n")]


def stored(folder):
    """Return how often each log line and each reading is there, for a reader."""
    span = (BEGIN, BEGIN + timedelta(days=30))
    with Reader(f"{folder}/tables", folder / "journal.db") as reader:
        lines = Counter(int(body.split()[1]) for body in reader.logs(*span)["body"])
        return lines, Counter(int(value) for value in reader.readings(*span)["value"])


def assert_each_once(folder, acknowledged):
    lines, values = stored(folder)
    missing = [number for number in acknowledged if number not in lines or number not in values]
    assert not missing
    # What was not acknowledged may be there or not, but as often as it was sent.
    assert set(lines.values()) == {2}
    assert set(values.values()) == {1}
    assert lines.keys() == values.keys()


def settle(folder):
    """Open the telemetry as the next writer does."""
    with open_writer(Keeping(folder, f"{folder}/tables"), lambda stage, took: None):
        pass


def test_kill_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path):
    chance = random.Random(7)
    acknowledged = []
    for life, whom in enumerate(("both", "writer", "mover", "writer", "both")):
        seconds = chance.uniform(0.05, 0.6)
        acknowledged += run_and_kill(tmp_path, life * 100_000, seconds, whom=whom)
        assert_each_once(tmp_path, acknowledged)  # with the journal as the crash left it
    settle(tmp_path)
    assert_each_once(tmp_path, acknowledged)
    assert len(acknowledged) > 50


def durable(shadow, inode, target):
    """Put together what a disk holds of a folder: synced names, synced contents."""
    target.mkdir()
    listing = shadow / "folders" / inode
    for line in listing.read_text().splitlines() if listing.exists() else ():
        child, kind, name = line.split(" ", 2)
        if kind == "d":
            durable(shadow, child, target / name)
        elif (shadow / "files" / child).exists():
            shutil.copy(shadow / "files" / child, target / name)
        else:
            (target / name).touch()  # a name that is known, of a content that is not


def test_a_power_cut_that_drops_unsynced_writes_loses_nothing_acknowledged(tmp_path):
    if shutil.which("gcc") is None:
        pytest.skip("A POWER CUT IS NOT TESTED: no gcc on this machine (apt: gcc, libc6-dev)")
    shim, shadow = tmp_path / "powercut.so", tmp_path / "shadow"
    compiler = ["gcc", "-shared", "-fPIC", "-O1", "-o", shim, HERE / "powercut.c", "-ldl"]
    subprocess.run(compiler, check=True)
    for name in ("files", "folders"):
        (shadow / name).mkdir(parents=True)
    folder = tmp_path / "telemetry"
    folder.mkdir()
    environment = {
        "LD_PRELOAD": str(shim),
        "POWERCUT_ROOT": str(folder),
        "POWERCUT_SHADOW": str(shadow),
    }
    acknowledged = []
    for life, seconds in enumerate((0.3, 0.7)):
        acknowledged += run_and_kill(folder, life * 100_000, seconds, environment)
        after = tmp_path / f"after-{life}"
        durable(shadow, str(folder.stat().st_ino), after)
        settle(after)
        assert_each_once(after, acknowledged)
    assert len(acknowledged) > 20


def test_the_journal_is_trimmed_only_after_files_log_and_folders_were_synced(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("THE ORDER OF SYNCS IS NOT TESTED: no strace on this machine (apt: strace)")
    trace, folder = tmp_path / "trace", tmp_path / "telemetry"
    calls = "fsync,fdatasync,pwrite64,link,linkat,rename,renameat,renameat2"
    strace = ["strace", "-f", "-y", "-qq", "-s", "0", "-o", str(trace), "-e", f"trace={calls}"]
    appender = [sys.executable, str(HERE / "append_forever.py"), str(folder), "0", "60"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*strace, *appender], check=True, env=environment, stdout=subprocess.DEVNULL)
    rounds = 0
    unsynced: set[Path] = set()
    flushing: set[str] = set()
    for line in trace.read_text().splitlines():
        thread, _, call = line.partition(" ")
        committed = re.search(r'(?:link|rename).*"(/[^"]*/_delta_log/\d+\.json)"', call)
        synced = re.search(r"f(?:data)?sync\(\d+<([^>]+)>", call)
        if committed:
            unsynced |= made_by(Path(committed[1]))
        elif synced:
            flushing |= {thread} if synced[1].endswith(".parquet") else set()
            unsynced.discard(Path(synced[1]))
        elif "journal.db-wal" in call and thread in flushing:
            assert not unsynced, line
            rounds += 1
    assert rounds > 3


def made_by(entry):
    """Return what a commit to a table made: its entry, its files, the folders that name them."""
    adds = [action["add"]["path"] for action in actions(entry) if "add" in action]
    files = {entry.parents[1] / path for path in adds}
    return {entry, entry.parent, *files, *(file.parent for file in files)}
