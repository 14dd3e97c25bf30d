"""Looks at whom each organization tells of what changes, and how the last delivery went."""

from sqlalchemy import Connection

from stronghouse.kernel.clock import Clock
from stronghouse.notifications import store
from stronghouse.organizations import store as organizations
from stronghouse.organizations.operator import is_operator
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.services import store as services

VERSION = 1
METHOD = "The channels of every organization are read from the database with the outcome of their last delivery."


def collect_notification_channels(connection: Connection, *, clock: Clock) -> Facts:
    """Facts about each organization's channels as they stand in `connection`'s snapshot."""
    collected_at = clock.now()
    channels: dict[str, list[str]] = {}
    for channel in store.every_channel(connection):
        channels.setdefault(channel.organization_id, []).append(channel.state)
    with_services = {service.organization_id for service in services.every_service(connection)}
    resources = []
    for organization in organizations.every_organization(connection):
        states = channels.get(organization.id, [])
        watched = organization.id in with_services or is_operator(connection, organization.id)
        resources.append(
            Resource(
                {
                    "id": f"notifications/{organization.id}",
                    "kind": "notifications",
                    "organization_id": organization.id,
                    "watched": watched,
                    "working": states.count("working"),
                    "untried": states.count("untried"),
                    "failing": states.count("failing"),
                }
            )
        )
    return Facts(
        collector="notification_channels",
        version=VERSION,
        method=METHOD,
        target="control plane",
        collected_at=collected_at,
        resources=tuple(resources),
    )
