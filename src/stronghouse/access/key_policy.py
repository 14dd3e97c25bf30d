"""How long API keys of an organization may live: a maximum that each organization may set for itself."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import store
from stronghouse.access.events import KeyPolicyChanged
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Invalid

LONGEST_DAYS = 3650


def maximum_lifetime_days(connection: Connection, organization_id: str) -> int | None:
    """How many days after it was made a key ends at the latest; None where there is no maximum."""
    return store.maximum_key_lifetime(connection, organization_id)


def set_maximum_lifetime(uow: UnitOfWork, *, organization_id: str, days: int | None) -> None:
    """Set or lift the maximum. Keys that live longer go on; `api_keys_within_maximum` fails for them.

    Raises:
        Invalid: not between a day and ten years.
    """
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise Invalid(f"The maximum lifetime of keys is 1 to {LONGEST_DAYS} days.", code="lifetime_invalid")
    before = maximum_lifetime_days(uow.connection, organization_id)
    if days == before:
        return
    store.set_maximum_key_lifetime(uow.connection, organization_id=organization_id, days=days)
    uow.record(KeyPolicyChanged(organization_id=organization_id, days_before=before, days_after=days))


def check_lifetime(
    connection: Connection, *, organization_id: str, created_at: datetime, expires_at: datetime | None
) -> None:
    """Raise Invalid for an end beyond the organization's maximum."""
    days = maximum_lifetime_days(connection, organization_id)
    if days is None:
        return
    if expires_at is None or expires_at - created_at > timedelta(days=days):
        raise Invalid(
            f"Keys of this organization end at most {days} {'day' if days == 1 else 'days'} after they were made; "
            f"set expireAt to {created_at + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ} or earlier, or rotate the key.",
            code="lifetime_exceeded",
        )
