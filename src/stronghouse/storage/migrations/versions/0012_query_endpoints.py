"""Query endpoints of services."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the table; there are none yet."""
    op.create_table(
        "query_endpoint",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service_id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("key_ids", sa.JSON(), nullable=False),
        sa.Column("allowed_origins", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_endpoint")),
        sa.UniqueConstraint("service_id", name=op.f("uq_query_endpoint_service_id")),
    )
    op.create_index(op.f("ix_query_endpoint_organization_id"), "query_endpoint", ["organization_id"])
