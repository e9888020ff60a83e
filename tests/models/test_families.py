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


def test_metrics_are_compared_by_kind_and_lines_with_all_lines():
    def lines(topic):
        return Signal(Node("web", topic), Kind(f"error log message about {topic}"), "template")

    assert ballot_of(lines("disk")) == ballot_of(lines("cache"))
    cpu, memory = (Signal(Node("web", k), Kind(k, tier="os")) for k in ("cpu", "memory"))
    assert ballot_of(cpu) != ballot_of(memory)
