"""Where shards are worked on, when workers die."""

import os
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import typer

from diagnose.cli.scan import chosen_engine
from diagnose.scan.engines import TRIES, LocalEngine
from diagnose.scan.shards import Screened, Shard
from diagnose.schema import Failure

SHARDS = [Shard(number, (f"web{number}",), (1, 2)) for number in range(3)]


def dying(folder: Path, deaths: int, shard: Shard) -> Screened:
    """Kill this worker over the second shard, some times; also tell how many threads it may use."""
    tries = len(list(folder.glob(f"{shard.number}-*")))
    (folder / f"{shard.number}-{tries}").touch()
    if shard.number == 1 and tries < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return Screened(shard.number, (), (os.environ["POLARS_MAX_THREADS"],))


def test_a_shard_whose_worker_is_lost_is_done_by_another(tmp_path):
    before = dict(os.environ)
    done = list(LocalEngine(1).run(partial(dying, tmp_path, 1), SHARDS))
    assert sorted(one.shard for one in done) == [0, 1, 2]
    assert {one.unseen for one in done} == {("1",)}
    assert dict(os.environ) == before


def test_a_shard_that_kills_every_worker_is_told(tmp_path):
    with pytest.raises(Failure, match=f"{TRIES} workers were lost over the hosts web1 to web1"):
        list(LocalEngine(1).run(partial(dying, tmp_path, 99), [SHARDS[1]]))


def test_ray_that_is_not_installed_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "diagnose.scan.ray_engine", raising=False)
    with pytest.raises(Failure, match=r"needs ray, which is not installed .*'\.\[ray\]'"):
        chosen_engine("ray", None)


def test_a_ray_cluster_has_workers_of_its_own():
    with pytest.raises(typer.BadParameter, match="--workers"):
        chosen_engine("ray", 2)
