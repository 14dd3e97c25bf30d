"""Tables of findings."""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "finding",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=80), nullable=False),
        sa.Column("resource", sa.String(length=400), nullable=False),
        sa.Column("place", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("remediation", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("first_seen_at", Timestamp(), nullable=False),
        sa.Column("opened_at", Timestamp(), nullable=False),
        sa.Column("last_seen_at", Timestamp(), nullable=False),
        sa.Column("resolved_at", Timestamp(), nullable=True),
        sa.Column("reopened", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(length=36), nullable=True),
        sa.Column("due_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_organization_id"), "finding", ["organization_id"], unique=False)
    op.create_index("ix_finding_source", "finding", ["source", "source_id", "place"], unique=False)
    op.create_table(
        "finding_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("finding_id", sa.String(length=64), nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("actor_type", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=80), nullable=False),
        sa.Column("actor_details", sa.String(length=400), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_finding_step_finding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_step")),
    )
    op.create_index(op.f("ix_finding_step_finding_id"), "finding_step", ["finding_id"], unique=False)
    op.create_table(
        "disposition",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("finding_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author_type", sa.String(length=16), nullable=False),
        sa.Column("author_id", sa.String(length=80), nullable=False),
        sa.Column("author_details", sa.String(length=400), nullable=False),
        sa.Column("author_person", sa.String(length=36), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp(), nullable=False),
        sa.Column("duplicate_of", sa.String(length=64), nullable=True),
        sa.Column("approver_type", sa.String(length=16), nullable=True),
        sa.Column("approver_id", sa.String(length=80), nullable=True),
        sa.Column("approver_details", sa.String(length=400), nullable=True),
        sa.Column("approver_person", sa.String(length=36), nullable=True),
        sa.Column("decided_at", Timestamp(), nullable=True),
        sa.Column("ended_at", Timestamp(), nullable=True),
        sa.Column("ended_because", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["duplicate_of"], ["finding.id"], name=op.f("fk_disposition_duplicate_of")),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name=op.f("fk_disposition_finding_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disposition")),
    )
    for column in ("duplicate_of", "finding_id", "state"):
        op.create_index(op.f(f"ix_disposition_{column}"), "disposition", [column], unique=False)
    op.create_table(
        "accountable",
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("row_id", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "row_id", name=op.f("pk_accountable")),
    )
