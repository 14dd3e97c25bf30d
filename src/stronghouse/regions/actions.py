"""What may be done with regions: create one, say what it is to bring about, read it back."""

import re
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Conflict, Invalid, NotFound
from stronghouse.regions import events, store
from stronghouse.regions.model import Agent, DesiredState, Region

# A region's name becomes a label in host names (RFC 1123 section 2.1).
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?\Z")


def create_region(
    uow: UnitOfWork,
    *,
    region_id: str,
    now: datetime,
    cloud_provider: str | None = None,
    cloud_region: str | None = None,
) -> Region:
    """Make a region. `cloud_provider` and `cloud_region` name the cloud region that it stands for, both or neither.

    Raises:
        Invalid: its name is not 1 to 32 lower-case letters, digits and hyphens, or half a cloud region is named.
        Conflict: there is one of this name, or one that stands for the same cloud region.
    """
    if not _NAME.match(region_id):
        raise Invalid("A region's name has 1 to 32 lower-case letters, digits or hyphens.", code="region_invalid")
    if (cloud_provider is None) != (cloud_region is None):
        raise Invalid("A region stands for a provider and a region of it, or for neither.", code="region_invalid")
    for other in store.find_regions(uow.connection):
        same_cloud = cloud_region is not None and (other.cloud_provider, other.cloud_region) == (
            cloud_provider,
            cloud_region,
        )
        if other.id == region_id or same_cloud:
            raise Conflict(f"Region {other.id} exists already.", code="region_exists")
    region = Region(region_id, cloud_provider, cloud_region, version=0, created_at=now)
    store.insert_region(uow.connection, region)
    stands_for = None if cloud_region is None else f"{cloud_provider}/{cloud_region}"
    uow.record(events.RegionCreated(organization_id=None, region_id=region_id, stands_for=stands_for))
    return region


def resolve_region(connection: Connection, *, provider: str | None, region: str | None) -> Region:
    """The region that a create request means: by its own name, by the cloud region it stands for, or the only one.

    Raises:
        Invalid: nothing of the kind; the sentence lists what there is.
    """
    known = store.find_regions(connection)
    if region is None and len(known) == 1:
        return known[0]
    for candidate in known:
        stands_for = (candidate.cloud_provider, candidate.cloud_region)
        if region is not None and (
            candidate.id == region or (stands_for[1] == region and provider in {None, stands_for[0]})
        ):
            return candidate
    names = ", ".join(_describe(candidate) for candidate in known) or "none yet"
    raise Invalid(f"There is no region {(region or '')[:64]!r} here. Regions: {names}.", code="region_unknown")


def publish(uow: UnitOfWork, *, region_id: str, kind: str, resource_id: str, document: dict[str, Json] | None) -> int:
    """Put a document into a region's desired state, or take it out with None; the new desired version.

    It is part of the caller's change, who records the event for it. After the commit call `Hub.notify`.

    Raises:
        NotFound: there is no such region.
    """
    version = store.raise_version(uow.connection, region_id)
    if version is None:
        raise NotFound("There is no such region.", detail=region_id)
    store.put_desired(
        uow.connection, region_id=region_id, kind=kind, resource_id=resource_id, version=version, document=document
    )
    return version


def desired_state(connection: Connection, region_id: str) -> DesiredState:
    """What a region is to bring about; raises NotFound."""
    return DesiredState(find_region(connection, region_id).version, store.find_desired(connection, region_id))


def find_region(connection: Connection, region_id: str) -> Region:
    """A region by its name; raises NotFound."""
    region = store.find_region(connection, region_id)
    if region is None:
        raise NotFound("There is no such region.", detail=region_id)
    return region


def find_regions(connection: Connection) -> list[Region]:
    """All regions, oldest first."""
    return store.find_regions(connection)


def find_agents(connection: Connection, *, region_id: str | None = None) -> list[Agent]:
    """The agents that are not revoked, of one region or of all: their certificates, clocks and last signs of life."""
    return store.find_agents(connection, region_id=region_id)


def _describe(region: Region) -> str:
    return (
        region.id if region.cloud_region is None else f"{region.id} (for {region.cloud_provider}/{region.cloud_region})"
    )
