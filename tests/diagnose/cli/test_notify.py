"""``aitia notify``: what came back, and what is told, to people and to programs."""

import json

import pytest

from diagnose.config import load
from diagnose.notify.ledger import Round
from diagnose.notify.notifier import Notifier
from tests.diagnose.notify.made import nothing_muted, notice
from tests.static_server import served


@pytest.fixture
def settings(tmp_path):
    def write(**notify):
        file = tmp_path / "aitia.yml"
        file.write_text(json.dumps({"notify": notify}))
        return file

    return write


def test_every_channel_is_tried_and_what_came_back_is_told(run, settings):
    seen = []

    def answer(path, headers, body):
        seen.append((path, json.loads(body)))
        return (403, b"no such token") if path == "/slack" else (200, b"ok")

    with served(answer) as url:
        file = settings(
            alertmanagers=[{"url": url}],
            webhook={"url": f"{url}/hook"},
            slack={"url": f"{url}/slack"},
            pagerduty={"url": f"{url}/pager", "routing_key": "k"},
        )
        status, answered, _ = run("notify", "test", "-o", "json", "--config", file)
    told = {one["channel"]: one for one in json.loads(answered)}
    assert status == 1
    assert [one["reached"] for one in told.values()] == [True, True, False, True]
    assert told["slack"]["answer"] == "HTTP 403 no such token"
    paths = [path for path, _ in seen]
    assert paths == ["/api/v2/alerts", "/hook", "/slack", "/pager", "/pager"]
    assert [body["event_action"] for path, body in seen if path == "/pager"] == [
        "trigger",
        "resolve",
    ]
    assert seen[0][1][0]["labels"] == {
        "alertname": "AitiaTest",
        "severity": "info",
        "source": "aitia",
    }


def test_without_a_channel_the_way_out_is_told(run, settings):
    status, _, said = run("notify", "test", "--config", settings())
    assert status == 2
    assert "set notify.alertmanagers" in said


def test_what_is_told_and_what_could_not_be_sent_is_shown(run, settings):
    file = settings(webhook={"url": "http://127.0.0.1:1"}, pages_per_week=3)
    assert "nobody is told of anything" in run("notify", "pending", "--config", file)[1]
    notifier = Notifier.of(load(file))
    notifier.ledger.settle(Round("", (notice("db1/\x1b[31msda"),)), nothing_muted)
    notifier.stop()
    status, answered, _ = run("notify", "pending", "--config", file)
    assert status == 0
    assert "disk-failure of db1/ sda expected within 12 h (90 %)" in answered
    assert "webhook" in answered
    assert "group of all: 1 of 3" in answered
    told = json.loads(run("notify", "pending", "-o", "json", "--config", file)[1])
    assert told["standing"][0]["labels"]["severity"] == "critical"
    assert [one["status"] for one in told["unsent"]] == ["waiting"]
    assert told["pages_last_7_days"] == {"": 1}
