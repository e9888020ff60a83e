"""What a BMC's events tell people to do."""

import json

from diagnose.resolutions import resolutions
from tests.frames import at, log_records


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
