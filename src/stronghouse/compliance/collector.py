"""Collects when each organization last made a package that verified."""

from sqlalchemy import Connection

from stronghouse.compliance import store
from stronghouse.compliance.model import PackageState
from stronghouse.kernel.clock import Clock
from stronghouse.organizations.store import every_organization
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "The packages that were made, from the control plane's database: after each the offline verifier read the whole "
    "file, and only one that verified counts."
)


def collect_packages(connection: Connection, *, clock: Clock) -> Facts:
    """Facts about every organization's packages; each belongs to its organization."""
    now = clock.now()
    resources = []
    for organization in every_organization(connection):
        made = store.made(connection, organization.id)
        resources.append(
            Resource(
                {
                    "id": f"packages/{organization.id}",
                    "kind": "packages",
                    "organization_id": organization.id,
                    "pieces": made.pieces,
                    "verified_days_ago": None if made.verified_at is None else max(0, (now - made.verified_at).days),
                    "problem": made.error if made.last_state is PackageState.FAILED else None,
                }
            )
        )
    return Facts(
        collector="packages",
        version=VERSION,
        method=METHOD,
        target="control plane",
        collected_at=now,
        resources=tuple(resources),
    )
