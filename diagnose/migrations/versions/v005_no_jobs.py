"""No jobs: one process never asked another for work in this way."""

from alembic import op

revision = "005"
down_revision = "004"


def upgrade() -> None:
    """Drop the table."""
    op.drop_table("jobs")
