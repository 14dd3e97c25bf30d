"""What is recorded about services."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class ServiceCreated(AuditEvent):
    """A service was asked for."""

    code: ClassVar[str] = "service.create"
    activity: ClassVar[str | None] = "service_create"
    name: str
    region: str
    ip_access: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"Service {self.name!r} was created in region {self.region}."


@dataclass(frozen=True, kw_only=True)
class ServiceRenamed(AuditEvent):
    """A service got another name."""

    code: ClassVar[str] = "service.rename"
    activity: ClassVar[str | None] = "service_update_name"
    before: str
    after: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"Service {self.before!r} was renamed to {self.after!r}."


@dataclass(frozen=True, kw_only=True)
class ServiceIpAccessChanged(AuditEvent):
    """The list of addresses that may reach a service was changed."""

    code: ClassVar[str] = "service.ip_access_change"
    activity: ClassVar[str | None] = "service_update_ip_access_list"
    before: list[str]
    after: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        added, removed = set(self.after) - set(self.before), set(self.before) - set(self.after)
        return f"The IP access list changed: {len(added)} added, {len(removed)} removed, {len(self.after)} now."


@dataclass(frozen=True, kw_only=True)
class ServicePasswordReset(AuditEvent):
    """The password of a service's owner was replaced; `generated` says whether we made it."""

    code: ClassVar[str] = "service.password_reset"
    activity: ClassVar[str | None] = "service_update_password"
    generated: bool

    def summary(self) -> str:
        """One sentence for people."""
        return "The password of the service's database user was replaced."


@dataclass(frozen=True, kw_only=True)
class ServiceStartRequested(AuditEvent):
    """Someone asked to start a service."""

    code: ClassVar[str] = "service.start"
    activity: ClassVar[str | None] = "service_start"

    def summary(self) -> str:
        """One sentence for people."""
        return "The service was asked to start."


@dataclass(frozen=True, kw_only=True)
class ServiceStopRequested(AuditEvent):
    """Someone asked to stop a service."""

    code: ClassVar[str] = "service.stop"
    activity: ClassVar[str | None] = "service_stop"

    def summary(self) -> str:
        """One sentence for people."""
        return "The service was asked to stop."


@dataclass(frozen=True, kw_only=True)
class ServiceAwakened(AuditEvent):
    """An idle service wakes: someone asked, or an allowed client connected (then the actor is the system)."""

    code: ClassVar[str] = "service.awake"
    activity: ClassVar[str | None] = "service_awaken"

    def summary(self) -> str:
        """One sentence for people."""
        return "The idle service is waking up."


@dataclass(frozen=True, kw_only=True)
class ServiceDeleteRequested(AuditEvent):
    """Someone asked to delete a service; its key is destroyed first, so that no copy of its data can be read."""

    code: ClassVar[str] = "service.delete"
    activity: ClassVar[str | None] = "service_delete"
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"Service {self.name!r} is being deleted."


@dataclass(frozen=True, kw_only=True)
class ServiceRunning(AuditEvent):
    """The region reports that the service answers."""

    code: ClassVar[str] = "service.running"
    activity: ClassVar[str | None] = "service_running"
    engine_version: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return "The service is running."


@dataclass(frozen=True, kw_only=True)
class ServiceIdled(AuditEvent):
    """The region reports that the service went to sleep after its idle time-out."""

    code: ClassVar[str] = "service.idle"
    activity: ClassVar[str | None] = "service_idle"

    def summary(self) -> str:
        """One sentence for people."""
        return "The service went idle."


@dataclass(frozen=True, kw_only=True)
class ServiceKeyAssigned(AuditEvent):
    """The region reports which key-encryption key wraps the service's data key."""

    code: ClassVar[str] = "service.key_assign"
    before: str | None
    after: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"The service's data key is wrapped by key {self.after}."


@dataclass(frozen=True, kw_only=True)
class ServiceStateReported(AuditEvent):
    """The region reports another state: starting after a crash, stopped, failed."""

    code: ClassVar[str] = "service.state_report"
    before: str
    after: str
    reason: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"The service went from {self.before} to {self.after}."


@dataclass(frozen=True, kw_only=True)
class ServiceDestroyed(AuditEvent):
    """The region reports that the service's key and data are gone."""

    code: ClassVar[str] = "service.destroyed"
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The key and the data of service {self.name!r} were destroyed."


@dataclass(frozen=True, kw_only=True)
class ServiceMemoryChanged(AuditEvent):
    """A service's memory limit was changed, in GiB; while an entry of its schedule is active, the entry's holds."""

    code: ClassVar[str] = "service.memory_change"
    activity: ClassVar[str | None] = "service_update_autoscaling_memory"
    before: int
    after: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"The service's memory limit was changed from {self.before} to {self.after} GB."


@dataclass(frozen=True, kw_only=True)
class ServiceIdlingChanged(AuditEvent):
    """Whether a service sleeps, or after how many minutes (`before`, `after`), was changed."""

    code: ClassVar[str] = "service.idling_change"
    activity: ClassVar[str | None] = "service_update_autoscaling_idling"
    idle_scaling: bool
    before: int
    after: int

    def summary(self) -> str:
        """One sentence for people."""
        return (
            f"The service is to sleep after {self.after} minutes." if self.idle_scaling else "The service stays awake."
        )


@dataclass(frozen=True, kw_only=True)
class ServiceScheduleChanged(AuditEvent):
    """The schedule by which a service's limits change was replaced or removed; one line for each entry."""

    code: ClassVar[str] = "service.schedule_change"
    before: list[str]
    after: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"The service's scaling schedule has {len(self.after)} entries; it had {len(self.before)}."


@dataclass(frozen=True, kw_only=True)
class ServiceScheduleFollowed(AuditEvent):
    """The time of an entry began or ended, and the region was given other limits; no entry: the service's own."""

    code: ClassVar[str] = "service.schedule_follow"
    entry: str | None
    memory_gb: int
    idle_scaling: bool
    idle_timeout_minutes: int

    def summary(self) -> str:
        """One sentence for people."""
        whose = "the service's own limits" if self.entry is None else f"the limits of the entry {self.entry!r}"
        return f"By its schedule {whose} hold from now on."


@dataclass(frozen=True, kw_only=True)
class ServiceSettingsChanged(AuditEvent):
    """The ClickHouse settings that a service's sessions begin with were changed; one line for each that is set."""

    code: ClassVar[str] = "service.settings_change"
    before: list[str]
    after: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        names = sorted({line.partition(" = ")[0] for line in {*self.before} ^ {*self.after}})
        return f"ClickHouse settings of the service were changed: {', '.join(names)}."
