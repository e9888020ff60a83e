"""Shards on a real Ray cluster, whose workers die."""

import json
import os
import subprocess
import sys

import pytest

from tests.diagnose.scan.conftest import MOMENT
from tests.diagnose.scan.in_namespace import ray_cluster

COMMAND = (sys.executable, "-m", "diagnose", "scan", "-o", "json", "--engine")
DYING = """
import sys
from functools import partial
from pathlib import Path
from diagnose.failure import Failure
from diagnose.scan.ray_engine import RayEngine
from tests.diagnose.scan.test_engines import SHARDS, dying

folder, deaths = Path(sys.argv[1]), int(sys.argv[2])
try:
    for one in list(RayEngine(2).run(partial(dying, folder, deaths), SHARDS)):
        print("done", one.shard, *one.unseen)
except Failure as failure:
    print(failure.what)
"""
WRONG = """
from diagnose.failure import Failure
from diagnose.scan.ray_engine import RayEngine
from tests.diagnose.scan.test_engines import SHARDS

def work(shard):
    raise Failure("the table is damaged", "look at it")

try:
    list(RayEngine().run(work, SHARDS))
except Failure as failure:
    print(failure)
"""


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster(2) as cluster:
        yield cluster


def environment(telemetry, state):
    return {
        "AITIA_TELEMETRY__DIR": str(telemetry),
        "AITIA_STORE__URL": f"sqlite:///{state}",
        "AITIA_MODEL__PROPOSER": "none",
    }


def lines(done):
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_scan_on_ray_finds_what_one_on_this_machine_finds(cluster, telemetry, tmp_path):
    at = ("--at", MOMENT.isoformat())
    of_ray = environment(telemetry, tmp_path / "ray.db")
    on_ray = cluster.run("env", *map("=".join, of_ray.items()), *COMMAND, "ray", *at)
    assert on_ray.returncode == 1, on_ray.stderr
    here = subprocess.run(
        [*COMMAND, "local", *at],
        env=os.environ | environment(telemetry, tmp_path / "local.db"),
        capture_output=True,
        text=True,
        check=False,
    )
    found, expected = (json.loads(one.stdout)[0] for one in (on_ray, here))
    assert len(found["findings"]) == 4
    for told in (found, expected):
        del told["seconds"]
        told["read"].sort()
        for finding in told["findings"]:
            del finding["incident"]
    assert found == expected


def test_a_worker_that_is_killed_costs_another_try(cluster, tmp_path):
    told = lines(cluster.run(sys.executable, "-c", DYING, str(tmp_path), "1"))
    assert sorted(told) == ["done 0 1", "done 1 1", "done 2 1"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["0-0", "1-0", "1-1", "2-0"]


def test_a_shard_that_kills_every_worker_is_told(cluster, tmp_path):
    (told,) = lines(cluster.run(sys.executable, "-c", DYING, str(tmp_path), "99"))
    assert told == "3 workers were lost over the hosts web1 to web1"
    assert len(list(tmp_path.glob("1-*"))) == 3


def test_what_a_shard_says_is_wrong_is_told(cluster):
    (told,) = lines(cluster.run(sys.executable, "-c", WRONG))
    assert told == "the table is damaged (look at it)"


def test_that_no_cluster_runs_is_told(cluster, telemetry, tmp_path):
    of_ray = environment(telemetry, tmp_path / "ray.db") | {"RAY_ADDRESS": "127.0.0.1:6380"}
    done = cluster.run("env", *map("=".join, of_ray.items()), *COMMAND, "ray")
    assert done.returncode not in (0, 1)
    assert "no Ray cluster answers" in done.stderr
