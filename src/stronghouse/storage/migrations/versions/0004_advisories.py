"""Tables of advisories."""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "advisory",
        sa.Column("ecosystem", sa.String(length=32), nullable=False),
        sa.Column("package", sa.String(length=200), nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("ranges", sa.Text(), nullable=False),
        sa.Column("versions", sa.Text(), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=200), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("withdrawn_at", Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("ecosystem", "package", "id", name=op.f("pk_advisory")),
    )
    op.create_table(
        "advisory_feed",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("feed_time", Timestamp(), nullable=False),
        sa.Column("imported_at", Timestamp(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("signed_by", sa.String(length=8), nullable=True),
        sa.Column("entries", sa.JSON(), nullable=False),
        sa.Column("ignored", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_feed")),
    )
    op.create_table(
        "advisory_key",
        sa.Column("id", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("verifier_key", sa.String(length=400), nullable=False),
        sa.Column("added_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_advisory_key")),
    )
