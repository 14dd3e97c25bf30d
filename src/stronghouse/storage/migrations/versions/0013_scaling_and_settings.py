"""When a service's limits change by themselves, and the settings that its engine begins with."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; no service has a schedule or settings yet."""
    op.add_column("service", sa.Column("schedule", sa.JSON(), nullable=True))
    op.add_column("service", sa.Column("active_entry_id", sa.String(length=36), nullable=True))
    # A column that may not be empty needs a default while there are rows; nothing relies on it afterwards.
    op.add_column("service", sa.Column("settings", sa.JSON(), nullable=False, server_default="{}"))
