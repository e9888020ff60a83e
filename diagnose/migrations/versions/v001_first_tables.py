"""Incidents, diagnoses, predictions, jobs, feedback."""

import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the first tables."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("alert_time", TIME, nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("entity", sa.Text),
        sa.Column("signal", sa.Text),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.UniqueConstraint("source", "fingerprint", name="incidents_once"),
    )
    op.create_index("incidents_by_time", "incidents", ["created_at"])
    op.create_table(
        "diagnoses",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("diagnoses_by_incident", "diagnoses", ["incident", "id"])
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("predictions_by_time", "predictions", ["made_at"])
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
        sa.Column("error", sa.Text),
    )
    op.create_index("jobs_by_status", "jobs", ["status", "kind", "id"])
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id"), nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("entity", sa.Text),
        sa.Column("signal", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
    )
    op.create_index("feedback_by_incident", "feedback", ["incident", "id"])
