"""Tables of guidance."""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "guidance_choice",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("chosen_at", Timestamp(), nullable=False),
        sa.Column("actor_type", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("actor_details", sa.String(length=320), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_guidance_choice")),
    )
    op.create_table(
        "guidance_declined",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("advice", sa.String(length=400), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declined_at", Timestamp(), nullable=False),
        sa.Column("until", Timestamp(), nullable=False),
        sa.Column("actor_type", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=64), nullable=False),
        sa.Column("actor_details", sa.String(length=320), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guidance_declined")),
    )
    op.create_index(
        op.f("ix_guidance_declined_organization_id"), "guidance_declined", ["organization_id"], unique=False
    )
    op.create_table(
        "guidance_task",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("difference", sa.String(length=400), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("finding_id", sa.String(length=64), nullable=False),
        sa.Column("opened_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "difference", name=op.f("pk_guidance_task")),
    )
