"""A service, its states, and which command is possible in which state."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from stronghouse.access.model import Source


class ServiceState(StrEnum):
    """The states of the Cloud API that a service here can be in."""

    PROVISIONING = "provisioning"
    STARTING = "starting"
    RUNNING = "running"
    IDLE = "idle"
    AWAKING = "awaking"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATING = "terminating"
    FAILED = "failed"


class Command(StrEnum):
    """What a caller may ask of a service's state."""

    START = "start"
    STOP = "stop"
    AWAKE = "awake"


class Wanted(StrEnum):
    """What the region is asked to bring about."""

    RUNNING = "running"
    STOPPED = "stopped"
    DELETED = "deleted"


SLOTS = 21
"""Services of a region at most: ports N+4 to N+24 (design.md section 6)."""
REPLICAS = 1
"""Processes of an embedded service."""
DELETABLE = frozenset({ServiceState.STOPPED, ServiceState.IDLE, ServiceState.FAILED})


@dataclass(frozen=True)
class Service:
    """A ClickHouse service. `slot` is its place in the region's port range; `version` the desired state's version."""

    id: str
    organization_id: str
    region: str
    slot: int
    name: str
    state: ServiceState
    wanted: Wanted
    version: int
    reason: str | None
    engine_version: str | None
    key_id: str | None
    ip_access: tuple[Source, ...]
    username: str
    password_sha256: str
    idle_scaling: bool
    idle_timeout_minutes: int
    memory_gb: int
    created_at: datetime
