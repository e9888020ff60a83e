"""The agent's unit: valid, and as closed as what it reads allows."""

import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.config import fields
from tests.programs import needed

SYSTEMD = Path(__file__).parents[2] / "deploy" / "systemd"
UNIT = SYSTEMD / "aitia-collect.service"
HARDWARE = SYSTEMD / "aitia-collect-hardware.conf"
MOST_EXPOSED = 20  # tenths


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


def test_every_setting_that_it_sets_exists():
    known = {f"AITIA_{key.upper().replace('.', '__')}" for key, _ in fields()}
    lines = UNIT.read_text().splitlines()
    set_here = {line.split("=")[1] for line in lines if line.startswith("Environment=AITIA_")}
    assert set_here
    assert set_here <= known
