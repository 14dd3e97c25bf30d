"""What is recorded about organizations."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class OrganizationCreated(AuditEvent):
    """An organization was created."""

    code: ClassVar[str] = "organization.create"
    activity: ClassVar[str | None] = "create_organization"
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"Organization {self.name!r} was created."


@dataclass(frozen=True, kw_only=True)
class OrganizationRenamed(AuditEvent):
    """An organization got another name."""

    code: ClassVar[str] = "organization.rename"
    activity: ClassVar[str | None] = "organization_update_name"
    before: str
    after: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The organization was renamed from {self.before!r} to {self.after!r}."
