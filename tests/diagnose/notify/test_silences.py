"""What people have silenced, as several Alertmanagers tell it, or none does."""

from datetime import timedelta

import pytest

from collectors.endpoint import Endpoint
from diagnose import database
from diagnose.notify.outbox import Outbox
from diagnose.notify.silences import Silences
from tests.diagnose.notify.made import NOW, Clock, notice
from tests.static_server import served, tree

NOBODY = Endpoint("http://127.0.0.1:1")


def silence(ends=NOW + timedelta(hours=1), name="s1", **labels):
    matchers = [
        {"name": one, "value": value, "isRegex": False, "isEqual": True}
        for one, value in labels.items()
    ]
    return {
        "id": name,
        "matchers": matchers,
        "startsAt": (NOW - timedelta(hours=1)).isoformat(),
        "endsAt": ends.isoformat(),
        "comment": "",
        "createdBy": "ops",
        "status": {"state": "active"},
    }


def peer(*silences):
    return served(tree({"/api/v2/silences": list(silences)}))


@pytest.fixture
def outbox():
    engine = database.connect("sqlite:///:memory:")
    yield Outbox(engine)
    engine.dispose()


def test_a_silence_of_any_peer_holds_by_host_by_severity_or_by_failure(outbox):
    with peer() as first, peer(silence(instance="db1", severity="critical")) as second:
        silences = Silences([Endpoint(first), Endpoint(second)], outbox, Clock())
        silences.read()
    assert silences.mutes(notice("db1/sda"), "page")
    assert not silences.mutes(notice("db1/sda"), "ticket")
    assert not silences.mutes(notice("db2/sda"), "page")


def test_where_no_peer_answers_what_was_read_last_holds_until_it_ends(outbox):
    clock = Clock()
    with peer(silence(instance="db1")) as url:
        Silences([Endpoint(url)], outbox, clock).read()
    later = Silences([NOBODY], outbox, clock)  # another process
    later.read()
    assert later.mutes(notice("db1/sda"), "page")
    clock.go(hours=1)
    assert not later.mutes(notice("db1/sda"), "page")


def test_a_silence_that_was_ended_by_hand_is_over_though_one_peer_has_not_heard(outbox):
    ended = silence(NOW - timedelta(seconds=1), instance="db1")
    with peer(silence(instance="db1")) as first, peer(ended) as second:
        silences = Silences([Endpoint(first), Endpoint(second)], outbox, Clock())
        silences.read()
    assert not silences.mutes(notice("db1/sda"), "page")
