"""Sessions that are bound to a browser and renew their tokens, and when a person was seen last.

Sessions of before are not kept: what they would have to hold is not known. People sign in again.
"""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of sessions anew; SQLite adds no column to a table that may not be empty in it."""
    op.drop_index(op.f("ix_session_user_id"), table_name="session")
    op.drop_table("session")
    op.create_table(
        "session",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("last_seen_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("user_agent", sa.String(length=256), nullable=True),
        sa.Column("binding_hash", sa.String(length=64), nullable=True),
        sa.Column("stepped_up_at", Timestamp(), nullable=False),
        sa.Column("token_issued_at", Timestamp(), nullable=False),
        sa.Column("previous_token_hash", sa.String(length=64), nullable=True),
        sa.Column("previous_issued_at", Timestamp(), nullable=True),
        sa.Column("previous_until", Timestamp(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["person.id"], name=op.f("fk_session_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_session_token_hash")),
    )
    op.create_index(op.f("ix_session_user_id"), "session", ["user_id"], unique=False)
    op.create_index(op.f("ix_session_previous_token_hash"), "session", ["previous_token_hash"], unique=False)
    op.add_column("person", sa.Column("last_seen_at", Timestamp(), nullable=True))
