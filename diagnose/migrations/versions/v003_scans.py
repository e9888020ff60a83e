"""How far scans of the fleet are, and what they found; a prediction is stored once."""

import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"

TIME = sa.DateTime(timezone=True)
TWICE = """
DELETE FROM predictions WHERE id NOT IN (
    SELECT MIN(id) FROM predictions GROUP BY entity, failure, made_at
)
"""


def upgrade() -> None:
    """Create the tables, and make predictions unique."""
    op.create_table(
        "scans",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("group", sa.Text, nullable=False),
        sa.Column("moment", TIME, nullable=False),
        sa.Column("hosts", sa.Integer, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME),
    )
    op.create_index("scans_by_time", "scans", ["group", "moment"])
    op.create_table(
        "scan_shards",
        sa.Column("scan", sa.Text, sa.ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("done_at", TIME),
    )
    op.create_table(
        "findings",
        sa.Column("scan", sa.Text, sa.ForeignKey("scans.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("host", sa.Text, primary_key=True),
        sa.Column("moment", TIME, nullable=False),
        sa.Column("incident", sa.Text),
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("findings_by_host", "findings", ["host", "moment"])
    op.execute(TWICE)
    op.create_index(
        "predictions_once", "predictions", ["entity", "failure", "made_at"], unique=True
    )
