"""A scan of a small fleet as a whole."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from functools import partial

import pytest

from diagnose.cli.scan import show
from diagnose.compose import compose
from diagnose.fleet import WHOLE, Fleet, Group
from diagnose.scan.flow import scan
from diagnose.scan.kept import Kept
from diagnose.store import opened
from tests.diagnose.foretold import foretold
from tests.diagnose.scan.conftest import FULL, HOSTS, ILL, MOMENT, SILENT, WORN, Here


def scanned(settings, fleet=WHOLE, roles=None, at=MOMENT, expected=()):
    composed = roles or partial(compose, settings)
    source = Kept(settings.telemetry.root)
    return scan(settings, fleet, fleet.groups[0], Here(), source, composed, at, expected=expected)


def by_host(report):
    return {finding.host: finding for finding in report.findings}


def test_a_scan_tells_who_fails_next_who_is_ill_and_what_to_do(settings, capsys):
    report = scanned(settings)
    found = by_host(report)
    assert (report.moment, report.hosts, report.unseen) == (MOMENT, len(HOSTS), ())
    assert set(found) == {FULL, ILL, SILENT, WORN}
    (full,) = found[FULL].expected
    assert (full.prediction.failure, full.prediction.source) == ("disk-full", "trend")
    assert full.prediction.lead_time_seconds == pytest.approx(3730, rel=0.1)
    assert full.guidance
    (silent,) = found[SILENT].expected
    assert (silent.prediction.failure, silent.prediction.source) == ("outage", "silence")
    worn = found[WORN].expected[0].prediction
    assert (worn.entity, worn.failure) == (f"{WORN}/sda", "disk-failure")
    ill = found[ILL]
    assert ill.symptom is not None
    assert ill.incident is not None
    assert ill.causes[0].entity == ILL
    with opened(settings.store) as store:
        diagnosis = store.diagnosis(ill.incident)
        assert diagnosis is not None
        assert diagnosis.root_causes == ill.causes
    stored = {(one.entity, one.failure) for one in foretold(settings.store.url)}
    assert stored == {
        (one.prediction.entity, one.prediction.failure)
        for finding in report.findings
        for one in finding.expected
    }
    show(report)
    table = capsys.readouterr().out
    assert "all: 12 hosts as of 2026-03-01 13:20 UTC" in table
    assert f"in trouble now, by {ILL}" in table
    assert ill.incident in table
    assert "outage" in table
    assert "disk-failure of db2/sda" in table


def test_a_host_belongs_to_one_group_and_one_that_is_named_is_missed(settings):
    databases = Group(name="db", hosts=("db*", "db9"), least_probability=0.9)
    fleet = Fleet(groups=(databases, Group(name="rest", hosts=("*",))))
    report = scanned(settings, fleet)
    assert (report.hosts, report.unseen, report.read) == (3, ("db9",), {FULL, WORN})
    found = by_host(report)
    assert set(found) == {FULL, "db9"}  # a worn disk is less likely to fail than that
    assert found["db9"].expected[0].prediction.failure == "outage"


def test_a_host_that_is_scraped_and_not_kept_is_unseen_and_no_outage(settings):
    fleet = Fleet(groups=(Group(name="web", hosts=("web[0-7]*",)),))
    report = scanned(settings, fleet, expected=["web0", "web77", "db7"])
    assert (report.hosts, report.unseen, report.findings) == (9, ("web77",), ())
    assert "web77" not in report.read


def test_the_first_hosts_of_which_nothing_was_read_are_named(settings, capsys):
    fleet = Fleet(groups=(Group(name="web", hosts=("web[0-7]*",)),))
    show(scanned(settings, fleet, expected=[f"web7{i}" for i in range(5)]))
    told = "nothing was read of 5 hosts in an hour: web70, web71, web72 and 2 more"
    assert told in capsys.readouterr().err


def test_a_scan_of_an_earlier_moment_sees_nothing_later(settings):
    report = scanned(settings, at=MOMENT - timedelta(minutes=14))
    assert report.moment == MOMENT - timedelta(minutes=14)
    assert {ILL, SILENT}.isdisjoint(by_host(report))


@pytest.mark.parametrize(
    ("late", "words"), [(timedelta(minutes=20), "20 min"), (timedelta(hours=23), "23 h")]
)
def test_where_nothing_comes_any_more_all_hosts_are_silent_and_that_is_said_first(
    settings, capsys, late, words
):
    now = MOMENT + late
    report = scanned(settings, at=now)
    assert (report.moment, report.stopped, report.read) == (now, MOMENT, frozenset())
    found = by_host(report)
    assert set(found) == set(HOSTS)
    for host in HOSTS:
        outages = [
            one.prediction for one in found[host].expected if one.prediction.failure == "outage"
        ]
        assert [one.made_at for one in outages] == [now]
        assert outages[0].since <= MOMENT
    (full,) = (one.prediction for one in found[FULL].expected if one.prediction.source == "trend")
    assert full.lead_time_seconds == pytest.approx(max(3730 - late.total_seconds(), 0), abs=400)
    show(report)
    first, *rest = capsys.readouterr().out.strip().splitlines()
    assert first.startswith(f"all: nothing was received since 2026-03-01 13:20 UTC, {words} ago")
    assert not any("in trouble now" in line for line in rest)


@pytest.mark.parametrize("late", [timedelta(seconds=90), timedelta(minutes=6)])
def test_what_takes_a_while_to_come_is_no_silence(settings, late):
    fleet = Fleet(groups=(Group(name="web", hosts=("web[0-7]",)),))
    report = scanned(settings, fleet, at=MOMENT + late)
    assert (report.moment, report.stopped, report.findings) == (MOMENT, None, ())


def test_a_calm_fleet_needs_nobody_who_explains(settings):
    fleet = Fleet(groups=(Group(name="web", hosts=("web[0-7]",)),))
    report = scanned(settings, fleet, roles=lambda: pytest.fail("nobody is in trouble"))
    assert (report.hosts, report.findings) == (8, ())


def broken():
    raise ValueError("no such axis")


def test_an_explanation_that_dies_does_not_end_the_round(settings, capsys):
    report = scanned(settings, roles=broken)
    found = by_host(report)
    assert set(found) == {FULL, ILL, SILENT, WORN}
    assert found[ILL].defect == "ValueError: no such axis"
    assert "It was not explained, by a defect of Aitia" in found[ILL].missing[-1]
    assert found[ILL].symptom is not None
    show(report)
    assert f"the explanation of {ILL} died: ValueError: no such axis" in capsys.readouterr().err


class Hollow(Kept):
    """Telemetry of which two hosts meet a defect of ours."""

    def panel(self, shard, span, recent):
        ill = {FULL, "web3"}.intersection(shard.hosts)
        if ill:
            raise ZeroDivisionError(f"no scale of {min(ill)}\x1b[2J")
        return super().panel(shard, span, recent)


def test_a_host_that_meets_a_defect_is_told_and_all_others_are_looked_at(settings, capsys, caplog):
    caplog.set_level("DEBUG")
    source, roles = Hollow(settings.telemetry.root), partial(compose, settings)
    group = WHOLE.groups[0]
    report = scan(settings, WHOLE, group, Here(), source, roles, MOMENT)
    found = by_host(report)
    assert set(found) == {FULL, ILL, SILENT, WORN, "web3"}
    assert (report.failed, report.unseen) == ((FULL, "web3"), ())
    assert report.read == frozenset(HOSTS) - {FULL, "web3"}
    defect = found["web3"].defect
    assert defect.startswith("ZeroDivisionError: no scale of web3 (test_flow.py:")
    assert found[ILL].causes
    assert "Traceback" in caplog.text
    assert {record.levelname for record in caplog.records if record.exc_info} == {"DEBUG"}
    show(report)
    out, err = capsys.readouterr()
    assert "web3" in out
    assert "not looked at, by a defect of aitia" in out
    assert f"the look at web3 died: {defect}" in err


def test_the_command_scans_in_processes_of_its_own(settings, tmp_path):
    environment = os.environ | {
        "AITIA_TELEMETRY__DIR": str(settings.telemetry.dir),
        "AITIA_STORE__URL": settings.store.url,
        "AITIA_MODEL__PROPOSER": "none",
    }
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text("groups:\n  db:\n    hosts: ['db*']\n  web:\n    hosts: ['web*']\n")
    command = [sys.executable, "-m", "diagnose", "scan", "--fleet", str(fleet), "--group", "db"]
    done = subprocess.run(
        [*command, "--workers", "2", "--at", MOMENT.isoformat(), "-o", "json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (report,) = json.loads(done.stdout)
    assert (report["group"], report["hosts"]) == ("db", 2)
    assert [one["host"] for one in report["findings"]] == [FULL, WORN]
