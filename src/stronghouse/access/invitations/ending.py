"""Ending an invitation because its person is in already, or was taken out: an old link must not bring them back."""

from stronghouse.access.invitations import store
from stronghouse.access.invitations.events import InvitationRevoked
from stronghouse.audit.unit_of_work import UnitOfWork


def forget_invitation(uow: UnitOfWork, *, organization_id: str, email: str) -> None:
    """Take back what waits for an address in an organization, if anything does."""
    found = store.by_email(uow.connection, organization_id=organization_id, email=email)
    if found is not None:
        store.delete_invitation(uow.connection, found.id)
        uow.record(InvitationRevoked(organization_id=organization_id, invitation_id=found.id, email=email))
