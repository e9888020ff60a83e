"""Scans as processes: begun when due, announced, ended with the daemon and taken up again."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pydantic import TypeAdapter

from diagnose.daemon.scans import Scans, command_line
from diagnose.daemon.schedule import Timetable
from diagnose.fleet import Group
from diagnose.scan.flow import Report
from diagnose.scan.shards import Finding
from diagnose.schema import Failure
from tests.diagnose.scan.prometheus_site import CALM, FULL, prometheus
from tests.programs import wait_until

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REPORT = Report("db", NOW, 3, (), frozenset({"db1"}), ("db2",))
PRINTED = TypeAdapter(list[Report]).dump_json([REPORT]).decode()


class Fleet:
    """Scans of one group whose command is a line of Python."""

    def __init__(self, folder, code=f"print({PRINTED!r})", announce=None):
        self.now = NOW
        self.file = folder / "scans.json"
        group = Group(name="db", hosts=("db*",), every="1h")
        self.timetable = Timetable([group], self.file, lambda: self.now)
        self.announced: list[Report] = []
        self.ended: list[tuple[str, str]] = []
        self.died: list[str] = []
        self.code = code
        announce = announce or self.announced.append
        self.scans = Scans(self.timetable, self.command, announce, self)

    def command(self, group):
        return sys.executable, "-c", self.code

    def scanned(self, group, outcome, seconds):
        self.ended.append((group, outcome))

    def explanation_died(self, group):
        self.died.append(group)

    def state(self):
        return self.scans.states()[0]

    def until_ended(self, times=1):
        wait_until(lambda: len(self.ended) == times, 20, "a scan has ended")


@pytest.fixture
def fleet(tmp_path):
    fleets = []

    def fleet(*arguments):
        fleets.append(Fleet(tmp_path, *arguments))
        fleets[-1].scans.start()
        return fleets[-1]

    yield fleet
    for one in fleets:
        one.scans.stop()


def test_what_is_due_is_scanned_once_and_announced(fleet):
    one = fleet()
    assert not one.ended
    one.now += timedelta(hours=2)
    one.until_ended()
    assert one.announced == [REPORT]
    assert one.ended == [("db", "done")]
    wait_until(lambda: not one.state().running, 20, "a scan has ended")
    assert one.state().finished == one.now
    assert one.state().due > one.now


@pytest.mark.parametrize("status", [0, 1])
def test_findings_are_no_failure(fleet, status):
    one = fleet(f"print({PRINTED!r}); raise SystemExit({status})")
    assert one.scans.ask("db")
    one.until_ended()
    assert one.announced == [REPORT]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemExit('aitia: error: no telemetry')", "what it printed is no report"),
        ("import sys; print('x', file=sys.stderr); sys.exit(2)", "it ended with 2: x"),
        ("print('[1]')", "what it printed is no report"),
        ("import os; os.kill(os.getpid(), 9)", "it ended with -9"),
    ],
)
def test_a_scan_that_fails_is_told_and_announces_nothing(fleet, caplog, code, why):
    one = fleet(code)
    one.scans.ask("db")
    one.until_ended()
    assert one.ended == [("db", "failed")]
    assert one.announced == []
    assert why in caplog.text
    assert one.state().due > one.now
    wait_until(lambda: one.state().outcome == "failed", 20, "it is told how it ended")
    assert why in one.state().error


def test_what_a_scan_that_fails_has_said_is_in_the_log_and_its_error_beside_it(fleet, caplog):
    one = fleet(
        "import sys, traceback\n"
        "for i in range(500): print('line', i, file=sys.stderr)\n"
        "try: 1 / 0\n"
        "except ZeroDivisionError: traceback.print_exc()\n"
        "print('aitia: error: this is a defect of aitia', file=sys.stderr); sys.exit(2)"
    )
    assert (one.state().outcome, one.state().error) == (None, "")
    one.scans.ask("db")
    wait_until(lambda: one.state().outcome, 20, "it is told how it ended")
    told = one.state()
    assert (told.outcome, told.error) == (
        "failed",
        "it ended with 2: ZeroDivisionError: division by zero",
    )
    assert "Traceback (most recent call last)" in caplog.text
    assert "line 499" in caplog.text
    assert "line 400" not in caplog.text
    one.code = f"print({PRINTED!r})"
    one.scans.ask("db")
    wait_until(lambda: one.state().outcome == "done", 20, "the next one goes well")
    assert one.state().error == ""


def test_an_explanation_that_died_is_told_and_counted_and_the_rest_is_announced(fleet, caplog):
    died = Finding("db1", NOW, defect="ValueError: no axis")
    report = replace(REPORT, findings=(died, Finding("db2", NOW)))
    printed = TypeAdapter(list[Report]).dump_json([report]).decode()
    one = fleet(f"print({printed!r}); raise SystemExit(1)")
    one.scans.ask("db")
    one.until_ended()
    assert (one.ended, one.announced, one.died) == ([("db", "done")], [report], ["db"])
    assert "the explanation of db1 died: ValueError: no axis" in caplog.text


def test_that_people_cannot_be_told_is_told(tmp_path, caplog):
    def refuse(report):
        raise Failure("the state database is locked")

    one = Fleet(tmp_path, f"print({PRINTED!r})", refuse)
    one.scans.start()
    one.scans.ask("db")
    one.until_ended()
    one.scans.stop()
    assert "the state database is locked" in caplog.text


def test_a_scan_that_runs_is_not_begun_again(fleet, tmp_path):
    go = tmp_path / "go"
    one = fleet(
        "import pathlib, time\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.02)\n"
        f"print({PRINTED!r})"
    )
    assert one.scans.ask("db")
    wait_until(lambda: one.state().running, 20, "a scan runs")
    assert not one.scans.ask("db")
    with pytest.raises(KeyError):
        one.scans.ask("web")
    go.touch()
    one.until_ended()
    time.sleep(0.1)
    assert one.ended == [("db", "done")]


def test_a_scan_ends_with_the_daemon_and_goes_on_after_its_start(tmp_path):
    pid = tmp_path / "pid"
    one = Fleet(
        tmp_path,
        f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)",
    )
    one.scans.start()
    one.scans.ask("db")
    wait_until(lambda: pid.exists() and pid.read_text(), 20, "a scan runs")
    begun = time.monotonic()
    one.scans.stop()
    assert time.monotonic() - begun < 5
    assert one.ended == []
    again = Fleet(tmp_path)
    again.scans.start()
    again.until_ended()
    again.scans.stop()
    assert again.announced == [REPORT]


def test_the_command_scans_as_the_daemon_would(tmp_path):
    command = command_line(tmp_path / "fleet.yaml", None, "none", "db")
    assert command[1:5] == ("-m", "diagnose", "scan", "--group")
    assert command[-4:] == ("--proposer", "none", "--fleet", str(tmp_path / "fleet.yaml"))


def test_a_group_is_scanned_from_where_the_fleet_file_says(tmp_path, monkeypatch):
    file = tmp_path / "fleet.yaml"
    file.write_text("groups:\n  db:\n    hosts: ['db*']\n    source: prometheus\n")
    monkeypatch.setenv("AITIA_TELEMETRY__DIR", str(tmp_path / "nothing"))
    monkeypatch.setenv("AITIA_STORE__URL", f"sqlite:///{tmp_path / 'state.db'}")
    one = Fleet(tmp_path)
    command = partial(command_line, file, None, "none")
    scans = Scans(one.timetable, command, one.announced.append, one)
    with prometheus(tmp_path, [FULL, CALM], datetime.now(UTC) - timedelta(seconds=5)) as url:
        monkeypatch.setenv("AITIA_SOURCES__PROMETHEUS__URL", url)
        scans.start()
        scans.ask("db")
        wait_until(lambda: one.ended, 60, "the scan has ended")
        scans.stop()
    assert one.ended == [("db", "done")]
    (report,) = one.announced
    assert report.read == {FULL}
    assert [finding.host for finding in report.findings] == [FULL]
    assert report.findings[0].expected[0].prediction.failure == "disk-full"
