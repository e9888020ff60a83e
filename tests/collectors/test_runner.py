"""Collectors that work, fail, hang or do not apply, run side by side in real threads."""

import threading
from datetime import UTC, datetime

import polars as pl
import pytest
from prometheus_client import CollectorRegistry

from collectors import COLLECTORS, NotApplicable, runner
from collectors.changes import Changes
from collectors.files import Files
from collectors.rows import log_frame, readings_at
from collectors.runner import Runner, chosen
from diagnose.config import CollectSection, Settings
from diagnose.failure import Failure

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def frame(rows=1):
    return readings_at(NOW, [("db1", "system.uptime", float(i)) for i in range(rows)])


class Works:
    def collect(self, since):
        yield frame(2)


class Fails:
    def __init__(self, error):
        self.error = error

    def collect(self, since):
        yield frame()
        raise self.error


class Hangs:
    """Gives one row, then nothing until it is let go, then another row."""

    def __init__(self):
        self.answer = threading.Event()
        self.runs = 0

    def collect(self, since):
        self.runs += 1
        yield frame()
        self.answer.wait()
        yield frame()


class Follows:
    """A source of numbered records, read on from its cursor."""

    def __init__(self, records):
        self.records = records
        self.cursor = ""

    def collect(self, since):
        for i in range(int(self.cursor or 0), self.records, 100):
            self.cursor = str(i + 100)
            yield log_frame([(NOW, "db1", "INFO", str(i + j), "{}") for j in range(100)])


def run(collectors, timeout=5.0, registry=None):
    return Runner(collectors, timeout, registry or CollectorRegistry(), "db1")


def reports(done):
    return {report.name: report for report in done.reports}


def test_one_that_fails_is_told_with_its_reason_and_stops_nobody():
    broken = Fails(OSError(5, "Input/output error"))
    done = run({"broken": broken, "works": Works()}).run(NOW)
    told = reports(done)
    assert (told["broken"].outcome, told["works"].outcome) == ("failed", "read")
    assert "Input/output error" in told["broken"].reason
    assert told["broken"].rows["readings"] == 1  # what it gave before counts
    assert sum(f.height for f in done.frames if "value" in f.columns) == 3


def test_what_is_missing_is_recorded_once_and_so_is_its_return():
    class Flickers:
        broken = True

        def collect(self, since):
            if self.broken:
                raise OSError("bus error")
            yield frame()

    collector = Flickers()
    rounds = run({"smart": collector})

    def recorded():
        return [f["body"][0] for f in rounds.run(NOW).frames if "body" in f.columns]

    assert recorded() == ["collector smart failed: bus error"]
    assert recorded() == []
    collector.broken = False
    assert recorded() == ["collector smart is read again"]
    assert recorded() == []


@pytest.mark.parametrize("error", [ValueError("no number"), KeyError("MemTotal"), Failure("no")])
def test_what_a_source_does_wrong_is_no_defect(error):
    assert reports(run({"one": Fails(error)}).run(NOW))["one"].outcome == "failed"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_stops_nobody_and_is_called_one():
    told = reports(run({"bad": Fails(TypeError("oops")), "works": Works()}).run(NOW))
    assert "defect" in told["bad"].reason
    assert told["works"].outcome == "read"


def test_one_that_hangs_is_left_alone_until_it_answers():
    hangs = Hangs()
    rounds = run({"disk": hangs, "works": Works()}, timeout=1.0)
    told = [reports(rounds.run(NOW)) for _ in range(3)]
    assert {report["works"].outcome for report in told} == {"read"}
    # A thread that started late has answered lately in the first round, and in no later one.
    assert [report["disk"].outcome for report in told[1:]] == ["hung", "hung"]
    assert sum(report["disk"].rows["readings"] for report in told) == 1
    assert hangs.runs == 1
    hangs.answer.set()
    rounds.timeout_seconds = 5.0
    third = reports(rounds.run(NOW))["disk"]
    assert (third.outcome, third.rows["readings"]) == ("read", 1)  # nothing it gave was lost
    rounds.run(NOW)
    assert hangs.runs == 2


def test_one_that_goes_on_giving_is_not_called_hung():
    enough = threading.Event()

    class Slow:
        def collect(self, since):
            yield frame()
            while not enough.wait(0.05):
                yield frame()

    registry = CollectorRegistry()
    rounds = run({"smart": Slow()}, 1.5, registry)
    first = reports(rounds.run(NOW))["smart"]
    enough.set()
    second = reports(rounds.run(NOW))["smart"]
    assert (first.outcome, second.outcome) == ("reading", "read")
    labels = {"collector": "smart", "table": "readings"}
    counted = registry.get_sample_value("aitia_collector_records_total", labels)
    assert counted == first.rows["readings"] + second.rows["readings"]


def test_what_does_not_apply_is_skipped():
    told = reports(run({"gpu": Absent()}).run(NOW))["gpu"]
    assert (told.outcome, told.reason) == ("skipped", "no NVIDIA driver")


class Absent:
    def collect(self, since):
        raise NotApplicable("no NVIDIA driver")
        yield frame()


def test_a_backlog_comes_in_bounded_rounds_each_record_once(monkeypatch):
    monkeypatch.setattr(runner, "MOST_ROWS", 300)
    rounds = run({"log": Follows(1000)})
    bodies: list[str] = []
    for _ in range(4):
        done = rounds.run(NOW)
        assert sum(f.height for f in done.frames) <= 300
        bodies += pl.concat(done.frames)["body"].to_list() if done.frames else []
    assert bodies == [str(i) for i in range(1000)]
    # Another process goes on from the last cursor.
    again = run({"log": Follows(1100)})
    again.resume(done.cursors)
    (rest,) = again.run(NOW).frames
    assert rest["body"].to_list() == [str(i) for i in range(1000, 1100)]


@pytest.mark.parametrize("cursor", ["{", "[]", '{"a": {}}', '{"a": {"offset": 1}}'])
def test_a_cursor_of_another_version_is_left_out(cursor, tmp_path):
    (tmp_path / "app.log").touch()
    rounds = run({"files": Files("db1", [f"{tmp_path}/*.log"]), "changes": Changes("db1")})
    rounds.resume({"files": cursor, "changes": cursor})
    assert reports(rounds.run(NOW))["files"].outcome == "read"


def test_since_is_the_start_of_the_last_run_that_succeeded():
    asked: list[datetime] = []

    class Asks:
        broken = False

        def collect(self, since):
            asked.append(since)
            if self.broken:
                raise OSError("gone")
            yield frame()

    collector = Asks()
    rounds = run({"asks": collector})
    rounds.run(NOW)
    collector.broken = True
    rounds.run(NOW)
    rounds.run(NOW)
    assert asked[0] == NOW
    assert asked[1] == asked[2] > NOW


def test_a_dear_source_waits_for_its_turn():
    class Dear(Works):
        every_seconds = 3600.0

    rounds = run({"smart": Dear()})
    assert [reports(rounds.run(NOW))["smart"].outcome for _ in range(2)] == ["read", "waiting"]


def test_a_frame_of_another_schema_is_refused():
    class Wrong:
        def collect(self, since):
            yield pl.DataFrame({"a": [1]})

    assert "schema" in reports(run({"wrong": Wrong()}).run(NOW))["wrong"].reason


def test_everything_is_counted():
    registry = CollectorRegistry()
    rounds = run({"works": Works(), "broken": Fails(OSError("gone"))}, registry=registry)
    rounds.run(NOW)
    rounds.run(NOW)

    def value(name, **labels):
        return registry.get_sample_value(f"aitia_collector_{name}", labels)

    assert value("records_total", collector="works", table="readings") == 4
    assert value("success", collector="works") == 1
    assert value("success", collector="broken") == 0
    assert value("runs_total", collector="broken", outcome="failed") == 2
    assert value("duration_seconds_count", collector="works") == 2


def test_what_the_settings_leave_out_is_told():
    collectors, left_out = chosen(Settings(collect=CollectSection(skip=("procfs",))))
    assert "procfs" not in collectors
    assert ("procfs", "collect.skip names it") in [(r.name, r.reason) for r in left_out]
    assert {name.partition(" ")[0] for name in collectors} | {r.name for r in left_out} == set(
        COLLECTORS
    )
    with pytest.raises(Failure, match="procfss"):
        chosen(Settings(collect=CollectSection(skip=("procfss",))))
