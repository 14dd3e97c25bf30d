"""Tables of documents."""

import sqlalchemy as sa
from alembic import op

from stronghouse.storage.columns import Timestamp

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "document",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("organization_id", sa.String(length=36), nullable=False),
        sa.Column("request_id", sa.String(length=80), nullable=False),
        sa.Column("document_date", sa.String(length=10), nullable=False),
        sa.Column("valid_until", sa.String(length=10), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("filed_at", Timestamp(), nullable=False),
        sa.Column("filed_by_type", sa.String(length=16), nullable=False),
        sa.Column("filed_by_id", sa.String(length=80), nullable=False),
        sa.Column("filed_by_details", sa.String(length=400), nullable=False),
        sa.Column("filed_by_person", sa.String(length=36), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=True),
        sa.Column("media_type", sa.String(length=120), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
    )
    op.create_index(op.f("ix_document_organization_id"), "document", ["organization_id"], unique=False)
    op.create_table(
        "document_review",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("document_id", sa.String(length=36), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewed_at", Timestamp(), nullable=False),
        sa.Column("reviewed_by_type", sa.String(length=16), nullable=False),
        sa.Column("reviewed_by_id", sa.String(length=80), nullable=False),
        sa.Column("reviewed_by_details", sa.String(length=400), nullable=False),
        sa.Column("reviewed_by_person", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["document_id"], ["document.id"], name=op.f("fk_document_review_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_review")),
    )
    op.create_index(op.f("ix_document_review_document_id"), "document_review", ["document_id"], unique=False)
    op.create_table(
        "region_hosting",
        sa.Column("region_id", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=16), nullable=False),
        sa.Column("declared_at", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("region_id", name=op.f("pk_region_hosting")),
    )
