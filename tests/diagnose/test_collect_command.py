"""``aitia collect --once`` on this machine: every collector has its say."""

import json
import os
import subprocess
import sys

from collectors import COLLECTORS


def collect(*arguments, **environment):
    command = [sys.executable, "-m", "diagnose", "collect", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60)


def test_every_collector_has_an_outcome_and_nothing_is_silent():
    done = collect("--once", "-o", "json")
    reports = json.loads(done.stdout)
    assert {report["name"].partition(" ")[0] for report in reports} == set(COLLECTORS)
    for report in reports:
        assert report["reason"] or report["outcome"] == "read", report
        assert report["seconds"] >= 0
    told = {report["name"]: report for report in reports}
    assert told["procfs"]["rows"]["readings"] > 50
    broken = [report for report in reports if report["outcome"] in ("failed", "hung")]
    assert done.returncode == (1 if broken else 0)


def test_one_that_fails_is_a_finding_with_its_reason(tmp_path):
    done = collect("--once", AITIA_COLLECT__REPLAY=str(tmp_path))
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line.split() for line in done.stdout.splitlines() if line.strip()]
    assert (lines[0][0], lines[0][-1]) == ("collector", "why")
    (replay,) = (line for line in lines if line[0] == "replay")
    assert replay[1] == "failed"
    assert "no incident bundle" in " ".join(replay)


def test_a_collector_that_is_not_wanted_and_one_that_does_not_exist():
    told = json.loads(collect("--once", "-o", "json", AITIA_COLLECT__SKIP='["smart"]').stdout)
    assert ("smart", "collect.skip names it") in [(r["name"], r["reason"]) for r in told]
    wrong = collect("--once", AITIA_COLLECT__SKIP='["smartt"]')
    assert wrong.returncode == 2
    assert "smartt" in wrong.stderr


def test_the_agent_wants_to_know_where_to_send():
    done = collect()
    assert done.returncode == 2
    assert "--to URL" in done.stderr
    assert collect("--once", "--to", "http://127.0.0.1:1").returncode == 2
