"""The section of the settings that says who is told of what, and how often people may be paged."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr

from diagnose.settings.sections import EndpointSection, Section, UserPath

Pages = Annotated[int, Field(ge=0)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class WebhookSection(EndpointSection):
    """A server of the site's that is told in JSON."""

    secret: SecretStr | None = None
    """Key with which each message is signed (HMAC-SHA256)."""
    secret_file: UserPath | None = None
    """File that holds the key."""


class SlackSection(Section):
    """A channel of Slack, or of what speaks like it."""

    url: SecretStr | None = None
    """Address of the incoming webhook, a secret; nothing is sent where there is none."""
    url_file: UserPath | None = None
    """File that holds the address."""


class PagerDutySection(Section):
    """A service of PagerDuty, or of what speaks its Events API v2."""

    routing_key: SecretStr | None = None
    """Integration key; nothing is sent where there is none."""
    routing_key_file: UserPath | None = None
    """File that holds the key."""
    url: str = Field(default="https://events.pagerduty.com/v2/enqueue", pattern=r"^https?://[^@]+$")
    """Address of the Events API."""


class NotifySection(Section):
    """Who is told of predictions and diagnoses, and how often people may be paged."""

    alertmanagers: tuple[EndpointSection, ...] = ()
    """Every Alertmanager to tell, each peer of a pair by itself, with the keys of
    `sources.alertmanager`; their silences hold for all channels."""
    webhook: WebhookSection = Field(default_factory=WebhookSection)
    slack: SlackSection = Field(default_factory=SlackSection)
    pagerduty: PagerDutySection = Field(default_factory=PagerDutySection)
    pages_per_week: int = Field(default=5, ge=0)
    """Pages that a group may get within any seven days; the rest become tickets."""
    group_pages_per_week: Mapping[str, Pages] = Field(default_factory=dict)
    """The same for single groups, by their names."""
    page_within_hours: float = Field(default=24.0, gt=0)
    """Lead time up to which a failure that is expected may page."""
    page_probability: float = Field(default=0.5, ge=0, le=1)
    """Least probability that may page."""
    ticket_within_hours: float = Field(default=168.0, gt=0)
    """Lead time up to which it is a ticket; what is further off goes into the daily digest."""
    costs: Mapping[str, Cost] = Field(default_factory=dict)
    """What a failure costs, by its name, in any unit: who is paged is chosen by probability times
    cost. One that is not named costs 1; an incident that was diagnosed is called `incident`."""
    digest_hour: int = Field(default=8, ge=0, le=23)
    """Hour of the day, in UTC, after which the digest is sent."""
    hold_hours: float = Field(default=24.0, ge=0.25)
    """How long an alert stays in Alertmanager when nothing more is heard from aitia."""
