"""What each receiver is sent, and what its answers lead to."""

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from diagnose.failure import Failure
from diagnose.notify import formats
from diagnose.notify.channels import channels
from diagnose.notify.courier import GIVEN_UP, Courier, Sent
from diagnose.notify.notice import Notice, annotations, labels, of_diagnosis, of_prediction
from diagnose.notify.outbox import Delivery, Outbox, Told
from diagnose.schema import Node
from diagnose.settings.notify import NotifySection
from tests.diagnose.notify.made import (
    GUIDANCE,
    NOW,
    Clock,
    diagnosis,
    ledger,
    nothing_muted,
    notice,
    prediction,
    scan,
)
from tests.static_server import served

HOSTILE = "<!channel> *bold* <https://evil|click> & `x` \x1b[31m\u202e"


def delivery(told=None, event="fire", route="page"):
    closed_at = NOW if event == "resolve" else None
    one = Told(7, told or notice(), route, 9.0, NOW, NOW, closed_at=closed_at)
    return Delivery(42, "any", event, one, "waiting", 0, NOW)


def section(**chosen):
    return NotifySection.model_validate(chosen)


def received(kind, **chosen):
    """Return the (headers, body) of the request that a channel makes for a page."""
    seen = []

    def answer(path, headers, body):
        seen.append((headers, body))
        return 200, b"ok"

    with served(answer) as url:
        told = {name: url if text == "URL" else text for name, text in chosen.items()}
        (channel,) = channels(section(**{kind: told}))
        with channel.connected() as client:
            assert channel.send(client, delivery()).answer == "sent"
    return seen[0]


def test_a_webhook_gets_our_own_schema_signed():
    headers, body = received("webhook", url="URL", secret="s3cret", token="t0ken")
    moment = headers[formats.TIMESTAMP]
    expected = hmac.new(b"s3cret", f"{moment}.{body}".encode(), hashlib.sha256).hexdigest()
    assert headers[formats.SIGNATURE] == f"sha256={expected}"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Idempotency-Key"] == "aitia-42"
    told = json.loads(body)
    assert (told["event"], told["route"], told["expected_loss"]) == ("fire", "page", 9.0)
    assert told["notice"]["prediction"]["evidence"][0]["signal"] == "smart.reallocated"
    assert told["notice"]["guidance"][0]["steps"][1]["id"] == "swap"
    assert told["labels"]["severity"] == "critical"


def test_pagerduty_gets_an_event_and_its_end_by_the_same_key():
    _, body = received("pagerduty", url="URL", routing_key="k3y")
    begin = json.loads(body)
    assert begin["routing_key"] == "k3y"
    assert begin["event_action"] == "trigger"
    assert begin["payload"]["severity"] == "critical"
    assert begin["payload"]["source"] == "db1/sda"
    assert begin["payload"]["custom_details"]["step"] == "Copy what it holds"
    assert begin["links"] == [{"href": "https://example.test/disk", "text": "disk-failing"}]
    end = formats.pagerduty_event(delivery(event="resolve"), "k3y")
    assert end == {
        "routing_key": "k3y",
        "event_action": "resolve",
        "dedup_key": begin["dedup_key"],
    }


def test_slack_gets_blocks():
    _, body = received("slack", url="URL")
    message = json.loads(body)
    assert message["text"] == "disk-failure of db1/sda expected within 12 h (90 %)"
    header, facts, links = message["blocks"]
    assert header["text"]["text"] == message["text"]
    assert {"type": "plain_text", "text": "action: Replace the disk.", "emoji": False} in facts[
        "fields"
    ]
    assert links["elements"][0]["text"] == "page · disk-failing · https://example.test/disk"
    over = formats.slack_message(delivery(event="resolve"))
    assert over["text"].startswith("Over: disk-failure of db1/sda")


def texts(value):
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


@given(st.one_of(st.just(HOSTILE), st.text(min_size=1)))
def test_no_sender_can_make_slack_mention_or_link(name):
    told = notice(name, failure=name, evidence=(Node(name, name),), source=name)
    message = formats.slack_message(delivery(told))
    for text in texts(message):
        assert not set("<>\x1b\u202e") & set(text)
    assert all(block["type"] in ("header", "section", "context") for block in message["blocks"])
    assert all('"mrkdwn"' not in json.dumps(block) for block in message["blocks"])
    assert len(message["blocks"][0]["text"]["text"]) <= formats.SLACK_HEADER


@given(st.text(min_size=1), st.text(), st.text(), st.floats(0, 1), st.floats(0, 1))
def test_labels_stay_while_the_prediction_changes(entity, failure, group, one, other):
    def told(probability):
        made = prediction(entity, probability, 1 + probability, failure, source=str(probability))
        return of_prediction(made, (GUIDANCE,), group)

    first, second = told(one), told(other)
    assert first.key == second.key
    assert labels(first, "page") == labels(second, "page")
    assert all(text for text in labels(first, "page").values())
    json.dumps(dict(annotations(first)), allow_nan=False)


def test_a_diagnosis_and_a_digest_have_words():
    told = of_diagnosis(diagnosis(), "web", alerted=True)
    assert annotations(told)["summary"] == (
        "Root cause of the incident at shop: db1 · disk.free (80 %)"
    )
    assert labels(told, "ticket")["incident"] == "inc-1"
    digest = Notice("digest", failure="2026-03-01", lines=("one", "two"))
    assert annotations(digest) == {"summary": "2 failures to watch", "description": "one\ntwo"}
    assert labels(digest, "ticket") == {
        "alertname": "AitiaDigest",
        "severity": "info",
        "source": "aitia",
    }


def test_what_is_uncalibrated_says_so():
    told = notice(calibration="uncalibrated")
    assert told.summary.endswith("(90 %, uncalibrated)")
    assert annotations(told)["calibration"] == "uncalibrated"


class Step:
    """A courier that is driven by hand against a server that answers what a test says."""

    def __init__(self, book, url, clock, muted=nothing_muted):
        self.answers, self.seen = [], []
        (self.channel,) = channels(section(webhook={"url": url}))
        self.registry = CollectorRegistry()
        self.outbox = Outbox(book.engine)
        sent = Sent(self.registry)
        self.courier = Courier(self.channel, self.outbox, muted, sent, clock)

    def go(self):
        with self.channel.connected() as client:
            self.courier.send_due(client)
        unsent = self.outbox.unsent(9)
        return unsent[0] if unsent else None


@pytest.fixture
def answers():
    """Yield an address and the answers that it is yet to give: (status, headers)."""
    planned: list[int] = []
    seen: list[str] = []

    def answer(path, headers, body):
        seen.append(headers["Idempotency-Key"])
        return planned.pop(0) if planned else 200, b"because"

    with served(answer) as url:
        yield url, planned, seen


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def step(answers, clock):
    (channel,) = channels(section(webhook={"url": answers[0]}))
    with ledger("sqlite:///:memory:", clock, (channel,)) as book:
        scan(book, notice())
        yield Step(book, answers[0], clock)


def test_what_fails_is_sent_again_ever_later_and_then_no_more(step, answers, clock):
    _, planned, seen = answers
    planned += [500, 503]
    for attempt, pause in enumerate((1, 2), start=1):
        waiting = step.go()
        assert (waiting.attempts, waiting.error) == (attempt, waiting.error)
        assert waiting.error in ("HTTP 500 because", "HTTP 503 because")
        step.go()
        assert len(seen) == attempt, "not before its time"
        clock.go(seconds=pause)
    assert step.go() is None
    step.go()
    assert seen == [seen[0]] * 3, "a repetition has the same key"
    value = step.registry.get_sample_value
    assert value("aitia_alert_sent_total", {"channel": "webhook"}) == 1
    assert value("aitia_alert_failed_total", {"channel": "webhook", "outcome": "later"}) == 2


def test_what_is_malformed_is_told_and_not_sent_again(step, answers, clock):
    _, planned, seen = answers
    planned += [400]
    refused = step.go()
    assert (refused.status, refused.error) == ("refused", "HTTP 400 because")
    clock.go(days=2)
    step.go()
    assert len(seen) == 1


def test_a_wrong_token_may_be_repaired_within_a_day(step, answers, clock):
    answers[1][:] = [401, 401]
    assert step.go().status == "waiting"
    clock.now = NOW + GIVEN_UP + timedelta(seconds=1)
    assert step.go().status == "refused"


def test_who_does_not_answer_is_waited_for(clock):
    (channel,) = channels(section(webhook={"url": "http://127.0.0.1:1"}))
    with ledger("sqlite:///:memory:", clock, (channel,)) as book:
        scan(book, notice())
        step = Step(book, "http://127.0.0.1:1", clock)
        for _ in range(3):
            clock.go(days=2)
            assert step.go().status == "waiting"


def test_what_a_killed_process_was_sending_is_sent_after_its_lease(step, answers, clock):
    (waiting,) = step.outbox.unsent(9)
    assert step.outbox.claim(waiting, clock.now)
    assert not step.outbox.claim(waiting, clock.now)
    clock.go(seconds=59)
    assert step.go() is not None
    clock.go(seconds=1)
    assert step.go() is None
    assert len(answers[2]) == 1


def test_what_is_silenced_after_it_was_decided_waits(answers, clock):
    (channel,) = channels(section(webhook={"url": answers[0]}))
    silent = [True]
    with ledger("sqlite:///:memory:", clock, (channel,)) as book:
        scan(book, notice())
        step = Step(book, answers[0], clock, lambda *_: silent[0])
        assert step.go().error == "silenced in Alertmanager"
        silent[0] = False
        clock.go(seconds=30)
        assert step.go() is None


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("Sun, 01 Mar 2026 12:02:00 GMT", 120), ("soon", 1)]
)
def test_a_receiver_that_asks_to_wait_is_heard(said, seconds, clock):
    headers = {"Retry-After": said, "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
    (channel,) = channels(section(webhook={"url": "http://hook.test"}))
    transport = httpx.MockTransport(lambda request: httpx.Response(429, headers=headers))
    with ledger("sqlite:///:memory:", clock, (channel,)) as book:
        scan(book, notice())
        step = Step(book, "http://hook.test", clock)
        with httpx.Client(transport=transport) as client:
            step.courier.send_due(client)
            (waiting,) = step.outbox.unsent(9)
            clock.go(seconds=seconds - 0.5)
            assert step.outbox.due("webhook", clock.now) == ()
            clock.go(seconds=0.5)
            assert step.outbox.due("webhook", clock.now) == (waiting,)


def test_a_secret_address_is_in_no_reason_and_no_repr():
    url = "http://127.0.0.1:1/services/T0/s3cret"
    (channel,) = channels(section(slack={"url": url}))
    assert "s3cret" not in repr(channel)
    transport = httpx.MockTransport(lambda request: httpx.Response(404, text=f"no {request.url}"))
    with httpx.Client(transport=transport) as client:
        assert channel.send(client, delivery()).reason == "HTTP 404 no **********"


def test_an_address_of_telemetry_is_never_asked():
    (channel,) = channels(section(webhook={"url": "http://hook.test/x"}))
    asked = []

    def answer(request):
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "http://elsewhere.test"})

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        hostile = replace(GUIDANCE, references=("http://evil.test/run",))
        told = of_prediction(prediction(), (hostile,), "")
        assert channel.send(client, delivery(told)).answer == "later"
    assert asked == ["http://hook.test/x"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"slack": {"url": "hooks.slack.test"}},
        {"alertmanagers": [{"token": "t"}]},
        {"alertmanagers": [{"url": "http://a"}, {"url": "http://a"}]},
    ],
)
def test_settings_that_lead_nowhere_are_refused(wrong):
    with pytest.raises(Failure, match="notify"):
        channels(section(**wrong))
