"""The tables of the state database, as the newest migration leaves them.

A change here needs a new file in ``migrations/versions/``; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()


class UtcTime(sa.types.TypeDecorator[datetime]):
    """A moment; it goes in with a time zone and comes out in UTC, on SQLite too."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return what the database stores, and refuse a moment of no time zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return the moment in UTC; SQLite forgets the zone that it was given."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# What an operator sees as one event. The fingerprint is the source's own key for it, so that the
# same alert, delivered twice, is one incident.
INCIDENTS: Final = sa.Table(
    "incidents",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("alert_time", UtcTime, nullable=False),
    sa.Column("as_of", UtcTime, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("signal", sa.Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.UniqueConstraint("source", "fingerprint", name="incidents_once"),
    sa.Index("incidents_by_time", "created_at"),
)

# Every answer that was given, as JSON of ``diagnose.schema.Diagnosis``; the newest counts.
DIAGNOSES: Final = sa.Table(
    "diagnoses",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("diagnoses_by_incident", "incident", "id"),
)

PREDICTIONS: Final = sa.Table(
    "predictions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("predictions_by_time", "made_at"),
    sa.Index("predictions_once", "entity", "failure", "made_at", unique=True),
)

# What people said about a diagnosis: the labels from which probabilities are calibrated.
FEEDBACK: Final = sa.Table(
    "feedback",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("entity", sa.Text),
    sa.Column("signal", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Index("feedback_by_incident", "incident", "id"),
)

# What people are told of: one row from the moment that something is expected until it is gone. A
# page is counted by ``paged_at``; the document is JSON of ``diagnose.notify.notice.Notice``.
NOTICES: Final = sa.Table(
    "notices",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("route", sa.Text, nullable=False),
    sa.Column("expected_loss", sa.Float, nullable=False),
    sa.Column("absent", sa.Integer, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("paged_at", UtcTime),
    sa.Column("expires_at", UtcTime),
    sa.Column("closed_at", UtcTime),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index(
        "notices_open_once",
        "key",
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    ),
    sa.Index("notices_by_page", "group", "paged_at"),
    sa.Index("notices_by_end", "closed_at"),
)

# The outbox: what is to be sent where, once for each notice, channel and event.
DELIVERIES: Final = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "notice", sa.Integer, sa.ForeignKey("notices.id", ondelete="CASCADE"), nullable=False
    ),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("next_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("error", sa.Text, nullable=False),
    sa.UniqueConstraint("notice", "channel", "event", name="deliveries_once"),
    sa.Index("deliveries_due", "status", "channel", "next_at"),
)

# What the notifier has to remember of itself: the day of the last digest, the silences last read.
NOTIFY_MARKS: Final = sa.Table(
    "notify_marks",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
)

# A look at a group of hosts as of one moment; unfinished, it is resumed.
SCANS: Final = sa.Table(
    "scans",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("moment", UtcTime, nullable=False),
    sa.Column("hosts", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("finished_at", UtcTime),
    sa.Index("scans_by_time", "group", "moment"),
)

# Its parts, until it is finished: JSON of ``diagnose.scan.shards.Shard``.
SCAN_SHARDS: Final = sa.Table(
    "scan_shards",
    METADATA,
    sa.Column("scan", sa.Text, sa.ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("done_at", UtcTime),
)

# What it found, of hosts of which there is something to tell: JSON of ``Finding``.
FINDINGS: Final = sa.Table(
    "findings",
    METADATA,
    sa.Column("scan", sa.Text, sa.ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("host", sa.Text, primary_key=True),
    sa.Column("moment", UtcTime, nullable=False),
    sa.Column("incident", sa.Text),
    sa.Column("format", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Index("findings_by_host", "host", "moment"),
)

# What was done about a fault, and whether it worked; an entity's history is another one after it.
REPAIRS: Final = sa.Table(
    "repairs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("runbook", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id")),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Index("repairs_by_entity", "entity", "at"),
    sa.Index("repairs_by_runbook", "runbook", "step"),
)
