"""Answers of a receiver, over real HTTP."""

import time

import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from diagnose.agent.otlp import Request
from diagnose.agent.sender import Sender, connection, send
from diagnose.agent.spool import Spool
from diagnose.settings.sections import EndpointSection
from tests.diagnose.agent.receiver import receiving

EMPTY = Request("v1/logs", bytes.fromhex("1f8b08000000000000ff03000000000000000000"), 3)


@pytest.fixture
def receiver():
    with receiving() as running:
        yield running


@pytest.mark.parametrize(
    ("status", "headers", "answer", "pause"),
    [
        (200, {}, "sent", None),
        (202, {}, "sent", None),
        (400, {}, "refused", None),
        (413, {}, "refused", None),
        (401, {}, "later", None),
        (404, {}, "later", None),
        (307, {"location": "http://elsewhere.example/"}, "later", None),
        (429, {"retry-after": "7"}, "later", 7.0),
        (503, {"retry-after": "2"}, "later", 2.0),
        (503, {"retry-after": "soon"}, "later", None),
        (500, {}, "later", None),
    ],
)
def test_what_an_answer_means(receiver, status, headers, answer, pause):
    receiver.answers = [(status, headers)]
    with connection(EndpointSection(url=receiver.url)) as client:
        outcome = send(client, EMPTY)
    assert (outcome.answer, outcome.pause_seconds) == (answer, pause)
    assert bool(outcome.reason) == (answer != "sent")


def test_a_date_to_come_back_at_is_read_by_the_receivers_clock(receiver):
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 30))
    receiver.answers = [(503, {"retry-after": later})]
    with connection(EndpointSection(url=receiver.url)) as client:
        pause = send(client, EMPTY).pause_seconds
    assert pause == pytest.approx(30, abs=3)


def test_nobody_there_is_tried_again():
    with connection(EndpointSection(url="http://127.0.0.1:1")) as client:
        assert send(client, EMPTY).answer == "later"


def test_token_encoding_and_path_below_the_address(receiver):
    endpoint = EndpointSection(url=f"{receiver.url}/aitia", token=SecretStr("secret"))
    with connection(endpoint) as client:
        send(client, EMPTY)
    ((path, headers, _),) = receiver.requests
    assert path == "/aitia/v1/logs"
    assert headers["authorization"] == "Bearer secret"
    assert headers["content-encoding"] == "gzip"
    assert headers["content-type"] == "application/x-protobuf"


def test_it_comes_back_when_it_was_asked_to_and_keeps_the_order(receiver, tmp_path):
    receiver.answers = [(503, {"retry-after": "1"}), (200, {}), (400, {})]
    spool = Spool(tmp_path, 1 << 20)
    spool.put([Request(f"v1/{name}", EMPTY.body, 1) for name in ("a", "b", "c")], {})
    registry = CollectorRegistry()
    endpoint = EndpointSection(url=receiver.url)
    sender = Sender(lambda: Spool(tmp_path, 1 << 20), endpoint, registry)
    began = time.monotonic()
    sender.start()
    assert receiver.wait_for(lambda: len(receiver.requests) == 2)
    sender.stop()
    sender.join(10)
    assert time.monotonic() - began >= 1
    assert [path for path, *_ in receiver.requests] == ["/v1/a", "/v1/c"]
    assert spool.oldest() is None  # the refused one does not stand in the way

    def counted(outcome):
        return registry.get_sample_value("aitia_agent_records_total", {"outcome": outcome})

    assert (counted("sent"), counted("refused"), counted("later")) == (2, 1, 1)
