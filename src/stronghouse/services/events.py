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
