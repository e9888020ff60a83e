"""A test message: whether a channel can be reached, before somebody has to be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from diagnose.delivery import Outcome
from diagnose.notify.channels import Channel
from diagnose.notify.notice import Notice
from diagnose.notify.outbox import Delivery, Told

LASTS: Final = timedelta(minutes=1)  # in Alertmanager


def tried(channel: Channel) -> Outcome:
    """Return what came back to a test message; where it might page somebody, it is over at once."""
    now = datetime.now(UTC)
    told = Told(0, Notice("test"), "ticket", 0.0, now, now, closed_at=now + LASTS)
    begin = Delivery(int(now.timestamp()), channel.name, "fire", told, "waiting", 1, now)
    try:
        with channel.connected() as client:
            outcome = channel.send(client, begin)
            if channel.kind == "pagerduty" and outcome.answer == "sent":
                channel.send(client, replace(begin, event="resolve"))
    except OSError as error:
        return Outcome("later", str(error))
    return outcome
