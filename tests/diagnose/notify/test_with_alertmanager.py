"""Real Alertmanagers: one page for one thing, whoever restarts."""

import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from diagnose import database
from diagnose.notify.notifier import Notifier
from diagnose.settings.notify import NotifySection
from tests.diagnose.notify.alertmanagers import Peer, counted
from tests.diagnose.notify.made import GUIDANCE, diagnosis, prediction
from tests.programs import free_port, wait_until
from tests.static_server import served

DISK = [(prediction("db1/sda"), (GUIDANCE,))]
QUIET = 2.0  # seconds in which nothing more may come; Alertmanager groups for 1


@pytest.fixture
def receiver():
    with counted() as (url, notified):
        yield url, notified


@pytest.fixture
def peer(tmp_path, receiver):
    peer = Peer(tmp_path / "am", receiver[0])
    peer.start()
    yield peer
    peer.stop()


@contextmanager
def notifier(folder, *peers, **more):
    urls = [{"url": peer.url} for peer in peers]
    section = NotifySection.model_validate({"alertmanagers": urls, **more})
    engine = database.connect(f"sqlite:///{folder / 'state.db'}")
    made = Notifier(engine, section, CollectorRegistry(), resend_seconds=0.5)
    made.start()
    try:
        yield made
        assert made.alive
    finally:
        made.stop()


def test_one_thing_is_paged_once_and_resolved_whoever_restarts(tmp_path, peer, receiver):
    _, notified = receiver
    with notifier(tmp_path, peer) as teller:
        teller.scanned("", DISK, {"db1"})
        wait_until(lambda: notified.count("firing") == 1, 15)
        teller.scanned("", DISK, {"db1"})
        time.sleep(QUIET)
        assert notified.count("firing") == 1
        peer.stop()
        peer.start()
        wait_until(lambda: "db1/sda" in peer.alerts(), 15, "it is told of again")
    with notifier(tmp_path, peer) as teller:  # another process
        teller.scanned("", DISK, {"db1"})
        time.sleep(QUIET)
        assert notified.count("firing") == 1
        assert notified.count("resolved") == 0
        teller.scanned("", [], {"db1"})
        teller.scanned("", [], {"db1"})
        wait_until(lambda: notified.count("resolved") == 1, 15)
        assert peer.alerts() == {}


def test_what_is_told_and_for_how_long(tmp_path, peer):
    with notifier(tmp_path, peer) as teller:
        teller.scanned("racks", DISK, {"db1"})
        wait_until(lambda: "db1/sda" in peer.alerts(), 15)
        teller.diagnosed(diagnosis())
        wait_until(lambda: "shop" in peer.alerts(), 15)
    told = peer.alerts()  # of one that has stopped
    alert = told["db1/sda"]
    assert alert["labels"] == {
        "alertname": "AitiaFailurePredicted",
        "instance": "db1",
        "entity": "db1/sda",
        "failure": "disk-failure",
        "group": "racks",
        "severity": "critical",
        "source": "aitia",
    }
    said = alert["annotations"]
    assert said["summary"] == "disk-failure of db1/sda expected within 12 h (90 %)"
    assert (said["step"], said["runbook"]) == ("Copy what it holds", "disk-failing")
    assert said["runbook_url"] == "https://example.test/disk"
    left = datetime.fromisoformat(alert["endsAt"]) - datetime.now(UTC)
    assert left > timedelta(hours=23), "a process that died ends no alert"
    assert told["shop"]["labels"]["severity"] == "warning"
    assert told["shop"]["annotations"]["command"] == "aitia incidents show inc-1"


def test_nothing_is_over_because_it_could_not_be_seen(tmp_path, peer, receiver):
    _, notified = receiver
    with notifier(tmp_path, peer) as teller:
        teller.scanned("", DISK, {"db1"})
        wait_until(lambda: notified.count("firing") == 1, 15)
        for _ in range(3):
            teller.scanned("", [], {"db2"})  # db1 said nothing
        time.sleep(QUIET)
        assert "db1/sda" in peer.alerts()
        assert notified.count("resolved") == 0


def test_every_peer_is_told_and_a_dead_one_when_it_is_back(tmp_path, receiver):
    url, notified = receiver
    gossip = free_port(), free_port()
    peers = [
        Peer(tmp_path / "a", url, gossip[0]),
        Peer(tmp_path / "b", url, gossip[1], other=gossip[0]),
    ]
    try:
        for peer in peers:
            peer.start()
        time.sleep(2)  # they find each other
        with notifier(tmp_path, *peers) as teller:
            teller.scanned("", DISK, {"db1"})
            for peer in peers:
                wait_until(lambda peer=peer: "db1/sda" in peer.alerts(), 15)
            time.sleep(QUIET)
            assert notified.count("firing") == 1, "peers tell each other what they sent"
            peers[1].stop()
            teller.scanned("", [], {"db1"})
            teller.scanned("", [], {"db1"})
            wait_until(lambda: notified.count("resolved") == 1, 15)
            waiting = [one.channel for one in teller.outbox.unsent(9)]
            assert waiting == [f"alertmanager {peers[1].url}"]
            peers[1].start()
            wait_until(lambda: not teller.outbox.unsent(9), 15, "the end is told late")
            assert peers[1].alerts() == {}
    finally:
        for peer in peers:
            peer.stop()


def test_what_is_silenced_is_told_nobody_by_any_channel(tmp_path, peer):
    silence = peer.silence(instance="db1")
    told = []

    def webhook(path, headers, body):
        told.append(body)
        return 200, {}

    with served(webhook) as url, notifier(tmp_path, peer, webhook={"url": url}) as teller:
        settled = teller.scanned("", DISK, {"db1"})
        assert list(settled.routes.values()) == ["held"]
        time.sleep(QUIET)
        assert told == []
        assert peer.alerts() == {}
        peer.unsilence(silence)
        settled = teller.scanned("", DISK, {"db1"})
        assert list(settled.routes.values()) == ["page"]
        wait_until(lambda: told and "db1/sda" in peer.alerts(), 15)
        assert len(told) == 1
