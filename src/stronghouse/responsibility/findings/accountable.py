"""Naming the member who answers for a row of the matrix."""

from sqlalchemy import Connection

from stronghouse.access.model import User
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import NotFound
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.findings import store
from stronghouse.responsibility.findings.events import AccountableChanged
from stronghouse.responsibility.findings.persons import find_member, member_view


def set_accountable(
    uow: UnitOfWork, catalogue: Catalogue, *, organization_id: str, row_id: str, member: str | None
) -> User | None:
    """Name the member (user id or e-mail address) who answers for a row, or nobody. Naming the same again is no event.

    Raises:
        NotFound: there is no such row.
        Invalid: it is no member.
    """
    if row_id not in {row.id for row in catalogue.responsibilities}:
        raise NotFound("There is no such responsibility.")
    user = None if member is None else find_member(uow.connection, member, organization_id=organization_id)
    before = store.accountable_members(uow.connection, organization_id).get(row_id)
    after = None if user is None else user.id
    if before != after:
        store.set_accountable(uow.connection, organization_id=organization_id, row_id=row_id, user_id=after)
        uow.record(AccountableChanged(organization_id=organization_id, row=row_id, before=before, after=after))
    return user


def accountable_views(connection: Connection, organization_id: str) -> dict[str, dict[str, str]]:
    """Who answers for which row; one who is no member any more answers for nothing."""
    named = store.accountable_members(connection, organization_id)
    views = {
        user_id: member_view(connection, user_id, organization_id=organization_id) for user_id in set(named.values())
    }
    return {row_id: view for row_id, user_id in named.items() if (view := views[user_id]) is not None}
