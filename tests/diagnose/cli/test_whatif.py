"""``aitia whatif``: what it prints, how it exits, and what it says of what it cannot answer."""

import json

import numpy as np
import polars as pl
import pytest

from diagnose.incident.bundle import write_bundle
from tests.diagnose.test_intervene import incident
from tests.scripted import DISK, LATENCY


@pytest.fixture
def lived(tmp_path):
    """Return a folder in which the disk makes the latency rise."""
    seen = incident({0: 6.0}, rows=400, recent=20)
    parts = pl.concat([seen.baseline, seen.recent])
    columns = {DISK: "host0 · signal0", LATENCY: "host0 · signal3"}
    rng = np.random.default_rng(1)
    readings = pl.concat(
        pl.DataFrame(
            {
                "time": parts["time"],
                "entity": node.entity,
                "signal": node.signal,
                "value": parts[columns[DISK]] + (0 if node == DISK else rng.normal(size=420)),
            }
        )
        for node in (DISK, LATENCY)
    )
    alert = seen.alert_time
    write_bundle(
        tmp_path / "inc-2",
        {
            "id": "inc-2",
            "source": "test",
            "alert_time": alert.isoformat(),
            "as_of": seen.as_of.isoformat(),
            "symptom": {"entity": "shop", "signal": "latency"},
            "step_seconds": 60,
        },
        readings,
    )
    return tmp_path / "inc-2"


def test_what_follows_is_told_and_exits_with_0(run, scripted, lived):
    status, said, _ = run("whatif", lived, "--set", "db-1/disk.free=1.0")
    assert status == 0
    assert said.startswith("If db-1 · disk.free were held at 1, shop · latency would be ")
    assert "90 % interval" in said
    assert "the symptom would not have occurred" in said
    assert "placebo" in said


def test_as_json_it_is_one_answer(run, scripted, lived):
    status, said, _ = run("whatif", lived, "--set", "db-1/disk.free=1.0", "-o", "json")
    answer = json.loads(said)
    assert status == 0
    assert answer["setting"]["value"] == 1.0
    assert [effect["node"]["signal"] for effect in answer["effects"]] == ["latency"]
    assert len(answer["refutations"]) == 3


def test_a_refusal_says_why_and_what_can_be_asked_and_exits_with_1(run, scripted, lived):
    status, said, _ = run("whatif", lived, "--set", "db-1/disk.free=99")
    assert status == 1
    assert "nobody saw what 99 does" in said
    assert "--set 'db-1/disk.free=" in said


def test_a_goal_is_answered_by_the_smallest_change(run, scripted, lived):
    status, said, _ = run("whatif", lived, "--goal", "shop/latency<=3")
    assert status == 0
    assert said.startswith("The smallest change for shop · latency at most 3: db-1 · disk.free at ")
    status, said, _ = run("whatif", lived, "--goal", "shop/latency<=-90", "-o", "json")
    assert status == 1
    assert json.loads(said)["ways"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "db-1/disk.fre=1"], "did you mean db-1/disk.free?"),
        (["--set", "db-1/disk.free"], "names no value"),
        (["--goal", "shop/latency"], "is no goal"),
        ([], "give one of --set and --goal"),
    ],
)
def test_what_cannot_be_asked_is_an_error(run, scripted, lived, arguments, said):
    status, answer, error = run("whatif", lived, *arguments)
    assert (status, answer) == (2, "")
    assert said in error


def test_an_incident_whose_signals_were_not_kept_asks_for_its_bundle(run, scripted, lived):
    stored = json.loads(run("explain", lived, "-o", "json")[1])["incident"]
    status, _, said = run("whatif", stored, "--set", "db-1/disk.free=1")
    assert status == 2
    assert f"the signals of {stored} were not kept here" in said
    assert "give the folder of its bundle" in said
    assert "no incident inc-404404" in run("whatif", "inc-404404", "--set", "a/b=1")[2]


def test_where_nothing_is_anomalous_there_is_nothing_to_ask(run, scripted, lived):
    scripted(cause=None)
    status, _, said = run("whatif", lived, "--set", "db-1/disk.free=1")
    assert status == 2
    assert "nothing is anomalous" in said
