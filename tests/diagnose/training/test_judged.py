from datetime import UTC, datetime

import pytest

from diagnose.records import Feedback, Repair
from diagnose.schema import Diagnosis, Node, RootCause
from diagnose.training.judged import judgements_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
SYMPTOM = Node("shop", "http_request_duration_seconds")
DISK = Node("db-1", "node_disk_io_time_seconds_total")


def answered(cause=DISK, symptom=SYMPTOM):
    causes = (RootCause(cause.entity, cause.signal, 0.6),)
    return Diagnosis("inc-1", symptom, causes, other_probability=0.4)


def said(verdict, entity=None, signal=None):
    return [Feedback("inc-1", verdict, entity, signal, "do as I say", "me")]


def about(judgements):
    return [(j.about, j.cause.name, j.effect.name, j.verdict) for j in judgements]


def test_a_right_answer_accepts_its_cause():
    found = about(judgements_of(answered(), said("right"), ()))
    assert found == [("cause", "disk utilization", "response latency", "accepted")]


def test_a_wrong_answer_rejects_it_and_accepts_what_was_named_instead():
    told = said("wrong", "web", "node_memory_MemAvailable_bytes")
    found = about(judgements_of(answered(), told, ()))
    assert found == [
        ("cause", "disk utilization", "response latency", "rejected"),
        ("cause", "memory available", "response latency", "accepted"),
    ]


@pytest.mark.parametrize(
    ("outcome", "verdicts"), [("worked", ["accepted"]), ("failed", ["rejected"]), ("unclear", [])]
)
def test_a_repair_says_whether_what_was_repaired_lay_behind_it(outcome, verdicts):
    found = about(judgements_of(answered(), (), [Repair("db-1", AT, outcome)]))
    assert [verdict for *_, verdict in found] == verdicts
    assert not list(judgements_of(answered(), (), [Repair("elsewhere", AT, outcome)]))


@pytest.mark.parametrize(
    "diagnosis",
    [
        Diagnosis("inc-1", SYMPTOM),
        answered(cause=Node("db-1", "frobnications")),
        answered(cause=SYMPTOM),
        answered(symptom=None),
    ],
)
def test_what_has_no_cause_of_a_known_kind_teaches_nothing(diagnosis):
    assert not list(judgements_of(diagnosis, said("right"), ()))
    assert not list(judgements_of(answered(), said("unsure"), ()))


def test_no_note_and_no_name_gets_through():
    (one,) = judgements_of(answered(), said("right"), ())
    assert "db-1" not in one.line()
    assert "say" not in one.line()
