"""A bundle is read as it is, refused with its place where it is broken, and written whole."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from diagnose.failure import Failure
from diagnose.incident.bundle import read_bundle, write_bundle
from diagnose.incident.bundle_check import check_bundle
from diagnose.incident.window import make_window
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
    assert read_bundle(good, as_of=at(360)).readings.collect()["time"].max() == at(360)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"id": 7}, "id"),
        ({"id": "\x1b[31mred"}, "id"),
        ({"step_seconds": float("nan")}, "step_seconds"),
        ({"step_seconds": 10**4000}, "step_seconds"),
        ({"alert_time": 1700000000}, "alert_time"),
        ({"symptom": {"entity": "web", "signal": ""}}, "symptom"),
        ({"topology": {"a": "b"}}, "topology"),
        ({"baseline_window": ["2026-03-02T00:00:00Z", "2026-03-01T00:00:00Z"]}, "baseline_window"),
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


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{\n "id": "x",\n oops\n}', "line 3"),
        ("{}".encode("utf-16"), "byte 0"),
        (b"[]", ""),
        (b'{"id": "x", "id": "y"}', ""),
        (b'{"step_seconds": ' + b"9" * 5000 + b"}", ""),
        (b"[" * 100_000, ""),
        (b"", "line 1"),
    ],
)
def test_what_is_no_json_object_is_named_with_its_place(good, content, where):
    (good / "incident.json").write_bytes(content)
    assert places(good) == [("incident.json", where)]


def test_a_byte_order_mark_is_no_mistake(good):
    file = good / "incident.json"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_bundle(good).id == "made"


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.99])
def test_a_truncated_table_is_named(good, share):
    file = good / "metrics.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(Failure, match=r"metrics\.parquet") as failure:
        read_bundle(good)
    assert "copy or record it again" in failure.value.way_out


def test_a_column_that_is_damaged_inside_is_found_where_it_is(good):
    file = good / "metrics.parquet"
    whole = bytearray(file.read_bytes())
    whole[4:60] = bytes(56)  # the first page of the first column; the footer stays whole
    file.write_bytes(whole)
    assert places(good) == [("metrics.parquet", "column time")]
    with pytest.raises(Failure, match="cannot be read"):
        make_window(read_bundle(good))


@given(st.data())
def test_no_damage_to_a_table_ends_in_a_traceback(tmp_path_factory, data):
    folder = put(tmp_path_factory.mktemp("bundles") / "bad", incident(300, 600), METRICS)
    file = folder / "metrics.parquet"
    whole = bytearray(file.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=3)):
        whole[place] ^= 0x55
    file.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with contextlib.suppress(Failure):
        make_window(read_bundle(folder))


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


@pytest.mark.parametrize("name", ["incident.json", "metrics.parquet", "logs.parquet"])
@pytest.mark.parametrize("instead", [Path.mkdir, os.mkfifo, lambda file: file.symlink_to("gone")])
def test_what_is_no_file_is_named(good, name, instead):
    (good / name).unlink()
    instead(good / name)
    assert places(good) == [(name, "")]


@pytest.mark.parametrize(
    ("field", "way_out", "told"),
    [("sympton", "did you mean symptom?", True), ("ticket", "known are id, alert_time", False)],
)
def test_a_field_that_nobody_reads_is_told_and_read_over(good, field, way_out, told):
    change(good, **{field: {"entity": "web", "signal": "latency"}})
    (problem,) = check_bundle(good)
    assert (problem.where, problem.what, problem.fatal) == (field, "is no known field", False)
    assert problem.way_out.startswith(way_out)
    said = "The field sympton of incident.json was not read: did you mean symptom?"
    assert read_bundle(good).missing == ((said,) if told else ())


def test_a_symptom_of_which_nothing_was_read_is_told(good):
    change(good, symptom={"entity": "wep", "signal": "latency"})
    (problem,) = check_bundle(good)
    assert (problem.where, problem.way_out) == ("symptom", "did you mean web?")
    assert problem.what == "nothing was read of its entity 'wep'"
    assert read_bundle(good).symptom == Node("wep", "latency")
    change(good, symptom={"entity": "web", "signal": "latency"})
    assert check_bundle(good) == ()


@pytest.mark.parametrize("damage", ["cut", "page", "column", "folder"])
def test_a_damaged_log_costs_the_log_and_not_the_answer(good, damage):
    file = good / "logs.parquet"
    whole = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(whole[:50])
    elif damage == "page":
        whole[4:60] = bytes(56)  # the first page of the first column; the footer stays whole
        file.write_bytes(whole)
    elif damage == "column":
        LOGS.drop("body").write_parquet(file)
    else:
        file.unlink()
        file.mkdir()
    (problem,) = check_bundle(good)
    assert (problem.file, problem.fatal, problem.unread) == ("logs.parquet", False, True)
    bundle = read_bundle(good)
    (missing,) = bundle.missing
    assert missing.startswith("The log was not read: logs.parquet")
    window = make_window(bundle)
    assert missing in window.missing
    assert [signal.node for signal in window.signals] == [Node("web", "latency")]


def test_a_log_that_is_none_is_not_written(tmp_path):
    with pytest.raises(Failure, match="column body"):
        write_bundle(tmp_path / "new", incident(300, 600), METRICS, LOGS.drop("body"))


@pytest.mark.parametrize("name", ["incident.json", "metrics.parquet"])
def test_a_missing_file_is_named(good, name):
    (good / name).unlink()
    assert places(good) == [(name, "")]


def test_links_are_followed(good):
    (good / "metrics.parquet").rename(good / "elsewhere")
    (good / "metrics.parquet").symlink_to("elsewhere")
    (good.parent / "link").symlink_to(good)
    assert read_bundle(good.parent / "link").id == "made"


def test_a_file_is_no_bundle(good):
    assert [problem.what for problem in check_bundle(good / "incident.json")] == ["is no folder"]


def test_one_cannot_ask_before_the_alert(good):
    with pytest.raises(Failure, match="before the alert"):
        read_bundle(good, as_of=at(120))


def test_rows_without_a_name_or_a_time_are_left_out(tmp_path):
    holes = METRICS.with_columns(
        pl.when(pl.int_range(pl.len()) != row).then(pl.col(name)).alias(name)
        for row, name in enumerate(["time", "entity", "signal"])
    )
    bundle = read_bundle(put(tmp_path / "holes", incident(300, 600), holes))
    assert_frame_equal(bundle.readings.collect(), METRICS[3:])


def test_who_is_killed_while_writing_leaves_nothing_under_the_final_name(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "import diagnose.incident.bundle; from tests.frames import incident, series\n"
        "diagnose.incident.bundle.read_bundle = lambda draft: os.kill(os.getpid(), 9)\n"
        "metrics = series('web', 'latency', range(10))\n"
        "diagnose.incident.bundle.write_bundle(Path(sys.argv[1]), incident(300, 600), metrics)"
    )
    writer = subprocess.run([sys.executable, "-c", code, str(tmp_path / "new")], timeout=60)
    assert writer.returncode == -9
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("table", [METRICS.drop("time"), METRICS.drop("entity")])
def test_a_table_that_is_none_is_not_written(tmp_path, table):
    with pytest.raises(Failure, match="column"):
        write_bundle(tmp_path / "new", incident(300, 600), table)


def test_the_truth_is_never_opened(good):
    os.mkfifo(good / "truth.json")  # whoever opened it would wait for ever
    code = (
        "import sys; from pathlib import Path\n"
        "def hook(event, args):\n"
        "    assert event != 'open' or not str(args[0]).endswith('truth.json')\n"
        "sys.addaudithook(hook)\n"
        "from diagnose.incident.bundle import read_bundle\n"
        "from diagnose.incident.window import make_window\n"
        "from diagnose.incident.bundle_check import check_bundle\n"
        "assert check_bundle(Path(sys.argv[1])) == ()\n"
        "make_window(read_bundle(Path(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", code, str(good)], check=True, timeout=60)
