"""Counts of log lines: traffic is no news, lines that requests write in turn are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.schema import Kind, Node, Signal
from models.log_evidence import CEILING, log_surprise
from tests.frames import window

LINES = tuple(
    Signal(Node(service, f"log/INFO/{line}"), Kind("info log message"), "template")
    for service in ("web", "orders", "stock")
    for line in ("begin", "end")
)
RECENT = 6  # instants, the alert at the third


def of(*services):
    """Return one line of each service."""
    return tuple(
        Signal(Node(service, "log/INFO/request"), Kind("info log message"), "template")
        for service in services
    )


def traffic(instants=40, seed=0, rate=40.0):
    """Return counts of requests that write six lines each, in turn, with changing demand."""
    rng = np.random.default_rng(seed)
    requests = rng.poisson(rate * rng.uniform(0.3, 3.0, instants))
    return np.repeat(requests[:, None].astype(float), len(LINES), axis=1)


def surprise(counts, signals=LINES):
    return log_surprise(window(counts[:-RECENT], counts[-RECENT:], signals=signals))


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.1, 10.0))
def test_demand_is_no_news(seed, factor):
    counts = traffic(seed=seed)
    counts[-4:] = np.rint(counts[-4:] * factor)
    assert (surprise(counts) < 2).all()


@pytest.mark.parametrize("left", [0.0, 0.5])
def test_requests_that_stop_halfway_break_an_invariant(left):
    counts = traffic()
    counts[-5:, 3] = np.rint(counts[-5:, 3] * left)  # orders: begins and does not end
    found = surprise(counts)
    assert LINES[int(found.argmax())].node.entity == "orders"
    assert found.max() > 5


def test_a_few_minutes_of_history_are_enough():
    counts = traffic(3 + RECENT)
    counts[-5:, 3] = 0
    assert surprise(counts).argmax() == 3


def test_a_new_line_is_news_and_the_total_of_its_severity_is_not_counted_twice():
    signals = (
        *LINES,
        Signal(Node("web", "log/ERROR/lost"), Kind("error log message"), "template"),
        Signal(Node("web", "log/ERROR"), Kind("error log message"), "template"),
    )
    counts = np.hstack([traffic(), np.zeros((40, 2))])
    counts[-4:, 6:] = 25
    found = surprise(counts, signals)
    assert found.argmax() == 6
    assert found[7] == 0


def test_an_earlier_fault_in_the_history_hides_nothing():
    counts = traffic(60)
    counts[10:16, 3] = 0
    counts[-5:, 3] = 0
    assert surprise(counts)[3] > 5


@pytest.mark.parametrize("fill", [0.0, np.nan])
def test_without_lines_there_is_nothing_to_say(fill):
    counts = np.full((40, len(LINES)), fill)
    assert (surprise(counts) == 0).all()


@given(st.integers(0, 100))
@settings(max_examples=20)
def test_a_surprise_is_finite_and_not_negative(seed):
    counts = np.random.default_rng(seed).poisson(3.0, (20, len(LINES))).astype(float)
    counts[-3:] *= 100
    found = surprise(counts)
    assert ((found >= 0) & (found <= CEILING)).all()


def test_who_stops_writing_every_request_down_does_not_make_others_loud():
    rng = np.random.default_rng(7)
    past, now = rng.poisson(1.0, (180, 4)).astype(float), rng.poisson(1.0, (60, 4)).astype(float)
    past[:, 0], now[:, 0] = rng.poisson(30.0, 180), 0.0
    told = log_surprise(
        window(past, now, step=1.0, signals=of("web", "catalog", "orders", "worker"))
    )
    assert told[0] > 10
    assert max(told[1:]) < 2


def test_a_broken_ratio_is_blamed_on_who_left_the_pace():
    before = np.full((120, 3), 4.0) + np.arange(120)[:, None] % 3
    after = before[:60].copy()
    after[:, 1] = 0.0
    told = log_surprise(window(before, after, signals=of("web", "orders", "stock")))
    assert told[1] > 10
    assert max(told[0], told[2]) < 2
