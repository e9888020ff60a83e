"""Alerts and deployments that are posted become log records, deployments change events."""

import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.limits import Limits
from collectors.push import Malformed, TooLarge, alertmanager_webhook, deploy_webhook
from diagnose.schema import LOGS
from tests.collectors.push.recorded import NOW, recorded

WEBHOOKS = pytest.mark.parametrize("webhook", [alertmanager_webhook, deploy_webhook])


def rows(webhook, given_, **limits):
    body = given_ if isinstance(given_, bytes) else json.dumps(given_).encode()
    (frame,) = webhook.decoded(body, NOW, Limits(**limits)).frames
    assert frame.schema == LOGS
    return frame.rows()


def test_a_firing_alert_of_alertmanager():
    ((time, entity, severity, body, attributes),) = rows(
        alertmanager_webhook, recorded("alertmanager_webhook_firing_1.json")
    )
    assert time == datetime(2026, 11, 22, 9, 17, 59, 526000, UTC)
    assert (entity, severity) == ("host42", "WARN")
    assert body == "alert NodeTempHigh firing: Sensor CPU0 on host42 is 91.5 C"
    said = json.loads(attributes)
    assert (said["alert"], said["fingerprint"]) == ("NodeTempHigh", "969f5865871bc12d")
    assert "change" not in said


def test_a_resolved_alert_counts_when_it_was_resolved():
    ((time, _, severity, body, attributes),) = rows(
        alertmanager_webhook, recorded("alertmanager_webhook_resolved_1.json")
    )
    assert severity == "INFO"
    assert "resolved" in body
    assert time > datetime.fromisoformat(json.loads(attributes)["starts_at"])


def test_fields_that_grafana_adds_are_of_no_harm():
    given_ = json.loads(recorded("alertmanager_webhook_firing_3.json"))
    given_ |= {"orgId": 1, "title": "x", "state": "alerting"}
    given_["alerts"][0] |= {"values": {"A": 1}, "silenceURL": "http://x"}
    assert len(rows(alertmanager_webhook, given_)) == 1


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"alerts": 1}, "alerts"),
        ({"alerts": [1]}, r"alerts\[0\]"),
        ({"alerts": [{"labels": {"a": 1}}]}, r"alerts\[0\].labels"),
        ({"alerts": [{"labels": {}}]}, r"alerts\[0\].startsAt"),
        ({"alerts": [{"labels": {}, "startsAt": "2026-11-22T10:00:00"}]}, "startsAt"),
        ({"alerts": [{"labels": {}, "startsAt": "0001-01-01T00:00:00+23:00"}]}, "startsAt"),
    ],
)
def test_what_is_no_alert_is_refused_with_its_place(change, place):
    with pytest.raises(Malformed, match=place):
        rows(alertmanager_webhook, change)


def test_a_deployment():
    given_ = {
        "entity": "web1/shop",
        "time": "2026-11-22T10:30:00+01:00",
        "version": "1.4.2",
        "build": 7,
        "ignored": {"a": 1},
    }
    ((time, entity, severity, body, attributes),) = rows(deploy_webhook, given_)
    assert time == datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert (entity, severity, body) == ("web1/shop", "INFO", "deploy 1.4.2")
    assert json.loads(attributes) == {"change": "deploy", "version": "1.4.2", "build": 7}


def test_several_changes_of_other_kinds():
    given_ = [
        {"entity": "a", "change": "config write", "description": "new limits"},
        {"entity": "b"},
    ]
    found = rows(deploy_webhook, given_)
    assert [row[:4] for row in found] == [
        (NOW, "a", "INFO", "new limits"),
        (NOW, "b", "INFO", "deploy"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        1,
        [1],
        {},
        {"entity": ""},
        {"entity": 1},
        {"entity": "a", "change": 1},
        {"entity": "a", "time": 1},
    ],
)
def test_what_is_no_change_is_refused(change):
    with pytest.raises(Malformed, match="deploy webhook: "):
        rows(deploy_webhook, change)


@WEBHOOKS
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'"\\u12"'])
def test_bad_json_is_refused(webhook, body):
    with pytest.raises(Malformed, match="JSON"):
        webhook.decoded(body, NOW)


def test_too_many_are_refused():
    with pytest.raises(TooLarge):
        rows(deploy_webhook, [{"entity": "a"}] * 3, records=2)
    with pytest.raises(TooLarge):
        rows(alertmanager_webhook, {"alerts": [{}] * 3}, records=2)


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["alerts", "labels", "startsAt", "entity", "change", "time", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@WEBHOOKS
@given(value=values)
def test_any_json_is_refused_or_read(webhook, value):
    with suppress(Malformed):
        webhook.decoded(json.dumps(value).encode(), NOW)
