"""The agent's unit: valid, and as closed as what it reads allows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.config import fields, load
from tests.programs import needed

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "aitia-collect.service"
HARDWARE = SYSTEMD / "aitia-collect-hardware.conf"
EXAMPLE = SYSTEMD.parent / "collect.example.yaml"
MOST_EXPOSED = 20  # tenths


UNSUPPORTED = 77
# PR_SET_MDWE, which does to a process what MemoryDenyWriteExecute= does to a unit.
WITHOUT_WRITABLE_CODE = f"""
import ctypes, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):
    sys.exit({UNSUPPORTED})
sys.argv = ["aitia", "collect", "--once"]
from diagnose.cli import main
main()
"""


@pytest.fixture
def unit(tmp_path):
    """The unit, with a program that this machine has."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/aitia", sys.executable))
    return copy


def analyze(*arguments):
    command = [needed("systemd-analyze", "systemd"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def test_it_is_valid_with_and_without_its_drop_in(unit):
    alone = analyze("verify", unit)
    assert (alone.returncode, alone.stderr) == (0, "")
    folder = unit.with_name(f"{unit.name}.d")
    folder.mkdir()
    (folder / HARDWARE.name).write_text(HARDWARE.read_text())
    both = analyze("verify", unit)
    assert (both.returncode, both.stderr) == (0, "")


def test_it_exposes_little(unit):
    judged = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    assert judged.returncode == 0, judged.stdout[-300:]


def test_it_runs_where_no_code_may_be_written(tmp_path):
    lines = [line for line in UNIT.read_text().splitlines() if line.startswith("Environment=POL")]
    given = dict(line.removeprefix("Environment=").split("=") for line in lines)
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_WRITABLE_CODE],
        env={**os.environ, **given, "AITIA_COLLECT__SPOOL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    if done.returncode == UNSUPPORTED:
        pytest.skip("NOT TESTED: the kernel cannot forbid writable code (Linux 6.3 or later)")
    assert "procfs" in done.stdout, done.stderr


def test_the_example_of_its_settings_is_valid():
    chosen = load(EXAMPLE).collect
    assert chosen.to.url
    assert chosen.files


def test_every_setting_that_it_sets_exists():
    known = {f"AITIA_{key.upper().replace('.', '__')}" for key, _ in fields()}
    lines = UNIT.read_text().splitlines()
    set_here = {line.split("=")[1] for line in lines if line.startswith("Environment=AITIA_")}
    assert set_here
    assert set_here <= known
