"""A service, its states, and which command is possible in which state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from stronghouse.access.model import Source
from stronghouse.services.schedule import ScheduleEntry


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
class Limits:
    """What a service may use, and whether and when it sleeps.

    Attributes:
        memory_gb: the most memory that its engine may use, in GiB.
        idle_scaling: whether it sleeps.
        idle_timeout_minutes: after how many minutes without a request.
    """

    memory_gb: int
    idle_scaling: bool
    idle_timeout_minutes: int


@dataclass(frozen=True)
class Service:
    """A ClickHouse service.

    Attributes:
        slot: its place in the region's port range.
        version: of the region's desired state that it was last changed with.
        memory_gb, idle_scaling, idle_timeout_minutes: see Limits; what holds while no entry of the schedule is active.
        schedule: when other limits hold.
        active_entry_id: the entry whose limits the region was given; None for none.
        settings: ClickHouse settings that its sessions begin with.
    """

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
    schedule: tuple[ScheduleEntry, ...] = ()
    active_entry_id: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def limits(self) -> Limits:
        """What the region was given: the service's own limits, or those of the active entry."""
        entry = next((one for one in self.schedule if one.id == self.active_entry_id), None)
        own = Limits(self.memory_gb, self.idle_scaling, self.idle_timeout_minutes)
        if entry is None:
            return own
        return Limits(
            own.memory_gb if entry.memory_gb is None else entry.memory_gb,
            own.idle_scaling if entry.idle_scaling is None else entry.idle_scaling,
            own.idle_timeout_minutes if entry.idle_timeout_minutes is None else entry.idle_timeout_minutes,
        )
