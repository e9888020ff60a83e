"""What becomes of an answer: under which id it is stored, and what is told of who asked."""

from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from diagnose.config import load
from diagnose.incident.bundle import Bundle
from diagnose.question import Question, stored
from diagnose.schema import READINGS, Diagnosis
from diagnose.store import opened

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUNDLE = Bundle(
    id="Slow f00",
    source="prometheus",
    alert_time=NOON,
    as_of=NOON,
    step_seconds=15.0,
    readings=pl.DataFrame(schema=READINGS).lazy(),
)
QUESTIONS = {
    "bundle": Question(bundle=Path("incident")),
    "alert": Question(alert="Slow"),
    "at": Question(at=NOON, entity="web1"),
}


@pytest.fixture
def settings(tmp_path):
    return load(None, {"store": {"url": f"sqlite:///{tmp_path}/state.db"}})


@pytest.mark.parametrize("asked", QUESTIONS)
def test_an_incident_says_what_was_asked(settings, asked):
    found = stored(Diagnosis("x"), BUNDLE, QUESTIONS[asked], settings)
    with opened(settings.store) as store:
        (incident,) = store.incidents()
    assert (incident.id, incident.source) == (found.incident, asked)


def test_however_it_is_asked_for_it_is_one_incident_and_its_id_stays(settings):
    ids = {
        stored(Diagnosis("x"), BUNDLE, question, settings).incident
        for question in QUESTIONS.values()
    }
    told = f"bundle\0prometheus\0Slow f00\0{NOON.isoformat()}"
    assert ids == {f"inc-{sha256(told.encode()).hexdigest()[:6]}"}
    with opened(settings.store) as store:
        assert len(store.incidents()) == 1
