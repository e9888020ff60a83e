"""Where a notice can be sent: only where the settings say, never to an address from telemetry."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Protocol

import httpx

from collectors.endpoint import Endpoint
from diagnose.delivery import TOLD, Outcome, outcome_of
from diagnose.failure import Failure
from diagnose.notify import formats
from diagnose.notify.notice import Kind, Route
from diagnose.notify.outbox import Delivery, Told
from diagnose.settings.notify import NotifySection

ChannelKind = Literal["alertmanager", "webhook", "slack", "pagerduty"]

TIMEOUT_SECONDS: Final = 10.0
LARGEST: Final = 1 << 16  # bytes of an answer that are read
JSON: Final = {"Content-Type": "application/json"}


class Receiver(Protocol):
    """What has to be known of whom notices are sent to."""

    @property
    def name(self) -> str:
        """By which the outbox knows it."""

    @property
    def kind(self) -> ChannelKind:
        """What it speaks."""

    def takes(self, kind: Kind, route: Route) -> bool:
        """Return whether it is told of such notices."""

    def hears_end(self, kind: Kind, louder: bool) -> bool:
        """Return whether it is told that one is over, or only its quieter form (``louder``)."""


class Channel(Receiver, Protocol):
    """Somewhere that notices are sent to."""

    def connected(self) -> AbstractContextManager[httpx.Client]:
        """Return a client to be closed; TLS is verified, redirects are not followed.

        Raises:
            OSError: the file of certificates cannot be read.
        """

    def send(self, client: httpx.Client, delivery: Delivery) -> Outcome:
        """Send one delivery."""


@dataclass(frozen=True, slots=True)
class AlertmanagerChannel:
    """One peer of an Alertmanager; it mutes, groups and routes by itself.

    Attributes:
        endpoint: Where it is.
        hold: How long an alert stays when nothing more is heard.
    """

    endpoint: Endpoint
    hold: timedelta
    kind: ChannelKind = "alertmanager"

    @property
    def name(self) -> str:
        """Its address: each peer is told by itself."""
        return f"alertmanager {self.endpoint.url}"

    def takes(self, kind: Kind, route: Route) -> bool:
        """Pages and tickets, told apart by the label ``severity``."""
        return route in ("page", "ticket")

    def hears_end(self, kind: Kind, louder: bool) -> bool:
        """Always: an alert of another severity is another alert."""
        return True

    def connected(self) -> AbstractContextManager[httpx.Client]:
        """Return a client below the peer's address."""
        return _client(self.endpoint)

    def send(self, client: httpx.Client, delivery: Delivery) -> Outcome:
        """Send one alert."""
        return self.send_again(client, (delivery.told,))

    def send_again(self, client: httpx.Client, told: Sequence[Told]) -> Outcome:
        """Send the alerts that stand, so that a peer that lost them knows them again."""
        now = datetime.now(UTC)
        alerts = [formats.alertmanager_alert(one, now, self.hold) for one in told]
        return posted(client, "api/v2/alerts", json=alerts)


@dataclass(frozen=True, slots=True)
class WebhookChannel:
    """A server of the site's, told in JSON.

    Attributes:
        endpoint: Where it is.
        secret: With which messages are signed; None for no signature.
    """

    endpoint: Endpoint
    secret: str | None = field(repr=False)
    kind: ChannelKind = "webhook"
    name: str = "webhook"

    def takes(self, kind: Kind, route: Route) -> bool:
        """Everything that is told one by one, and the digest."""
        return route in ("page", "ticket")

    def hears_end(self, kind: Kind, louder: bool) -> bool:
        """What was told, except that a ticket became a page: it has the same key."""
        return kind != "digest" and not louder

    def connected(self) -> AbstractContextManager[httpx.Client]:
        """Return a client with what lets us in."""
        return _client(self.endpoint)

    def send(self, client: httpx.Client, delivery: Delivery) -> Outcome:
        """Send one message; a repetition has the same key."""
        body = formats.webhook_body(delivery)
        moment = str(int(time.time()))
        headers = {**JSON, "Idempotency-Key": f"aitia-{delivery.id}", formats.TIMESTAMP: moment}
        if self.secret:
            headers[formats.SIGNATURE] = formats.signature(self.secret, moment, body)
        return posted(client, self.endpoint.url, content=body, headers=headers)


@dataclass(frozen=True, slots=True)
class SlackChannel:
    """A channel of Slack.

    Attributes:
        url: Of its incoming webhook, a secret.
    """

    url: str = field(repr=False)
    kind: ChannelKind = "slack"
    name: str = "slack"

    def takes(self, kind: Kind, route: Route) -> bool:
        """Pages, tickets and the digest."""
        return route in ("page", "ticket")

    def hears_end(self, kind: Kind, louder: bool) -> bool:
        """What was told, except that a ticket became a page."""
        return kind != "digest" and not louder

    def connected(self) -> httpx.Client:
        """Return a client."""
        return httpx.Client(timeout=TIMEOUT_SECONDS)

    def send(self, client: httpx.Client, delivery: Delivery) -> Outcome:
        """Send one message."""
        return posted(client, self.url, json=formats.slack_message(delivery), secret=self.url)


@dataclass(frozen=True, slots=True)
class PagerDutyChannel:
    """A service of PagerDuty: it is told of pages alone.

    Attributes:
        url: Of the Events API.
        routing_key: Which service, a secret.
    """

    url: str
    routing_key: str = field(repr=False)
    kind: ChannelKind = "pagerduty"
    name: str = "pagerduty"

    def takes(self, kind: Kind, route: Route) -> bool:
        """Only what pages."""
        return route == "page"

    def hears_end(self, kind: Kind, louder: bool) -> bool:
        """Always; it closes the incident by its key."""
        return True

    def connected(self) -> httpx.Client:
        """Return a client."""
        return httpx.Client(timeout=TIMEOUT_SECONDS)

    def send(self, client: httpx.Client, delivery: Delivery) -> Outcome:
        """Send one event; PagerDuty knows a repetition by its key."""
        event = formats.pagerduty_event(delivery, self.routing_key)
        return posted(client, self.url, json=event, secret=self.routing_key)


def channels(section: NotifySection) -> tuple[Channel, ...]:
    """Return whom the settings name.

    Raises:
        Failure: an address is none, or two Alertmanagers have the same.
    """
    found = tuple(_channels(section))
    names = [channel.name for channel in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise Failure(f"notify.alertmanagers names {min(twice)} twice", "name each peer once")
    return found


def _channels(section: NotifySection) -> Iterator[Channel]:
    hold = timedelta(hours=section.hold_hours)
    for peer in section.alertmanagers:
        if peer.url is None:
            raise Failure("notify.alertmanagers has a peer without a url", "give its address")
        yield AlertmanagerChannel(Endpoint.of(peer), hold)
    webhook, slack, pagerduty = section.webhook, section.slack, section.pagerduty
    if webhook.url:
        secret = webhook.secret.get_secret_value() if webhook.secret else None
        yield WebhookChannel(Endpoint.of(webhook), secret)
    if slack.url:
        url = slack.url.get_secret_value()
        if not url.startswith(("https://", "http://")):
            raise Failure("notify.slack.url is no address", "give that of the incoming webhook")
        yield SlackChannel(url)
    if pagerduty.routing_key:
        yield PagerDutyChannel(pagerduty.url, pagerduty.routing_key.get_secret_value())


def posted(client: httpx.Client, url: str, *, secret: str = "", **what: object) -> Outcome:
    """Return what became of a POST request.

    Args:
        client: What speaks HTTP.
        url: Where to.
        secret: What must not be told, whatever the answer repeats; "" for nothing.
        what: Body and headers, as httpx takes them.
    """

    def told(text: str) -> str:
        hidden = text.replace(secret, "**********") if secret else text
        return " ".join(hidden.split())[:TOLD]

    try:
        with client.stream("POST", url, **what) as answer:  # type: ignore[arg-type]
            body = b""
            for part in answer.iter_bytes():
                body += part
                if len(body) > LARGEST:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Outcome("later", told(str(error) or type(error).__name__))
    return outcome_of(answer, told(f"HTTP {answer.status_code} {body.decode(errors='replace')}"))


@contextmanager
def _client(endpoint: Endpoint) -> Iterator[httpx.Client]:
    with endpoint.opened() as connection:
        yield connection.client
