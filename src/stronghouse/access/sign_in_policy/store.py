"""The table of sign-in policies. An organization without a row has the default."""

from sqlalchemy import Boolean, Column, Connection, Integer, Table, delete, insert, select

from stronghouse.access.sign_in_policy.model import DEFAULT, SignInPolicy
from stronghouse.storage.columns import identifier, metadata

sign_in_policy = Table(
    "sign_in_policy",
    metadata,
    Column("organization_id", identifier(), primary_key=True),
    Column("second_factor_required", Boolean, nullable=False),
    Column("idle_minutes", Integer, nullable=False),
    Column("absolute_minutes", Integer, nullable=False),
)


def policy_of(connection: Connection, organization_id: str) -> SignInPolicy:
    """An organization's policy."""
    columns = [one for one in sign_in_policy.c if one.name != "organization_id"]
    query = select(*columns).where(sign_in_policy.c.organization_id == organization_id)
    row = connection.execute(query).one_or_none()
    return DEFAULT if row is None else SignInPolicy(**row._asdict())


def replace(connection: Connection, policy: SignInPolicy, *, organization_id: str) -> None:
    """Keep an organization's policy in place of the one that it had."""
    connection.execute(delete(sign_in_policy).where(sign_in_policy.c.organization_id == organization_id))
    connection.execute(insert(sign_in_policy).values(organization_id=organization_id, **policy.__dict__))
