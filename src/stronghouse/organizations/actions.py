"""What may be done with organizations."""

import dataclasses
from datetime import datetime

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.ids import new_id
from stronghouse.organizations import store
from stronghouse.organizations.events import OrganizationCreated, OrganizationRenamed
from stronghouse.organizations.model import Organization

MAX_NAME = 256


def create_organization(uow: UnitOfWork, *, name: str, now: datetime) -> Organization:
    """Create an organization; raises Invalid for an unusable name."""
    organization = Organization(new_id(), _checked(name), now)
    store.insert_organization(uow.connection, organization)
    uow.record(OrganizationCreated(organization_id=organization.id, name=organization.name))
    return organization


def rename_organization(uow: UnitOfWork, *, organization_id: str, name: str) -> Organization:
    """Rename an organization; the same name again changes and records nothing."""
    organization = store.find(uow.connection, organization_id)
    if organization is None:
        raise NotFound("There is no such organization.")
    if _checked(name) != organization.name:
        store.rename(uow.connection, organization_id=organization_id, name=_checked(name))
        uow.record(OrganizationRenamed(organization_id=organization_id, before=organization.name, after=_checked(name)))
    return dataclasses.replace(organization, name=_checked(name))


def _checked(name: str) -> str:
    if not 1 <= len(name.strip()) <= MAX_NAME or not name.isprintable():
        raise Invalid(f"An organization's name has 1 to {MAX_NAME} printable characters.", code="name_invalid")
    return name.strip()
