"""What the audit log is filtered by: columns from the bodies, their indexes, and where the clock ran backwards."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

BATCH = 5_000
FILTERS = ("code", "service_id", "actor_id", "outcome", "address")
entry = sa.table(
    "audit_entry",
    sa.column("index", sa.BigInteger),
    sa.column("created_at", sa.BigInteger),
    sa.column("body", sa.Text),
    sa.column("actor_id", sa.String),
    sa.column("outcome", sa.String),
    sa.column("address", sa.String),
)
step = sa.table("audit_clock_step", sa.column("index", sa.BigInteger))


def upgrade() -> None:
    """Add and fill the columns, then exchange the indexes."""
    op.create_table(
        "audit_clock_step",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_audit_clock_step")),
        comment="entries whose time is before that of the entry before them; between two of these, time only grows",
    )
    # A column that may not be empty needs a default while there are rows; nothing relies on it afterwards.
    op.add_column("audit_entry", sa.Column("actor_id", sa.String(length=64), nullable=False, server_default=""))
    op.add_column("audit_entry", sa.Column("outcome", sa.String(length=16), nullable=False, server_default=""))
    op.add_column("audit_entry", sa.Column("address", sa.String(length=64), nullable=True))
    _fill()
    _find_steps()
    op.drop_index(op.f("ix_audit_entry_organization_id"), table_name="audit_entry")
    op.drop_index(op.f("ix_audit_entry_service_id"), table_name="audit_entry")
    op.create_index(op.f("ix_audit_entry_organization_id_index"), "audit_entry", ["organization_id", "index"])
    for column in FILTERS:
        name = op.f(f"ix_audit_entry_organization_id_{column}_index")
        op.create_index(name, "audit_entry", ["organization_id", column, "index"])


def _fill() -> None:
    connection = op.get_bind()
    last = -1
    change = (
        sa.update(entry)
        .where(entry.c.index == sa.bindparam("of"))
        .values(actor_id=sa.bindparam("actor"), outcome=sa.bindparam("ended"), address=sa.bindparam("place"))
    )
    while True:
        query = sa.select(entry.c.index, entry.c.body).where(entry.c.index > last).order_by(entry.c.index).limit(BATCH)
        rows = connection.execute(query).all()
        if not rows:
            return
        connection.execute(change, [_values(index, body) for index, body in rows])
        last = rows[-1][0]


def _values(index: int, body: str) -> dict[str, object]:
    """The columns of one entry. A body that was damaged stops nothing: checking the log names it."""
    try:
        event = json.loads(body)
        return {"of": index, "actor": event["actor"]["id"], "ended": event["outcome"], "place": event["address"]}
    except (ValueError, KeyError, TypeError):
        return {"of": index, "actor": "", "ended": "", "place": None}


def _find_steps() -> None:
    previous = entry.alias("previous")
    backwards = (
        sa.select(entry.c.index)
        .join(previous, previous.c.index == entry.c.index - 1)
        .where(entry.c.created_at < previous.c.created_at)
    )
    op.get_bind().execute(sa.insert(step).from_select(["index"], backwards))
