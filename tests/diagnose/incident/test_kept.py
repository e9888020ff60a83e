from contextlib import contextmanager
from datetime import timedelta

import polars as pl
import pytest

from diagnose.incident import kept as module
from diagnose.incident.bundle import read_bundle
from diagnose.incident.kept import incident_at, record
from diagnose.incident.window import make_window
from diagnose.schema import EDGES, LOGS, READINGS, Failure
from diagnose.telemetry.batch import batch_of
from diagnose.telemetry.flush import Flusher
from diagnose.telemetry.journal import Journal
from diagnose.telemetry.reader import Reader
from diagnose.telemetry.tables import Tables
from diagnose.topology import NO_SITE, SiteTopology
from tests.diagnose.telemetry.conftest import NOON as AT

# front -> shop -> db -> san, all on hosts of their own; web1/cron shares a host with web1/shop.
CALLS = [("lb/front", "web1/shop"), ("web1/shop", "db1/db"), ("db1/db", "san/lun"), ("x/a", "x/b")]
ENTITIES = ["lb/front", "web1/shop", "web1/cron", "db1/db", "san/lun", "x/a", "web1"]


@contextmanager
def kept(folder, readings=(), lines=()):
    """Yield a reader of telemetry without any call."""
    with Journal(folder / "journal.db", writing=True) as journal:
        told = (
            pl.DataFrame(list(readings), READINGS, orient="row"),
            pl.DataFrame([], EDGES, orient="row"),
            pl.DataFrame(list(lines), LOGS, orient="row"),
        )
        journal.commit([batch_of(*told)])
        with Reader(str(folder / "tables"), folder / "journal.db") as reader:
            yield reader


def every_quarter_minute(*names):
    return [(AT + timedelta(seconds=15 * s), e, "cpu", 1.0) for s in range(-90, 20) for e in names]


@pytest.fixture
def reader(tmp_path):
    """Yield a reader of an hour and a bit of readings, half in the tables, half in the journal."""
    steps = range(-260, 40)
    rows = [
        (AT + timedelta(seconds=15 * step), entity, signal, float(step % 7 + len(entity)))
        for step in steps
        for entity in ENTITIES
        for signal in ("cpu", "latency")
    ]
    edges = [(AT - timedelta(minutes=5), *call, "procfs") for call in CALLS]
    lines = [(AT - timedelta(minutes=m), "db1/db", "ERROR", f"deadlock {m}", "{}") for m in (1, -9)]
    with Journal(tmp_path / "journal.db", writing=True) as journal:
        flusher = Flusher(journal, Tables(str(tmp_path / "tables")))
        half = len(rows) // 2
        journal.commit([batch_of(pl.DataFrame(rows[:half], READINGS, orient="row"))])
        flusher.flush()
        journal.commit(
            [
                batch_of(
                    pl.DataFrame(rows[half:], READINGS, orient="row"),
                    pl.DataFrame(edges, EDGES, orient="row"),
                    pl.DataFrame(lines, LOGS, orient="row"),
                )
            ]
        )
        with Reader(str(tmp_path / "tables"), tmp_path / "journal.db") as reader:
            yield reader


def incident(reader, entity="web1/shop", site=NO_SITE, as_of=AT + timedelta(hours=1)):
    return incident_at(reader, entity, AT, site, as_of)


def entities(bundle):
    return set(bundle.readings.collect()["entity"])


def test_an_incident_holds_what_is_near_and_says_what_is_not(reader):
    found = incident(reader)
    assert entities(found) == {"web1/shop", "web1/cron", "web1", "lb/front", "db1/db", "san/lun"}
    assert found.topology == tuple(sorted(CALLS)[:3])
    assert found.step_seconds == 15
    assert any("not read: x/a" in sentence for sentence in found.missing)
    front = entities(incident(reader, "lb/front"))
    assert front == {"lb/front", "web1/shop", "web1/cron", "web1", "db1/db"}


def test_nothing_after_the_moment_of_asking_is_read(reader):
    found = incident(reader)
    times = found.readings.collect()["time"]
    assert times.min() == AT - timedelta(hours=1)
    assert times.max() == found.as_of == AT + timedelta(minutes=5)
    assert found.logs is not None
    assert found.logs.collect()["body"].to_list() == ["deadlock 1"]
    early = incident(reader, as_of=AT + timedelta(seconds=20))
    assert early.readings.collect()["time"].max() == AT + timedelta(seconds=15)


def test_an_incident_becomes_a_window_that_repeats_what_was_left_out(reader, monkeypatch):
    monkeypatch.setattr(module, "MOST", 5)
    found = incident(reader)
    window = make_window(found)
    assert "7 series beyond 5 were not read." in window.missing
    kept = {signal.node.entity for signal in window.signals if signal.source == "metric"}
    assert kept == {"web1/shop", "lb/front", "db1/db"}  # the nearest first
    assert window.baseline.height > 200


def test_the_sites_own_topology_counts(reader):
    site = SiteTopology(known=(("x/a", "web1/shop"),))
    assert "x/a" in entities(incident(reader, site=site))


def test_an_unknown_entity_is_answered_with_the_nearest_one(reader):
    with pytest.raises(Failure, match=r"web1/shopp \(did you mean web1/shop\?\)"):
        incident(reader, "web1/shopp")
    with pytest.raises(Failure, match="nothing was ever kept"):
        incident(reader, "zzz")


def test_what_was_kept_is_recorded_as_a_bundle(reader, tmp_path):
    out = tmp_path / "bundle"
    told = record(reader, out, AT - timedelta(minutes=30), AT)
    assert told == f"{121 * 14} readings, 1 log record"
    bundle = read_bundle(out)
    assert (bundle.alert_time, bundle.step_seconds) == (AT, 15)
    assert set(bundle.topology) == set(CALLS)
    with pytest.raises(Failure, match="nothing was kept"):
        record(reader, tmp_path / "none", AT - timedelta(days=9), AT - timedelta(days=8))


def test_where_no_calls_are_known_nobody_is_too_far(tmp_path):
    with kept(tmp_path, every_quarter_minute("db1", "web1", "web1/shop")) as reader:
        found = incident(reader, "web1")
    assert entities(found) == {"db1", "web1", "web1/shop"}
    assert any("all were read as equally far" in sentence for sentence in found.missing)


def test_who_only_writes_logs_is_known(tmp_path):
    lines = [(AT - timedelta(seconds=9), "db9/postgres", "FATAL", "No space left", "{}")]
    with kept(tmp_path, every_quarter_minute("web1"), lines) as reader:
        found = incident(reader, "db9/postgres")
        assert found.logs is not None
        assert found.logs.collect()["entity"].to_list() == ["db9/postgres"]
        assert entities(found) == {"web1"}


def test_where_only_log_lines_were_kept_it_is_said(tmp_path):
    lines = [(AT - timedelta(seconds=9), "db9", "FATAL", "No space left", "{}")]
    with kept(tmp_path, lines=lines) as reader:
        with pytest.raises(Failure, match="only log lines were kept around"):
            incident(reader, "db9")
        with pytest.raises(Failure, match="only log lines were kept from"):
            record(reader, tmp_path / "out", AT - timedelta(hours=1), AT)
