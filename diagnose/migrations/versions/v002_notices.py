"""What people are told of, what is to be sent where, and what the notifier remembers."""

import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"

TIME = sa.DateTime(timezone=True)
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("expected_loss", sa.Float, nullable=False),
        sa.Column("absent", sa.Integer, nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("paged_at", TIME),
        sa.Column("expires_at", TIME),
        sa.Column("closed_at", TIME),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index(
        "notices_open_once",
        "notices",
        ["key"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index("notices_by_page", "notices", ["group", "paged_at"])
    op.create_index("notices_by_end", "notices", ["closed_at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column(
            "notice", sa.Integer, sa.ForeignKey("notices.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("error", sa.Text, nullable=False),
        sa.UniqueConstraint("notice", "channel", "event", name="deliveries_once"),
    )
    op.create_index("deliveries_due", "deliveries", ["status", "channel", "next_at"])
    op.create_table(
        "notify_marks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
    )
