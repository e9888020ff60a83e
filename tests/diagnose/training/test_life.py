"""The normal life of hosts, from the telemetry that is kept to what a scan says."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest

from diagnose.config import Settings, StoreSection, TelemetrySection
from diagnose.failure import Failure
from diagnose.fleet import WHOLE
from diagnose.scan.checkpoint import Checkpoint
from diagnose.scan.flow import scan
from diagnose.scan.kept import Kept
from diagnose.scan.life import Life, learned_life
from diagnose.scan.screening import Look, screen
from diagnose.scan.shards import Shard
from diagnose.schema import READINGS
from diagnose.training.life import train
from tests.diagnose.scan.conftest import Here, keep

LEARNED = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOURS, LATER = 37, 6
AT = ("--at", (LEARNED + timedelta(hours=LATER)).isoformat())
ODD = "web2"
HOSTS = [f"web{i}" for i in range(4)]
SIGNALS = ("cpu_utilization", "http_requests", "request_latency_seconds", "queue_depth", "threads")
WEIGHTS = np.array([0.1, 40.0, 0.02, 2.0, 5.0])
BROKEN = SIGNALS.index("queue_depth")


def shown(host, minutes, broken):
    """Return what a host showed a minute, of shape (minutes, signals), from ``broken`` on odd."""
    rng = np.random.default_rng(sum(map(ord, host)))
    instants = np.arange(minutes)
    load = 3 + np.sin(instants / 200) + np.cumsum(0.05 * rng.normal(size=minutes)) * 0.2
    values = (load[:, None] + 0.1 * rng.normal(size=(minutes, len(SIGNALS)))) * WEIGHTS
    if host == ODD:
        values[broken:, BROKEN] += 12 * WEIGHTS[BROKEN]
    return values


def readings(hosts=HOSTS):
    """Return the readings of hosts, of which one has become odd after what is learned."""
    minutes = 60 * (HOURS + LATER)
    begin = LEARNED - timedelta(hours=HOURS)
    times = [begin + timedelta(minutes=i + 1) for i in range(minutes)]
    frames = []
    for host in hosts:
        values = shown(host, minutes, 60 * (HOURS + 1))
        frames += [
            pl.DataFrame(
                {"time": times, "entity": host, "signal": name, "value": values[:, i]}, READINGS
            )
            for i, name in enumerate(SIGNALS)
        ]
    return pl.concat(frames)


def aitia(folder, state, *words):
    """Run a command in a process of its own; return its status, what it printed and complained."""
    environment = os.environ | {
        "AITIA_TELEMETRY__DIR": str(folder),
        "AITIA_STORE__URL": f"sqlite:///{state}",
        "AITIA_MODEL__PROPOSER": "none",
    }
    command = [sys.executable, "-m", "diagnose", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Return the folder of a fleet's telemetry, and the card of what was learned of its past."""
    folder = tmp_path_factory.mktemp("life") / "telemetry"
    told = readings()
    calm = pl.col("time") <= LEARNED
    keep(folder, told.filter(calm))
    status, card, errors = aitia(folder, folder / "state.db", "train", "life", "-o", "json")
    assert status == 0, errors
    keep(folder, told.filter(~calm))
    return folder, json.loads(card)


def test_a_card_says_what_was_learned_of_whom(learned):
    folder, card = learned
    (group,) = card["groups"]
    assert (group["hosts"], group["signals"], group["for_example"]) == (4, 5, "web0")
    assert group["held_out"] == "the last part of the time"
    error = group["mean_absolute_error"]
    assert error[group["foreteller"]] > 0
    gained = group["encoder_gains"]["low"] > 0
    assert group["foreteller"] == ("encoder" if gained else "components")
    assert card["left_out"] == {}
    assert json.loads((folder / "life" / "run.json").read_text()) == card


def test_a_shift_that_has_lasted_for_hours_is_told_by_who_knows_the_host(learned, tmp_path):
    folder, _ = learned
    status, printed, errors = aitia(folder, tmp_path / "state.db", "scan", *AT, "-o", "json")
    assert status == 1, errors
    (report,) = json.loads(printed)
    (found,) = report["findings"]
    (expected,) = found["expected"]
    told = expected["prediction"]
    assert (told["entity"], told["failure"]) == (ODD, "service-degradation")
    assert (told["calibration"], told["source"]) == ("uncalibrated", "life")
    assert told["evidence"][0] == {"entity": ODD, "signal": "queue_depth"}
    assert "4 of 4 like hosts" in told["card"]
    assert "nominal" in told["card"]
    assert told["since"] is None  # longer ago than a scan reads
    assert found["symptom"] == {"entity": ODD, "signal": "queue_depth"}
    assert found["missing"]  # the graph stage was asked, and says what it did not see


def screened(folder, moment=LEARNED + timedelta(hours=LATER)):
    """Screen all hosts in this process."""
    source = Kept(str(folder / "tables"))
    (shard,) = source.census(moment).shards(HOSTS)
    life = learned_life(folder / "life" / "life.safetensors")
    return screen(Look(source, moment, moment, 0.001, 0.02, life), shard)


@pytest.fixture
def elsewhere(learned, tmp_path):
    """Return a folder with the same telemetry, of which nothing was learned."""
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "tables").symlink_to(learned[0] / "tables")
    return tmp_path / "other"


def test_without_what_was_learned_the_same_hosts_are_calm(elsewhere):
    found = screened(elsewhere)
    assert (found.findings, found.changed) == ((), ())


@pytest.mark.parametrize("minutes", [16, 24])
def test_what_began_lately_has_a_beginning(learned, minutes):
    broken = LEARNED + timedelta(hours=1)
    found = screened(learned[0], broken + timedelta(minutes=minutes))
    (odd,) = found.findings
    assert odd.host == ODD
    assert odd.since is not None
    assert abs(odd.since - broken) <= timedelta(minutes=4)


def test_what_has_lasted_is_dated_by_the_scans_before(learned, tmp_path, monkeypatch):
    monkeypatch.setattr("diagnose.scan.flow.EXPLAINED", 0)
    settings = Settings(
        store=StoreSection(url=f"sqlite:///{tmp_path / 'state.db'}"),
        telemetry=TelemetrySection(dir=learned[0]),
    )
    source = Kept(settings.telemetry.root)
    told = []
    for minutes in (80, 130, 185, 250):
        moment = LEARNED + timedelta(minutes=minutes)
        nobody = partial(pytest.fail, "nobody is explained")
        report = scan(settings, WHOLE, WHOLE.groups[0], Here(), source, nobody, moment)
        (found,) = report.findings
        assert found.expected[0].prediction.since == found.since
        told.append(found.since)
    began = LEARNED + timedelta(hours=1)
    assert [since and abs(since - began) < timedelta(minutes=4) for since in told] == [
        *(True, True, True),
        None,  # more than an hour after the scan before
    ]


def test_what_the_detector_finds_itself_is_not_announced_as_well(learned):
    (found,) = screened(learned[0], LEARNED + timedelta(hours=1, minutes=12)).findings
    assert (found.host, found.expected) == (ODD, ())
    assert found.surprise >= 3


def test_a_level_that_rises_is_one_prediction_whoever_sees_it(learned, tmp_path):
    told = readings().filter(pl.col("time") > LEARNED + timedelta(hours=4))
    rising = (pl.col("entity") == ODD) & (pl.col("signal") == "queue_depth")
    hours = (pl.col("time") - LEARNED).dt.total_minutes() / 60
    level = 10 + 50 * (hours - LATER + 1).clip(0)
    keep(tmp_path, told.with_columns(value=pl.when(rising).then(level).otherwise("value")))
    (alone,) = screened(tmp_path).findings
    assert [one.prediction.source for one in alone.expected] == ["trend"]
    shutil.copytree(learned[0] / "life", tmp_path / "life")
    (found,) = screened(tmp_path).findings
    assert found.expected == alone.expected
    assert found.symptom == found.expected[0].prediction.evidence[0]
    assert found.surprise >= 3


def test_hosts_with_other_signals_are_not_judged_and_that_is_said(learned, tmp_path):
    renamed = pl.col("signal").replace({"threads": "workers", "cpu_utilization": "busy"})
    told = readings().filter(pl.col("time") > LEARNED + timedelta(hours=4))
    is_other = pl.col("entity") == "web1"
    keep(
        tmp_path,
        told.with_columns(pl.when(is_other).then(renamed).otherwise("signal").alias("signal")),
    )
    shutil.copytree(learned[0] / "life", tmp_path / "life")
    found = screened(tmp_path)
    assert found.changed == ("web1",)
    assert [one.host for one in found.findings] == [ODD]


def test_a_damaged_file_is_named(learned, elsewhere):
    file = elsewhere / "life" / "life.safetensors"
    file.parent.mkdir()
    whole = (learned[0] / "life" / "life.safetensors").read_bytes()
    for broken in (
        whole[:-100],
        whole[:3],
        b"",
        b"{}" * 40,
        whole.replace(b"queue_depth", b'"' * 11),
    ):
        file.write_bytes(broken)
        with pytest.raises(Failure, match=re.escape(str(file))):
            screened(elsewhere)


def test_a_scan_is_not_carried_on_with_another_life(learned, tmp_path):
    life = learned_life(learned[0] / "life" / "life.safetensors")
    assert life
    other = Life(life.file, "of an earlier day")
    with pytest.raises(Failure, match="is not what it was"):
        other.predictor(0.1)
    with Checkpoint.opened(StoreSection(url=f"sqlite:///{tmp_path / 'state.db'}")) as checkpoint:
        shards = [Shard(0, ("web1",), (1, 5))]
        first = checkpoint.begin("all", LEARNED, shards, "kept", life.digest)
        assert checkpoint.begin("all", LEARNED, shards, "kept", life.digest).id == first.id
        assert checkpoint.begin("all", LEARNED, shards, "kept").id != first.id


def test_too_little_history_is_told_with_what_there_is_and_what_is_needed(tmp_path):
    keep(tmp_path, readings(HOSTS[:1]).filter(pl.col("time") > LEARNED))
    out = tmp_path / "life" / "life.safetensors"
    with pytest.raises(Failure, match="36 hours") as caught:
        train(Kept(str(tmp_path / "tables")), out, lambda done, of: None)
    assert "web0: it was seen for 6.0 hours" in str(caught.value)
    assert not out.exists()
