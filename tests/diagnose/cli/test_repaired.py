"""``aitia incidents repaired``: outcomes that operators record."""

import json
from pathlib import Path

import pytest

from diagnose.store import Store

RECORDED = Path(__file__).parents[2] / "incidents" / "01_redis_killed"


@pytest.fixture
def repairs(tmp_path, monkeypatch):
    """Return what the state database holds of repairs."""
    url = f"sqlite:///{tmp_path}/outcomes.db"
    monkeypatch.setenv("AITIA_STORE__URL", url)

    def repairs():
        store = Store.open(url)
        try:
            return store.repairs()
        finally:
            store.close()

    return repairs


@pytest.fixture
def incident(run, scripted, bundle, repairs):
    return json.loads(run("explain", bundle, "-o", "json")[1])["incident"]


def test_an_outcome_is_recorded_where_the_cause_was_seen(run, incident, repairs):
    status, said, _ = run(
        *("incidents", "repaired", incident, "--runbook", "disk-full#grow"),
        *("--outcome", "worked", "--at", "2026-03-01T04:00:00Z", "--note", "twice the size"),
    )
    assert (status, said) == (0, "recorded for db-1: disk-full#grow worked\n")
    (done,) = repairs()
    assert (done.entity, done.runbook, done.step, done.outcome) == (
        "db-1",
        "disk-full",
        "grow",
        "worked",
    )
    assert (done.incident, f"{done.at:%H:%M}", done.note) == (incident, "04:00", "twice the size")


def test_a_repair_of_what_was_only_predicted_names_its_entity(run, repairs):
    assert run("incidents", "repaired", "--entity", "db-9", "--outcome", "worked")[0] == 0
    (done,) = repairs()
    assert (done.entity, done.runbook, done.incident) == ("db-9", "", None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--runbook", "disk-ful"], "did you mean disk-full?"),
        (["--runbook", "disk-full#burn"], "has no step burn"),
        (["--outcome", "perhaps"], "perhaps"),
    ],
)
def test_what_nobody_knows_is_not_recorded(run, incident, repairs, arguments, said):
    status, _, error = run("incidents", "repaired", incident, *arguments)
    assert status == 2
    assert said in error
    assert repairs() == ()


def test_it_asks_for_an_incident_or_an_entity(run, repairs):
    assert "give ID or --entity" in run("incidents", "repaired")[2]
    status, _, error = run("incidents", "repaired", "inc-404404")
    assert status == 2
    assert "names no cause" in error


def test_what_was_recorded_is_told_when_the_same_guidance_fits_again(run, repairs):
    ask = ("explain", RECORDED, "--proposer", "none")
    status, said, _ = run(*ask)
    assert status == 1
    assert "times here" not in said
    first = json.loads(run(*ask, "-o", "json")[1])
    runbook = first["guidance"][0]["runbook"]
    assert runbook == "redis-down"
    for outcome in ("worked", "failed", "unclear", "worked"):
        done = ("--runbook", f"{runbook}#start", "--outcome", outcome)
        assert run("incidents", "repaired", first["incident"], *done)[0] == 0
    said = run(*ask)[1]
    assert "nothing is done by itself.) Worked 2 of 3 times here." in said
    assert repairs()[0].entity == first["guidance"][0]["entity"]
