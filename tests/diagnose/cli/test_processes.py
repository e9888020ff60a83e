"""The commands as processes: quick, on a base install, on a terminal and in a pipe."""

import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.extras import installing

ROOT = Path(__file__).parents[3]
EXTRA = [
    *("alembic", "dowhy", "drain3", "gguf", "httpx", "networkx", "numpy", "pandas", "psycopg"),
    *("safetensors", "scipy", "sqlalchemy", "torch", "transformers"),
]


def elsewhere(*arguments, code="from diagnose.cli import main; main()", **options):
    """Run a command line in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, **options)


def test_help_comes_at_once():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert elsewhere("--help").returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5
    code = "from diagnose.cli import main; import sys; print(*sys.modules)"
    loaded = set(elsewhere(code=code).stdout.split())
    assert "typer" in loaded
    assert not loaded & {*EXTRA, "polars", "pydantic", "rich", "yaml"}


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["config", "check"], ["config", "show", "-o", "json"], ["runbooks", "list"]],
)
def test_an_answer_that_a_full_disk_does_not_take_is_an_error_in_one_line(arguments):
    command = [sys.executable, "-m", "diagnose", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        told = "aitia: error: the answer cannot be written: No space left on device"
        assert (done.returncode, done.stderr) == (2, f"{told} (make room, or send it elsewhere)\n")
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == 2


@pytest.mark.parametrize("arguments", [["config", "show"], ["runbooks", "list", "-o", "json"]])
def test_who_reads_no_further_is_told_nothing(arguments):
    command = [sys.executable, "-m", "diagnose", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""


def test_who_interrupts_while_it_starts_sees_no_traceback(tmp_path):
    slow = tmp_path / "typer.py"
    slow.write_text("import time; print('loading', flush=True); time.sleep(60)")
    command = [sys.executable, "-m", "diagnose", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
    assert process.returncode == 130


BASE_ONLY = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRA}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from diagnose.cli import main
main()
"""


def test_the_light_commands_need_the_base_install_only(bundle):
    for arguments in (
        ["--help"],
        ["config", "check"],
        ["config", "show"],
        ["bundle", "check", bundle],
    ):
        done = elsewhere(*arguments, code=BASE_ONLY)
        assert (done.returncode, done.stderr) == (0, "")
    for arguments in (["explain", bundle], ["incidents", "list"], ["backtest", bundle.parent]):
        done = elsewhere(*arguments, code=BASE_ONLY)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("aitia: error: this command needs ")
        assert done.stderr.endswith(f"({installing('diagnose')})\n")


def test_a_terminal_gets_colours_and_is_not_acted_upon(bundle):
    """On a real terminal, the only control sequences are ours: colours and weight."""
    facts = json.loads((bundle / "incident.json").read_text())
    hostile = {"entity": "shop\x1b[2J", "signal": "latency"}
    (bundle / "incident.json").write_text(
        json.dumps(
            facts
            | {"id": "\x1b[2Jx", "step_seconds": -1, "symptom": hostile, "topology": "\x1b]0;x\x07"}
        )
    )
    ours, theirs = pty.openpty()
    code = "from diagnose.cli import main; main()"
    command = [sys.executable, "-c", code, "bundle", "check", bundle]
    environment = os.environ | {"TERM": "xterm-256color"}
    done = subprocess.run(
        command, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment, check=False
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert done.returncode == 1
    assert "step_seconds" in shown
    assert not re.findall(r"\x1b(?!\[[0-9;]*m)", shown)


def test_a_reader_that_leaves_early_is_no_error(bundle):
    command = f"{sys.executable} -m diagnose bundle check {bundle} | true"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stderr == ""


def test_a_screen_without_a_middle_dot_gets_an_answer(bundle):
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    facts = json.loads((bundle / "incident.json").read_text())
    (bundle / "incident.json").write_text(json.dumps(facts | {"symptom": "µ · é"}))
    done = elsewhere("bundle", "check", bundle, env=environment)
    assert done.returncode == 1
    assert "symptom" in done.stdout
