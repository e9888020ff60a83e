"""What was done about a fault, and whether it worked."""

import sqlalchemy as sa
from alembic import op

revision = "004"
down_revision = "003"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "repairs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("entity", sa.Text, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("runbook", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("incident", sa.Text, sa.ForeignKey("incidents.id")),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", TIME, nullable=False),
    )
    op.create_index("repairs_by_entity", "repairs", ["entity", "at"])
    op.create_index("repairs_by_runbook", "repairs", ["runbook", "step"])
