"""What is recorded about the log itself."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class AuditLogExported(AuditEvent):
    """Somebody asked for a copy of the audit log; recorded before the first byte is sent.

    `filters` are the parameters that were asked for, as they are written in a URL.
    """

    code: ClassVar[str] = "audit_log.export"
    format: str
    filters: dict[str, str]

    def summary(self) -> str:
        """One sentence for people."""
        told = ", ".join(f"{name} {text!r}" for name, text in sorted(self.filters.items()))
        return f"The audit log was exported as {self.format}{f' where {told}' if told else ''}."
