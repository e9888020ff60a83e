"""Which log lines are read around an alert where not all can be: scripted streams."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from collectors.prometheus_labels import entity_of
from diagnose.incident.nearest_lines import AROUND, lines_near
from diagnose.schema import LOGS

ALERT = datetime(2026, 3, 1, 3, tzinfo=UTC)
START, END = ALERT - timedelta(hours=1), ALERT + timedelta(minutes=5)
WEB, CRON, DB, FAR, NOISY = (
    {"job": job, "instance": f"{host}:80"}
    for job, host in (("web", "h1"), ("cron", "h1"), ("db", "h2"), ("far", "h3"), ("noisy", "h2"))
)


class Lines:
    """A Loki over streams that have so many lines, one a second from a moment on."""

    def __init__(self, streams, first=ALERT - timedelta(minutes=1)):
        self.sizes = streams
        self.first = first
        self.served = 0

    def streams(self, start, end):
        return [labels for labels, _ in self.sizes]

    def records(self, selector, start, end, most):
        for labels, size in self.sizes:
            if f'instance="{labels["instance"]}"' in selector and labels["job"] in selector:
                seconds = (self.first + timedelta(milliseconds=i) for i in range(size))
                times = [time for time in seconds if start <= time < end][:most]
                self.served += len(times)
                whose = entity_of(labels)
                for page in (times[:5], times[5:]):
                    rows = [(time, whose, "INFO", "text", "{}") for time in page]
                    yield pl.DataFrame(rows, LOGS, orient="row")


def read(streams, most, targets=(WEB, DB), **more):
    loki: Any = Lines(streams, **more)
    logs, said = lines_near(loki, targets, ALERT, (START, END), most)
    counted = logs.collect().group_by("entity").len()
    return dict(counted.iter_rows()), said


def test_a_noisy_neighbour_does_not_crowd_out_the_symptoms_own_lines():
    found, said = read([(NOISY, 1000), (WEB, 30), (DB, 5)], 120)
    assert found == {"h1/web": 30, "h2/db": 5, "h2/noisy": 25}
    assert said == ["Of the logs around the alert not all lines were read of h2/noisy."]


def test_what_others_leave_over_goes_to_the_nearest():
    found, said = read([(NOISY, 1000), (DB, 1000), (CRON, 3), (WEB, 1000)], 160)
    assert found == {"h1/web": 37, "h1/cron": 3, "h2/db": 20, "h2/noisy": 20}
    assert said == [
        "Of the logs around the alert not all lines were read of h1/web, h2/db, h2/noisy."
    ]


def test_what_shares_no_host_with_what_is_near_is_not_read():
    assert read([(FAR, 3), (CRON, 2)], 100) == ({"h1/cron": 2}, [])
    assert read([(FAR, 3)], 100) == ({}, [])


def test_what_came_long_before_the_alert_takes_no_room_from_what_came_with_it():
    found, said = read([(WEB, 1000)], 100, first=ALERT - AROUND - timedelta(milliseconds=900))
    assert found == {"h1/web": 100}
    assert said == [
        "Of the logs around the alert not all lines were read of h1/web.",
        "Of the logs before the alert not all lines were read of h1/web.",
    ]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=5), st.integers(2, 200))
def test_every_stream_has_its_share_and_whatever_is_cut_is_named(sizes, most):
    streams = [
        ({"job": f"job{place}", "instance": "h1:80"}, size) for place, size in enumerate(sizes)
    ]
    found, said = read(streams, most)
    room = most // 2
    assert sum(found.values()) == min(sum(sizes), room)
    cut = []
    for labels, size in streams:
        got = found.get(entity_of(labels), 0)
        assert got >= min(size, room // len(sizes))
        cut += [entity_of(labels)] if got < size else []
    assert all(name in said[0] for name in cut[:3])
    assert len(said) == bool(cut)
