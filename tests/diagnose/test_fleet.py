"""Which servers are scanned."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnose.fleet import WHOLE, read_fleet
from diagnose.schema import Failure

FILE = """
groups:
  databases:
    hosts: [db1, "db-*"]
    every: 90s
    least_probability: 0.1
    alpha: 0.01
    route: dba
  rest:
    hosts: ["*"]
    cron: "*/15 * * * *"
    source: prometheus
    engine: ray
"""


@pytest.fixture
def told(tmp_path):
    """Return what a fleet file of this text says."""

    def told(text):
        file = tmp_path / "fleet.yaml"
        file.write_text(text)
        return read_fleet(file)

    return told


def test_a_host_belongs_to_the_first_group_that_names_it(told):
    fleet = told(FILE)
    assert fleet.members(["web1", "db-7", "db-2"]) == {
        "databases": ("db-2", "db-7", "db1"),  # db1 was named, so it is missed
        "rest": ("web1",),
    }
    databases, rest = fleet.groups
    assert (databases.every_seconds, databases.cron, databases.route) == (90.0, None, "dba")
    assert (rest.every_seconds, rest.cron, rest.alpha) == (None, "*/15 * * * *", 0.001)
    assert (databases.source, databases.engine) == ("kept", "local")
    assert (rest.source, rest.engine) == ("prometheus", "ray")


def test_without_a_file_every_host_is_scanned():
    assert read_fleet(None) is WHOLE
    assert WHOLE.members(["b", "a"]) == {"all": ("a", "b")}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("groups:\n  a:\n    hosts: [x]\n    evry: 5m\n", "line 4: groups.a.evry: unknown key"),
        ("groups:\n  a:\n    hosts: [x]\n    evry: 5m\n", "did you mean every"),
        ("groups:\n  a:\n    hosts: [x, y/z]\n", "line 3: groups.a.hosts.1: 'y/z' is no host"),
        ("groups:\n  a:\n    every: 5m\n", "line 2: groups.a.hosts: Field required"),
        ("groups:\n  a:\n    hosts: []\n", "line 3: groups.a.hosts"),
        ("groups:\n  a:\n    hosts: [x]\n    every: 5 minutes\n", "line 4: groups.a.every"),
        ("groups:\n  a:\n    hosts: [x]\n    cron: hourly\n", "line 4: groups.a.cron"),
        ("groups:\n  a:\n    hosts: [x]\n    alpha: 2\n", "line 4: groups.a.alpha"),
        ("groups:\n  a:\n    hosts: [x]\n    name: b\n", "line 4: groups.a.name: unknown key"),
        (
            "groups:\n  a:\n    hosts: [x]\n    every: 5m\n    cron: '* * * * *'\n",
            "line 2: groups.a: every and cron exclude each other",
        ),
        ("groups:\n  a: [x]\n", "line 2: groups.a is no mapping"),
        ("groups:\n", "names no groups"),
        ("group:\n  a: x\n", "line 1: group: unknown key"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_line(told, text, why):
    with pytest.raises(Failure, match=why):
        told(text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="abc:-[]{}#&*!|~'\" ,?\n01.", max_size=40), st.sampled_from(["", " "]))
def test_any_text_is_a_fleet_or_refused(told, text, indent):
    with suppress(Failure):
        assert told("groups:\n" + "".join(f"{indent}{line}\n" for line in text.split("\n"))).groups
