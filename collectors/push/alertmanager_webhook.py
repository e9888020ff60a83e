"""Alertmanager's webhook, version 4 -> log records.

Reads:  POST body, JSON; Grafana sends the same with more fields
Emits:  logs; one record an alert, when it began to fire and when it was resolved. The entity is
        what the alert's labels name, its severity the label's; ``attributes.alert`` is its name
See:    https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl

from collectors.limits import Limits, in_time
from collectors.prometheus_labels import entity_of
from collectors.push import Decoded, Malformed, TooLarge
from collectors.push.json_body import moment, parsed
from collectors.push.otlp import NOBODY
from diagnose.schema import LOGS

PROTOCOL: Final = "alertmanager webhook"
# Label "severity" -> OpenTelemetry's short name; any other is WARN: somebody wanted to be told.
SEVERITY: Final = {
    **dict.fromkeys(("page", "critical", "emergency", "fatal"), "FATAL"),
    **dict.fromkeys(("error", "major", "high"), "ERROR"),
    **dict.fromkeys(("info", "none", "notice", "low"), "INFO"),
}
SAYING: Final = ("summary", "description", "message")  # annotations, the most telling first


def decoded(body: bytes, now: datetime, limits: Limits | None = None) -> Decoded:
    """Return the alerts in a notification as records.

    Args:
        body: Unpacked.
        now: The receiver's clock.
        limits: What is taken.

    Raises:
        Malformed: the body is damaged.
    """
    limits = limits or Limits()
    given = parsed(PROTOCOL, body)
    alerts = given.get("alerts") if isinstance(given, dict) else None
    if not isinstance(alerts, list):
        raise Malformed(f"{PROTOCOL}: alerts is a list")
    if len(alerts) > limits.records:
        raise TooLarge(f"{PROTOCOL}: a request holds at most {limits.records} alerts")
    rows = [_record(alert, f"alerts[{i}]", limits) for i, alert in enumerate(alerts)]
    frame, rejected = in_time(pl.DataFrame(rows, LOGS, orient="row"), now, limits)
    return Decoded((frame,) if frame.height else (), rejected)


def _record(alert: object, place: str, limits: Limits) -> tuple[datetime, str, str, str, str]:
    """Return an alert as a row of LOGS.

    Raises:
        Malformed: it is none; ``place`` tells where.
    """
    if not isinstance(alert, dict):
        raise Malformed(f"{PROTOCOL}: {place} is an object")
    labels = _texts(alert.get("labels"), f"{place}.labels", limits)
    annotations = _texts(alert.get("annotations", {}), f"{place}.annotations", limits)
    resolved = alert.get("status") == "resolved"
    began = moment(PROTOCOL, f"{place}.startsAt", alert.get("startsAt"))
    ended = moment(PROTOCOL, f"{place}.endsAt", alert.get("endsAt")) if resolved else began
    name = labels.get("alertname", "")
    saying = next((annotations[key] for key in SAYING if annotations.get(key)), "")
    state = "resolved" if resolved else "firing"
    severity = SEVERITY.get(labels.get("severity", "").lower(), "WARN")
    attributes = {
        "alert": name,
        "status": state,
        "fingerprint": str(alert.get("fingerprint", ""))[: limits.label_bytes],
        "starts_at": began.isoformat(),
        "labels": labels,
    }
    text = f"alert {name} {state}: {saying}" if saying else f"alert {name} {state}"
    return (
        ended,
        entity_of(labels) or NOBODY,
        "INFO" if resolved else severity,
        text[: limits.line_characters],
        json.dumps(attributes),
    )


def _texts(given: object, place: str, limits: Limits) -> Mapping[str, str]:
    """Return an object whose values are texts.

    Raises:
        Malformed: it is none, or has too many; ``place`` tells where.
    """
    if not isinstance(given, dict) or len(given) > limits.labels:
        raise Malformed(f"{PROTOCOL}: {place} is an object of at most {limits.labels} texts")
    if not all(isinstance(value, str) for value in given.values()):
        raise Malformed(f"{PROTOCOL}: {place} holds texts")
    return {key[: limits.label_bytes]: value[: limits.label_bytes] for key, value in given.items()}
