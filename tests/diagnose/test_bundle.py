"""A bundle is read as it is, refused with its place where it is broken, and written whole."""

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from diagnose.bundle import check_bundle, read_bundle, write_bundle
from diagnose.failure import Failure
from diagnose.schema import Node
from tests.frames import at, incident, log_records, put, series

METRICS = series("web", "latency", range(10))
LOGS = log_records((30, "web", "INFO", "hello", "{}"))


@pytest.fixture
def good(tmp_path):
    return put(tmp_path / "good", incident(300, 600), METRICS, LOGS)


def places(folder):
    return [(problem.file, problem.where) for problem in check_bundle(folder)]


def change(folder, **fields):
    file = folder / "incident.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def test_what_was_written_is_read(tmp_path):
    facts = incident(
        300, 600, symptom={"entity": "web", "signal": "latency"}, topology=[["a", "b"]]
    )
    write_bundle(tmp_path / "new", facts, METRICS, LOGS, {"root_causes": []})
    bundle = read_bundle(tmp_path / "new")
    assert (bundle.id, bundle.alert_time, bundle.as_of) == ("made", at(300), at(600))
    assert (bundle.symptom, bundle.topology) == (Node("web", "latency"), (("a", "b"),))
    assert_frame_equal(bundle.readings.collect(), METRICS)
    assert bundle.logs is not None
    assert_frame_equal(bundle.logs.collect(), LOGS)


def test_a_bundle_that_is_invalid_is_not_written_at_all(tmp_path):
    with pytest.raises(Failure, match="step_seconds"):
        write_bundle(tmp_path / "new", incident(300, 600, step=-1), METRICS)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(good):
    with pytest.raises(Failure, match="exists"):
        write_bundle(good, incident(300, 600), METRICS)


def test_without_as_of_one_asks_five_minutes_or_three_steps_after_the_alert(good):
    change(good, as_of=None)
    assert read_bundle(good).as_of == at(600)
    change(good, step_seconds=300)
    assert read_bundle(good).as_of == at(300 + 900)


def test_rows_later_than_the_moment_of_asking_do_not_exist(good):
    assert read_bundle(good, as_of=at(120)).readings.collect()["time"].max() == at(120)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"id": 7}, "id"),
        ({"step_seconds": "1"}, "step_seconds"),
        ({"step_seconds": 0}, "step_seconds"),
        ({"alert_time": "2026-03-01T00:05:00"}, "alert_time"),
        ({"alert_time": "yesterday"}, "alert_time"),
        ({"as_of": "2026-02-01T00:00:00Z"}, "as_of"),
        ({"symptom": "web"}, "symptom"),
        ({"topology": [["a"]]}, "topology"),
        ({"baseline_window": ["2026-03-01T00:00:00Z"]}, "baseline_window"),
    ],
)
def test_a_wrong_field_is_named(good, fields, where):
    change(good, **fields)
    assert ("incident.json", where) in places(good)
    with pytest.raises(Failure, match=where):
        read_bundle(good)


def test_broken_json_is_named_with_its_line(good):
    (good / "incident.json").write_text('{\n "id": "x",\n oops\n}')
    assert places(good) == [("incident.json", "line 3")]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_truncated_table_is_named(good, share):
    file = good / "metrics.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(Failure, match=r"metrics\.parquet") as failure:
        read_bundle(good)
    assert "copy or record it again" in failure.value.way_out


@pytest.mark.parametrize(
    ("table", "where"),
    [
        (METRICS.drop("value"), "column value"),
        (METRICS.cast({"value": pl.String}), "column value"),
        (METRICS.with_columns(pl.col("time").dt.replace_time_zone(None)), "column time"),
        (METRICS.cast({"entity": pl.Binary}), "column entity"),
    ],
)
def test_a_wrong_column_is_named(tmp_path, table, where):
    assert places(put(tmp_path / "bad", incident(300, 600), table)) == [("metrics.parquet", where)]


def test_other_clocks_and_units_mean_the_same_moments(tmp_path):
    kolkata = METRICS.with_columns(
        pl.col("time").dt.convert_time_zone("Asia/Kolkata").dt.cast_time_unit("ns"),
        pl.col("value").cast(pl.Int32),
        extra=pl.lit(1),
    )
    bundle = read_bundle(put(tmp_path / "far", incident(300, 600), kolkata))
    assert_frame_equal(bundle.readings.collect(), METRICS)


@pytest.mark.parametrize("name", ["incident.json", "metrics.parquet"])
def test_a_missing_file_is_named(good, name):
    (good / name).unlink()
    assert places(good) == [(name, "")]


def test_the_truth_is_never_opened_by_explain(good):
    os.mkfifo(good / "truth.json")  # whoever opened it would wait for ever
    code = (
        "import sys; from pathlib import Path\n"
        "from diagnose.bundle import read_bundle\nfrom diagnose.window import make_window\n"
        "make_window(read_bundle(Path(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", code, str(good)], check=True, timeout=60)
