"""Prometheus' HTTP API: what was read, and which alert fired when."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.lab import ports, settings


def series(
    job: str, start: datetime, end: datetime
) -> Iterator[tuple[dict[str, str], list[tuple[float, float]]]]:
    """Yield (labels, [(unix time, value)]) of every series of ``job``, one value a second."""
    found = _get(
        "query_range",
        query=f'{{job="{job}",__name__!~".*_bucket|go_.*|scrape_.*"}}',
        start=str(start.timestamp()),
        end=str(end.timestamp()),
        step="1s",
    )
    for one in found["result"]:
        yield one["metric"], [(float(time), float(value)) for time, value in one["values"]]


def firing() -> tuple[str, datetime] | None:
    """Return the first firing alert and the moment since which its condition holds."""
    fired = [
        (datetime.fromisoformat(alert["activeAt"][:19] + "+00:00"), alert["labels"]["alertname"])
        for alert in _get("alerts")["alerts"]
        if alert["state"] == "firing" and alert["labels"]["alertname"] in settings.SYMPTOMS
    ]
    return (min(fired)[1], min(fired)[0]) if fired else None


def alerts_between(start: datetime, end: datetime) -> list[dict[str, str]]:
    """Return the alerts that fired: name, first instant and last instant."""
    found = _get(
        "query_range",
        query='ALERTS{alertstate="firing"}',
        start=str(start.timestamp()),
        end=str(end.timestamp()),
        step="1s",
    )
    return [
        {"alert": one["metric"]["alertname"], "from": _text(first), "to": _text(last)}
        for one in found["result"]
        for first, last in _runs([float(time) for time, _ in one["values"]])
    ]


def _runs(instants: list[float]) -> Iterator[tuple[float, float]]:
    """Yield first and last instant of each run; a pause of more than two seconds ends one."""
    first = previous = instants[0]
    for instant in instants[1:]:
        if instant - previous > 2:
            yield first, previous
            first = instant
        previous = instant
    yield first, previous


def _text(instant: float) -> str:
    return datetime.fromtimestamp(instant, UTC).isoformat()


def _get(what: str, **parameters: str) -> Any:
    address = f"http://127.0.0.1:{ports.PROMETHEUS}/api/v1/{what}"
    body = urllib.parse.urlencode(parameters).encode() or None
    with urllib.request.urlopen(address, data=body, timeout=60) as answer:
        return json.load(answer)["data"]
