"""Families of evidence, by what a signal is."""

import pytest

from diagnose.schema import Kind, Node, Signal
from models.families import FAMILIES, ballot_of, family_of


@pytest.mark.parametrize(
    ("kind", "source", "family"),
    [
        (Kind("cpu utilization", "ratio", "os"), "metric", "resource"),
        (Kind("response latency", "seconds", "service"), "metric", "latency"),
        (Kind("error rate", "1/s", "service"), "counter", "error"),
        (Kind("request rate", "1/s", "user", load=True), "counter", "demand"),
        (Kind("process cpu time", "ratio", "os"), "counter", "resource"),
        (Kind("page load time", "s", "user"), "metric", "latency"),
        (Kind("uptime", "s", "os"), "metric", "resource"),
        (Kind("error log message", "1/s", "service"), "template", "log"),
        (Kind("error log message about timeout", "1/s", "service"), "template", "complaint"),
        (Kind("error log message about resource limit", "1/s", "os"), "template", "resource"),
        (Kind("info log message about resource limit", "1/s", "os"), "template", "log"),
        (Kind("info log message about connection", "1/s", "service"), "template", "log"),
        (Kind("package change", "", "os"), "change", "log"),
        (Kind("missing telemetry"), "absence", "absence"),
        (Kind("unknown metric"), "metric", "other"),
    ],
)
def test_a_signal_belongs_to_one_family(kind, source, family):
    signal = Signal(Node("web", "any name"), kind, source)
    assert family_of(signal) == family
    assert family in FAMILIES


def test_what_parts_leave_on_their_host_is_their_demand():
    sockets = Kind("open tcp connections", "count", "os")
    assert family_of(Signal(Node("host", "sockets"), sockets), {"host"}) == "demand"
    assert family_of(Signal(Node("web", "sockets"), sockets), {"host"}) == "resource"
    assert family_of(Signal(Node("host", "memory"), Kind("m", tier="os")), {"host"}) == "resource"


def test_metrics_are_compared_by_kind_and_lines_with_all_lines():
    def ballot(name, source="metric", tier="os"):
        signal = Signal(Node("web", name), Kind(name, tier=tier), source)
        return ballot_of(signal, family_of(signal))

    assert ballot("error log message about disk", "template") == ballot("info log", "template")
    assert ballot("cpu") != ballot("memory")
