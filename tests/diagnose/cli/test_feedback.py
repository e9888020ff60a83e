"""``aitia incidents feedback`` and ``judgements``: what operators say of answers."""

import json

import pytest

from diagnose.schema import Node
from models.policy.judgements import read_judgements


@pytest.fixture
def incident(run, scripted, bundle):
    scripted(cause=Node("db-1", "disk.io_time"), symptom=Node("shop", "latency"))
    return json.loads(run("explain", bundle, "-o", "json")[1])["incident"]


def test_what_is_said_comes_out_as_judgements(run, incident, tmp_path):
    file = tmp_path / "judged.jsonl"
    assert run("incidents", "judgements", file) == (0, "0 judgements\n", "")
    status, said, _ = run("incidents", "feedback", incident, "right", "--author", "me")
    assert (status, said) == (0, f"recorded for {incident}: right\n")
    assert run("incidents", "repaired", incident, "--outcome", "failed")[0] == 0
    assert run("incidents", "judgements", file)[1] == "2 judgements\n"
    found = [(j.about, j.verdict, j.incident) for j in read_judgements(file)]
    assert found == [("cause", "accepted", incident), ("repair", "rejected", incident)]


def test_an_unknown_incident_and_half_a_place_are_refused(run, incident):
    status, _, said = run("incidents", "feedback", "inc-none", "right")
    assert status
    assert "no incident inc-none" in said
    assert run("incidents", "feedback", incident, "wrong", "--signal", "x")[0] == 2


def test_a_file_that_cannot_be_written_is_named(run, incident, tmp_path):
    status, _, said = run("incidents", "judgements", tmp_path / "none" / "file")
    assert status
    assert "cannot be written" in said
