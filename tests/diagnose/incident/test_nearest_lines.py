"""Which log lines are read around an alert where not all can be: scripted streams."""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.prometheus import selector as selecting
from collectors.prometheus_labels import entity_of
from diagnose.incident.nearest_lines import lines_near
from diagnose.schema import LOGS

START = datetime(2026, 3, 1, 3, tzinfo=UTC)
MINUTES = 20
END = START + timedelta(minutes=MINUTES)
WEB, CRON, DB, FAR, NOISY = (
    {"job": job, "instance": f"{host}:80"}
    for job, host in (("web", "h1"), ("cron", "h1"), ("db", "h2"), ("far", "h3"), ("noisy", "h2"))
)


class Lines:
    """A Loki over streams that have so many lines, evenly over all the time."""

    def __init__(self, streams):
        self.sizes = streams

    def streams(self, start, end):
        return [labels for labels, _ in self.sizes]

    def records(self, selector, start, end, most):
        for labels, size in self.sizes:
            if selector == selecting(labels):
                every = (END - START) / max(size, 1)
                times = [START + (i + 0.5) * every for i in range(size)]
                inside = [time for time in times if start <= time < end][:most]
                for page in (inside[:5], inside[5:]):
                    rows = [(time, entity_of(labels), "INFO", "text", "{}") for time in page]
                    yield pl.DataFrame(rows, LOGS, orient="row")


def lines(streams, most):
    loki: Any = Lines(streams)
    logs, said = lines_near(loki, [WEB, DB], (START, END), 15.0, most)
    return logs.collect(), said


def read(streams, most):
    logs, said = lines(streams, most)
    return dict(logs.group_by("entity").len().iter_rows()), said


def test_a_noisy_neighbour_does_not_crowd_out_the_symptoms_own_lines():
    found, said = read([(NOISY, 5000), (WEB, 90), (DB, 5)], 300)
    assert found == {"h1/web": 90, "h2/db": 5, "h2/noisy": 200}
    assert said == [
        "Of the logs of h2/noisy a sample was read, since there are more than 300 lines."
    ]


def test_what_others_leave_over_goes_to_those_that_need_it_and_the_nearest_are_named_first():
    found, said = read([(NOISY, 1000), (DB, 1000), (CRON, 3), (WEB, 1000)], 200)
    assert found == {"h1/web": 60, "h1/cron": 3, "h2/db": 60, "h2/noisy": 60}
    assert said[0].startswith("Of the logs of h1/web, h2/db, h2/noisy a sample")
    assert read([(NOISY, 150), (DB, 0), (WEB, 3)], 200) == ({"h1/web": 3, "h2/noisy": 150}, [])


@pytest.mark.parametrize("size", [500, 4001])
def test_a_sample_is_as_dense_at_every_time(size):
    logs, _ = lines([(WEB, size), (DB, 3)], 240)
    minute = (logs.filter(entity="h1/web")["time"] - START).dt.total_minutes()
    assert minute.value_counts().sort("time").rows() == [(i, 11) for i in range(MINUTES)]


def test_what_shares_no_host_with_what_is_near_is_not_read():
    assert read([(FAR, 3), (CRON, 2)], 100) == ({"h1/cron": 2}, [])
    assert read([(FAR, 3)], 100) == ({}, [])
    assert read([], 100) == ({}, [])


@given(st.lists(st.integers(0, 90), min_size=1, max_size=4), st.integers(1, 200))
def test_what_fits_is_read_whole_and_what_does_not_is_named(sizes, most):
    streams = [
        ({"job": f"job{place}", "instance": "h1:80"}, size) for place, size in enumerate(sizes)
    ]
    found, said = read(streams, most)
    assert sum(found.values()) <= most
    cut = []
    for labels, size in streams:
        got = found.get(entity_of(labels), 0)
        if size <= most // len(sizes):
            assert got == size
        cut += [entity_of(labels)] if got < size else []
    assert len(said) == bool(cut)
    assert all(name in said[0] for name in cut[:3])
