"""The daemon's unit: valid, and as closed as a GPU allows; of one user with the ingest server."""

import subprocess
import sys
from pathlib import Path

import pytest

from diagnose.config import fields, load
from diagnose.daemon.server import CUT_SECONDS, DRAIN_SECONDS
from tests.programs import needed

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "systemd" / "aitia-daemon.service"
MOST_EXPOSED = 20  # tenths


def analyze(*arguments):
    command = [needed("systemd-analyze", "systemd"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True)


def lines(unit=UNIT):
    """Return what a unit says, the values by key."""
    said: dict[str, list[str]] = {}
    for line in unit.read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            said.setdefault(key, []).append(value)
    return said


@pytest.fixture
def unit(tmp_path):
    """The unit, with a program that this machine has."""
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/bin/aitia", sys.executable))
    return copy


def test_it_is_valid(unit):
    judged = analyze("verify", unit)
    assert (judged.returncode, judged.stderr) == (0, "")


def test_it_exposes_little(unit):
    judged = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    assert judged.returncode == 0, judged.stdout[-300:]


def test_it_has_the_time_to_answer_whom_it_accepted():
    assert float(lines()["TimeoutStopSec"][0]) > DRAIN_SECONDS + 2 * CUT_SECONDS


def test_it_shares_the_user_whose_telemetry_it_reads():
    ingest = lines(DEPLOY / "systemd" / "aitia-ingest.service")
    for key in ("DynamicUser", "User", "StateDirectory", "CacheDirectory"):
        assert lines()[key] == ingest[key]


def test_what_it_sets_exists_and_commands_find_its_socket():
    known = {f"AITIA_{key.upper().replace('.', '__')}" for key, _ in fields()}
    given = dict(word.split("=") for line in lines()["Environment"] for word in line.split())
    assert {name for name in given if name.startswith("AITIA_")} <= known
    chosen = load(DEPLOY / "config.example.yaml").daemon
    assert str(chosen.socket) == given["AITIA_DAEMON__SOCKET"].replace("%t", "/run")
