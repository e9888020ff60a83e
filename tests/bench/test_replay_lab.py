"""What counts as false where a whole recording is replayed."""

from datetime import UTC, datetime, timedelta

import polars as pl

from diagnose.schema import LOGS, READINGS, Node
from tests.bench.replay_lab import Asked, Whole, unprompted

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
SYMPTOM = Node("web", "latency")


def at(seconds):
    return START + timedelta(seconds=seconds)


def recording(latency=(), faults=()):
    rows = [(at(i), "web", "latency", float(value)) for i, value in enumerate(latency)]
    return Whole(
        "whole",
        (START, at(1800)),
        pl.DataFrame(rows, READINGS, orient="row"),
        pl.DataFrame([], LOGS),
        (SYMPTOM,),
        (),
        (),
        tuple(faults),
        (),
    )


def test_a_scheduler_asks_every_minute_that_has_a_history_and_an_end():
    moments = list(recording().moments())
    assert (moments[0], moments[-1]) == (at(300), at(1740))
    assert len(moments) == 25


def test_a_rule_fires_once_when_its_signal_stays_above_its_past():
    calm = [1.0 + i % 7 / 10 for i in range(900)]
    (fired,) = recording([*calm, *[9.0] * 60, *calm]).firings(SYMPTOM, 0.99)
    assert at(905) <= fired <= at(912)
    assert not list(recording(calm * 2).firings(SYMPTOM, 0.99))


def test_what_touches_no_fault_is_false_and_neighbours_are_one_incident():
    whole = recording(faults=[(at(900), at(960))])
    scores = {300: 5.0, 360: 5.0, 900: 5.0, 1500: 5.0, 1560: 0.0}
    seen = [
        Asked(at(second), broken=second == 900, disturbed=second == 300, score=score)
        for second, score in scores.items()
    ]
    for row in unprompted([(whole, seen)]):
        assert row[1:] == ["4", "3 (1)", "2", "1 of 1"]
