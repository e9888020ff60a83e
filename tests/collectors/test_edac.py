"""Counters as sysfs shows them, and a database with rasdaemon's tables."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from collectors import NotApplicable
from collectors.edac import Edac

FIXTURE = Path(__file__).parent.parent / "fixtures" / "edac"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LABEL = "CPU_SrcID#0_MC#0_Chan#0_DIMM#"


def database(folder):
    file = folder / "ras-mc_event.db"
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as base:
        base.executescript((FIXTURE / "ras-mc_event.sql").read_text())
    return file


def recorded(folder):
    return Edac("db1", FIXTURE, database(folder))


def logs(collector, since=LONG_AGO):
    return pl.concat([frame for frame in collector.collect(since) if "body" in frame.columns])


def test_counters_by_the_name_on_the_board(tmp_path):
    frame = next(recorded(tmp_path).collect(LONG_AGO))
    assert dict(frame.select("signal", "value").rows()) == {
        "hw.memory.corrected_errors/mc0": 17,
        f"hw.memory.corrected_errors/mc0/{LABEL}0": 17,
        "hw.memory.corrected_errors/mc0/dimm1": 0,
        "hw.memory.uncorrected_errors/mc0": 1,
        f"hw.memory.uncorrected_errors/mc0/{LABEL}0": 0,
        "hw.memory.uncorrected_errors/mc0/dimm1": 1,
    }


def test_events_with_their_severity_and_module(tmp_path):
    told = logs(recorded(tmp_path))
    assert told["severity"].to_list() == ["WARN", "WARN", "ERROR"]
    assert told["body"][0] == f"mc event: memory read error on {LABEL}0"
    assert told["time"][2] == datetime(2026, 11, 22, 9, 16, 50, tzinfo=UTC)  # it was +02:00
    assert json.loads(told["attributes"][2])["err_type"] == "Uncorrected"


def test_an_event_is_told_once_also_by_another_process(tmp_path):
    first = recorded(tmp_path)
    assert logs(first).height == 3
    assert logs(first).height == 0
    again = recorded(tmp_path)
    again.cursor = first.cursor
    with closing(sqlite3.connect(again.database)) as base:
        base.execute(
            "INSERT INTO aer_event SELECT 2, timestamp, dev_name, err_type, 'new' FROM "
            "aer_event WHERE id = 1"
        )
        base.commit()
    assert logs(again)["body"].to_list() == ["aer event: new"]


def test_without_a_cursor_only_what_is_later_than_since(tmp_path):
    assert logs(recorded(tmp_path), datetime(2026, 11, 22, 9, 16, 44, tzinfo=UTC)).height == 2


def test_an_event_without_a_time_hides_none_of_the_others(tmp_path):
    collector = recorded(tmp_path)
    with closing(sqlite3.connect(collector.database)) as base:
        base.execute("INSERT INTO mc_event (id, timestamp) VALUES (3, 'soon')")
        base.commit()
    frames = collector.collect(LONG_AGO)
    assert [next(frames).height for _ in range(2)] == [6, 3]
    with pytest.raises(ValueError, match="soon"):
        next(frames)
    assert logs(collector).height == 0


def test_no_ecc_is_no_failure(tmp_path):
    with pytest.raises(NotApplicable, match="no ECC"):
        next(Edac("db1", tmp_path / "mc", tmp_path / "none.db").collect(LONG_AGO))


def test_a_damaged_database_is_said(tmp_path):
    (tmp_path / "ras.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 200)
    with pytest.raises(OSError, match=r"ras\.db"):
        list(Edac("db1", FIXTURE, tmp_path / "ras.db").collect(LONG_AGO))
