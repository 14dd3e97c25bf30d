"""Tables of packages, and the day on which evidence expired."""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "package",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("period_from", Timestamp(), nullable=False),
        sa.Column("period_to", Timestamp(), nullable=False),
        sa.Column("sample", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("manifest", sa.String(length=64), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", Timestamp(), nullable=True),
        sa.Column("verified_at", Timestamp(), nullable=True),
        sa.Column("expires_at", Timestamp(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package")),
    )
    op.create_index(op.f("ix_package_organization_id"), "package", ["organization_id"], unique=False)
    op.create_index(op.f("ix_package_state"), "package", ["state"], unique=False)
    op.add_column("evidence", sa.Column("expired_at", Timestamp(), nullable=True))
