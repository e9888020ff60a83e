"""A notice in the form that each receiver reads; nothing in it can act on a reader's screen.

Texts were made printable when the notice was put into words. Slack would read a mention or a link
in "<...>", and is sent neither: all is plain text with the three characters it asks to be escaped.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from diagnose.notify.notice import LABEL, annotations, labels
from diagnose.notify.outbox import NOTICE, Delivery, Event, Told

Body = Mapping[str, Any]

VERSION: Final = 1  # of the webhook's body
SIGNATURE: Final = "X-Aitia-Signature"
TIMESTAMP: Final = "X-Aitia-Timestamp"
# What the receivers take, in characters.
SLACK_HEADER: Final = 150
SLACK_TEXT: Final = 2900
SLACK_FIELDS: Final = 10
SLACK_FIELD: Final = 1900
PAGERDUTY_SUMMARY: Final = 1024
SHOWN: Final = ("probability", "lead_time", "since", "evidence", "driven_by", "action", "step")
LINKS: Final = ("runbook", "runbook_url", "command")
ENDED: Final[Mapping[Event, str]] = {"fire": "", "resolve": "Over: "}


def alertmanager_alert(told: Told, now: datetime, hold: timedelta) -> Body:
    """Return a notice as an alert of Alertmanager's API v2.

    Args:
        told: The notice.
        now: The moment.
        hold: How long it stays when nothing more is heard.
    """
    return {
        "labels": labels(told.notice, told.route),
        "annotations": annotations(told.notice),
        "startsAt": told.opened_at.isoformat(),
        "endsAt": (told.closed_at or now + hold).isoformat(),
    }


def webhook_body(delivery: Delivery) -> bytes:
    """Return a delivery as the generic webhook's JSON: labels, annotations and the whole notice."""
    told = delivery.told
    body = {
        "version": VERSION,
        "event": delivery.event,
        "key": told.notice.key,
        "route": told.route,
        "expected_loss": told.expected_loss,
        "opened_at": told.opened_at.isoformat(),
        "closed_at": told.closed_at.isoformat() if told.closed_at else None,
        "labels": labels(told.notice, told.route),
        "annotations": annotations(told.notice),
        "notice": NOTICE.dump_python(told.notice, mode="json"),
    }
    return json.dumps(body, allow_nan=False).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return how a webhook's message is signed: who does not know ``secret`` cannot make it.

    The moment is signed too, so that a receiver can refuse an old message that is sent again.

    Example:
        >>> signature("key", "1700000000", b"{}")[:20]
        'sha256=9d713ed406bb7'
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"sha256={signed.hexdigest()}"


def slack_message(delivery: Delivery) -> Body:
    """Return a delivery as a message of Slack's incoming webhooks, in blocks."""
    told = delivery.told
    title = _escaped(f"{ENDED[delivery.event]}{told.notice.summary}")
    said = annotations(told.notice)
    lines = [f"{name.replace('_', ' ')}: {said[name]}" for name in SHOWN if name in said]
    blocks: list[Body] = [{"type": "header", "text": _plain(_cut(title, SLACK_HEADER))}]
    if delivery.event == "fire":
        if lines:
            fields = [_plain(_cut(_escaped(line), SLACK_FIELD)) for line in lines[:SLACK_FIELDS]]
            blocks.append({"type": "section", "fields": fields})
        if description := said.get("description"):
            text = _plain(_cut(_escaped(description), SLACK_TEXT))
            blocks.append({"type": "section", "text": text})
        marks = [told.route, *(said[name] for name in LINKS if name in said)]
        text = _plain(_cut(_escaped(" · ".join(marks)), SLACK_FIELD))
        blocks.append({"type": "context", "elements": [text]})
    return {"text": title, "blocks": blocks}


def pagerduty_event(delivery: Delivery, routing_key: str) -> Body:
    """Return a delivery as an event of PagerDuty's Events API v2."""
    told = delivery.told
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "trigger" if delivery.event == "fire" else "resolve",
        "dedup_key": f"aitia-{told.notice.key}",
    }
    if delivery.event == "resolve":
        return event
    own = labels(told.notice, told.route)
    said = annotations(told.notice)
    event["payload"] = {
        "summary": _cut(told.notice.summary, PAGERDUTY_SUMMARY),
        "source": own.get("entity", "aitia"),
        "severity": own["severity"],
        "timestamp": told.opened_at.isoformat(),
        "component": told.notice.host and own["instance"],
        "group": own.get("group", ""),
        "class": own.get("failure", ""),
        "custom_details": said,
    }
    if link := said.get("runbook_url"):
        event["links"] = [{"href": link, "text": _cut(said["runbook"], LABEL)}]
    return event


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _plain(text: str) -> Body:
    return {"type": "plain_text", "text": text, "emoji": False}
