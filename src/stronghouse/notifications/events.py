"""What is recorded about channels. None of these holds a URL."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class ChannelAdded(AuditEvent):
    """A notification channel was added. `address` is schema and host."""

    code: ClassVar[str] = "notification_channel.add"
    channel: str
    name: str
    address: str
    mode: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The notification channel {self.name} to {self.address} was added."


@dataclass(frozen=True, kw_only=True)
class ChannelRemoved(AuditEvent):
    """A notification channel was removed with its URL."""

    code: ClassVar[str] = "notification_channel.remove"
    channel: str
    name: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The notification channel {self.name} was removed."


@dataclass(frozen=True, kw_only=True)
class ChannelTested(AuditEvent):
    """Somebody sent a test message. `reason` says why it failed; null when it was accepted."""

    code: ClassVar[str] = "notification_channel.test"
    channel: str
    name: str
    reason: str | None

    def summary(self) -> str:
        """One sentence for people."""
        end = "was accepted" if self.reason is None else f"failed: {self.reason}"
        return f"A test message to the notification channel {self.name} {end}"
