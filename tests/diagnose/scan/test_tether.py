"""Processes that end with the one that started them, even when that one is killed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from diagnose.scan.shards import Screened
from diagnose.scan.tether import tethered
from tests.programs import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: only Linux ends them")

COMMAND = """
import subprocess, sys
from diagnose.scan.tether import tethered
say = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1], str(os.getpid())).touch()"
command = [sys.executable, "-c", say + "; time.sleep(600)", sys.argv[1]]
subprocess.Popen(tethered(command)).wait()
"""
WORKERS = """
import sys
from functools import partial
from pathlib import Path
from diagnose.scan.engines import LocalEngine
from tests.diagnose.scan.test_engines import SHARDS
from tests.diagnose.scan.test_tether import sleeping

if __name__ == "__main__":
    list(LocalEngine(2).run(partial(sleeping, Path(sys.argv[1])), SHARDS))
"""
EXPLAINER = """
import sys
from functools import partial
from pathlib import Path
from diagnose.scan.aside import Aside
from tests.diagnose.scan.test_aside import finding
from tests.diagnose.scan.test_tether import sleepers

if __name__ == "__main__":
    with Aside(partial(sleepers, Path(sys.argv[1]))) as aside:
        aside.explained(finding("web1"), None)
"""


def sleeping(folder, shard):
    """Note which process works, and work for longer than the test lasts."""
    (folder / str(os.getpid())).touch()
    time.sleep(600)
    return Screened(shard.number, ())


def sleepers(folder):
    sleeping(folder, None)


def runs(pid):
    """Return whether a process runs; one that has ended may wait for who reads its status."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("code", "started"),
    [(COMMAND, 1), (WORKERS, 2), (EXPLAINER, 1)],
    ids=["command", "workers", "explainer"],
)
def test_after_a_kill_nothing_runs_on(tmp_path, code, started):
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as parent:
        try:
            wait_until(lambda: len(list(tmp_path.iterdir())) == started, 60, "it works")
            working = [int(file.name) for file in tmp_path.iterdir()]
            assert all(map(runs, working))
        finally:
            parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(runs, working)), 10, "all have ended")


def test_a_command_without_its_parent_is_not_even_begun(tmp_path):
    command = [*tethered(["touch", str(tmp_path / "begun")])]
    command[3] = "1"
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert not list(tmp_path.iterdir())


def test_a_command_keeps_its_output_and_its_status():
    done = subprocess.run(
        tethered([sys.executable, "-c", "print('said'); raise SystemExit(7)"]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("said\n", "", 7)
