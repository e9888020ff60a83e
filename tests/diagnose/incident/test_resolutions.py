"""What a BMC's events tell people to do."""

import json
from dataclasses import replace

from diagnose.incident.bundle import read_bundle
from diagnose.incident.resolutions import resolutions
from diagnose.incident.window import make_window
from tests.frames import at, incident, log_records, put, series


def record(seconds, text, entity="db1", **attributes):
    return seconds, entity, "ERROR", "Fan failed", json.dumps({"resolution": text} | attributes)


def told(*records, since=0):
    return resolutions(log_records(*records).lazy(), at(since))


def test_each_text_is_told_once_in_the_order_of_time():
    first, second = 'Replace "FAN3".', "Check the duct."
    found = told(record(20, second), record(10, first), record(30, first), record(40, first, "db2"))
    assert found == (("db1", first), ("db1", second), ("db2", first))


def test_what_came_before_or_says_nothing_is_left_out():
    nothing = [record(5, text) for text in ("None.", "", "No action required.", "No resolution")]
    other = (6, "db1", "INFO", "x", json.dumps({"source": "redfish"}))
    broken = (7, "db1", "INFO", "x", '{"resolution": ')
    assert told(record(1, "Too early."), *nothing, other, broken, since=5) == ()


def test_they_come_into_the_window_behind_what_the_alert_says(tmp_path):
    logs = log_records(record(590, "Replace FAN3."), record(3000, "Too late."))
    metrics = series("db1", "fan", [1.0] * 20)
    bundle = read_bundle(put(tmp_path / "inc", incident(600, 900), metrics, logs))
    told = make_window(replace(bundle, advice=(("", "See the wiki."),))).advice
    assert told == (("", "See the wiki."), ("db1", "Replace FAN3."))
