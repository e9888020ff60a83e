import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose import database
from diagnose.failure import Failure
from diagnose.records import Feedback, Repair
from diagnose.schema import (
    Anomaly,
    CausalGraph,
    Diagnosis,
    Edge,
    Node,
    Paragraph,
    Prediction,
    RootCause,
    Tried,
)
from diagnose.store import FORMAT, Store, insert_predictions
from diagnose.tables import METADATA, PREDICTIONS
from tests.diagnose.foretold import foretold

ALERT = datetime(2026, 3, 1, 3, 14, 15, 926535, tzinfo=UTC)
AS_OF = ALERT + timedelta(minutes=5)
DISK = Node("db-1", "disk.free")
LATENCY = Node("shop", "latency")


def ticking():
    """Return a clock that is a second later each time it is looked at."""
    times = (AS_OF + timedelta(seconds=i) for i in range(10**9))
    return lambda: next(times)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state.db"
        return
    server = request.getfixturevalue("postgres_url")
    yield server
    with psycopg.connect(server) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


@pytest.fixture
def store(url):
    store = Store.open(url, clock=ticking())
    yield store
    store.close()


def answer(incident):
    return Diagnosis(
        incident=incident,
        symptom=LATENCY,
        root_causes=(RootCause("db-1", "disk.free", 0.75, (DISK, LATENCY), 3.0),),
        other_probability=0.25,
        graph=CausalGraph((DISK, LATENCY), (Edge(DISK, LATENCY, "topology", "topology"),)),
        anomalies=(Anomaly(DISK, ALERT, 9.5),),
        story=(Paragraph("Cause", ("The disk of db-1 is full.",)),),
        alert_time=ALERT,
        as_of=AS_OF,
        duration_seconds={"detect": 0.25},
    )


def test_the_same_alert_is_one_incident(store):
    first = store.incident_for("bundle", "a", ALERT, AS_OF, LATENCY)
    assert store.incident_for("bundle", "a", ALERT, AS_OF + timedelta(hours=1)) == first
    assert store.incident_for("bundle", "b", ALERT, AS_OF) != first
    assert store.incident_for("alertmanager", "a", ALERT, AS_OF) != first
    assert len(store.incidents()) == 3
    incident = store.incident(first)
    assert incident.id == first
    assert (incident.alert_time, incident.as_of, incident.symptom) == (ALERT, AS_OF, LATENCY)
    assert incident.status == "open"


def test_an_id_is_the_same_everywhere_and_can_be_said(store, tmp_path):
    elsewhere = Store.open(f"sqlite:///{tmp_path}/elsewhere.db")
    told = store.incident_for("bundle", "a", ALERT, AS_OF)
    assert elsewhere.incident_for("bundle", "a", ALERT, AS_OF) == told
    assert len(told) == len("inc-7f3a2c")
    elsewhere.close()


def test_an_id_that_is_taken_is_made_longer(tmp_path):
    url = f"sqlite:///{tmp_path}/state.db"
    store = Store.open(url)
    first = store.incident_for("bundle", "a", ALERT, AS_OF)
    with sqlite3.connect(tmp_path / "state.db") as connection:  # as if another digest began so
        connection.execute("UPDATE incidents SET fingerprint = 'other'")
    second = store.incident_for("bundle", "a", ALERT, AS_OF)
    assert second.startswith(first)
    assert len(second) == len(first) + 1
    assert store.incident_for("bundle", "a", ALERT, AS_OF) == second
    store.close()
    connection.close()


def test_the_newest_incident_comes_first(store):
    ids = [store.incident_for("bundle", str(i), ALERT, AS_OF) for i in range(4)]
    assert [incident.id for incident in store.incidents(3)] == ids[:0:-1]


def test_an_answer_comes_back_as_it_was_given(store):
    incident = store.incident_for("bundle", "a", ALERT, AS_OF)
    assert store.diagnosis(incident) is None
    store.save(answer(incident))
    assert store.diagnosis(incident) == answer(incident)
    assert store.incident(incident).status == "answered"
    store.save(Diagnosis(incident))
    assert store.diagnosis(incident) == Diagnosis(incident)
    assert store.incident(incident).status == "abstained"


def test_an_answer_needs_its_incident(store):
    with pytest.raises(Failure, match="no incident inc-000000"):
        store.save(answer("inc-000000"))
    with pytest.raises(Failure, match="no incident inc-000000"):
        store.add_feedback(Feedback("inc-000000", "right"))
    assert store.incident("inc-000000") is None
    assert store.diagnosis("inc-000000") is None


names = st.text(max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
shares = st.floats(0, 1)
zones = st.timezones() | st.just(timezone(timedelta(hours=-3, minutes=30)))
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
nodes = st.builds(Node, names, names)


@st.composite
def diagnoses(draw):
    order = draw(st.lists(nodes, unique=True, max_size=4))
    pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    edges = [
        Edge(a, b, "model", "lag", "supported", draw(shares), draw(st.floats(0, 1e9)))
        for a, b in pairs
        if draw(st.booleans())
    ]
    cause = draw(
        st.none() | st.builds(RootCause, names, names, st.just(0.25), st.just(tuple(order)))
    )
    return {
        "symptom": draw(st.none() | nodes),
        "root_causes": (cause,) if cause else (),
        "other_probability": 0.75 if cause else 1.0,
        "graph": CausalGraph(tuple(order), tuple(edges), trust=draw(shares)),
        "anomalies": tuple(
            draw(st.lists(st.builds(Anomaly, nodes, times, st.floats(0, 1e300), normal=numbers)))
        ),
        "story": (Paragraph(draw(names), tuple(draw(st.lists(names)))),),
        "missing": tuple(draw(st.lists(names, max_size=3))),
        "alert_time": draw(st.none() | times),
        "duration_seconds": draw(st.dictionaries(names, st.floats(0, 1e6), max_size=3)),
    }


@given(parts=diagnoses(), fingerprint=names)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_comes_back_as_it_was_given(store, parts, fingerprint):
    given_ = Diagnosis(store.incident_for("bundle", fingerprint, ALERT, AS_OF), **parts)
    store.save(given_)
    assert store.diagnosis(given_.incident) == given_


@given(entity=names, failure=names, at=st.datetimes(datetime(1990, 1, 1), timezones=zones))  # noqa: DTZ001
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_prediction_is_kept_once_as_it_was_given(url, entity, failure, at):
    prediction = Prediction(entity, failure, 0.5, 3600.0, at, (DISK,))
    engine = database.connect(url)
    with engine.begin() as connection:
        connection.execute(sa.delete(PREDICTIONS))
        for _ in range(2):
            insert_predictions(connection, [prediction])
    engine.dispose()
    assert foretold(url) == (prediction,)


def test_feedback_comes_back_oldest_first(store):
    incident = store.incident_for("bundle", "a", ALERT, AS_OF)
    said = (
        Feedback(incident, "wrong", "db-1", None, "it was\nthe disk \u202e\x1b[31m", "ann"),
        Feedback(incident, "right"),
    )
    for one in said:
        store.add_feedback(one)
    assert store.feedback(incident) == said


def test_the_migrations_make_the_tables_that_the_code_expects(url):
    engine = database.connect(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_newer_tables_are_refused(url):
    engine = database.connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '999'"))
    with pytest.raises(Failure, match="revision 999"):
        Store.open(url)
    engine.dispose()


def test_a_document_of_another_format_is_refused(store, url):
    incident = store.incident_for("bundle", "a", ALERT, AS_OF)
    store.save(answer(incident))
    engine = database.connect(url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE diagnoses SET format = :f"), {"f": FORMAT + 1})
    with pytest.raises(Failure, match="explain the incident again"):
        store.diagnosis(incident)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE diagnoses SET format = 1, document = '{}'"))
    with pytest.raises(Failure, match="damaged"):
        store.diagnosis(incident)
    engine.dispose()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://x/y", "mysql"),
        ("nonsense", "no address"),
        ("sqlite:////proc/none/state.db", "no folder"),
        ("sqlite:///{tmp_path}", "unable to open"),
        ("sqlite:///{tmp_path}/text", "not a database"),
        ("postgresql://u:s3cret@127.0.0.1:1/x", r"u:\*\*\*@127.0.0.1"),
    ],
)
def test_what_cannot_be_opened_is_told(tmp_path, url, told):
    (tmp_path / "text").write_text("This is a text, and no database of any kind. " * 100)
    with pytest.raises(Failure, match=told) as caught:
        Store.open(url.replace("{tmp_path}", str(tmp_path)))
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sqlite_keeps_what_it_confirmed_through_a_power_cut(tmp_path):
    engine = database.connect(f"sqlite:///{tmp_path}/deep/state.db")
    with engine.connect() as connection:
        said = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert said == ["wal", 2, 1, 20_000]


def start(code, url):
    """Return another process that runs ``code`` and can be talked to."""
    return subprocess.Popen(
        [sys.executable, "-c", code, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


OPENER = """
import sys
from diagnose import database

print("ready", flush=True)
input()
database.connect(sys.argv[1])
"""


def test_many_may_open_a_new_database_at_once(url):
    openers = [start(OPENER, url) for _ in range(3)]
    for opener in openers:
        assert opener.stdout is not None
        assert opener.stdout.readline() == "ready\n"
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        opener.communicate()
    assert [opener.returncode for opener in openers] == [0, 0, 0]
    Store.open(url).close()


def test_an_alert_that_is_told_many_times_at_once_is_one_incident(store):
    with ThreadPoolExecutor(4) as threads:
        told = threads.map(lambda _: store.incident_for("bundle", "a", ALERT, AS_OF), range(16))
        ids = set(told)
    assert {incident.id for incident in store.incidents()} == ids


WRITER = """
import sys
from datetime import UTC, datetime
from diagnose.schema import Diagnosis, RootCause
from diagnose.store import Store

store = Store.open(sys.argv[1])
now = datetime(2026, 1, 1, tzinfo=UTC)
causes = (RootCause("a", "b" * 20_000, 1.0),)
for i in range(10**9):
    incident = store.incident_for("bundle", str(i), now, now)
    store.save(Diagnosis(incident, root_causes=causes, other_probability=0))
    print(incident, flush=True)
"""


@pytest.mark.parametrize("confirmed", [1, 7, 20])
def test_a_killed_writer_leaves_whole_answers_only(tmp_path, confirmed):
    url = f"sqlite:///{tmp_path}/state.db"
    writer = start(WRITER, url)
    assert writer.stdout is not None
    lines = [writer.stdout.readline().strip() for _ in range(confirmed)]
    writer.kill()
    lines += writer.communicate()[0].split()
    store = Store.open(url)
    answered = {i.id for i in store.incidents(10**6) if i.status == "answered"}
    stored = {incident: store.diagnosis(incident) for incident in answered}
    store.close()
    assert answered >= set(lines)
    assert all(d and len(d.root_causes[0].signal) == 20_000 for d in stored.values())
    with sqlite3.connect(tmp_path / "state.db") as connection:
        rows = connection.execute("SELECT DISTINCT incident FROM diagnoses").fetchall()
    connection.close()
    assert {incident for (incident,) in rows} == answered


def test_repairs_are_told_by_entity_oldest_first(store):
    incident = store.incident_for("bundle", "a", ALERT, AS_OF)
    later = Repair("db-1", AS_OF, "worked", "disk-full", "grow", incident, "twice the size")
    earlier = Repair("db-1", ALERT, "failed", "disk-full")
    other = Repair("web\0", ALERT, "unclear")
    for repair in (later, earlier, other):
        store.add_repair(repair)
    assert store.repairs("db-1") == (earlier, later)
    assert len(store.repairs()) == 3
    assert store.repairs("nobody") == ()
    with pytest.raises(Failure, match="no incident inc-404"):
        store.add_repair(Repair("db-1", ALERT, "worked", incident="inc-404"))


def test_what_worked_is_counted_by_runbook_and_step_and_the_unclear_counts_neither_way(store):
    for outcome in ("worked", "worked", "failed", "unclear"):
        store.add_repair(Repair("db-1", ALERT, outcome, "disk-full", "grow"))
    store.add_repair(Repair("db-2", ALERT, "failed", "disk-full"))
    store.add_repair(Repair("db-3", ALERT, "worked"))
    assert store.tried() == (Tried("disk-full", "", 0, 1), Tried("disk-full", "grow", 2, 3))
