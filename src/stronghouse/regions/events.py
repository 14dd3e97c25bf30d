"""What is recorded about regions and their agents. All of it belongs to the installation, not to an organization."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from stronghouse.audit.event import AuditEvent, Outcome


@dataclass(frozen=True, kw_only=True)
class RegionCreated(AuditEvent):
    """A region was created; it runs nothing before an agent joins it."""

    code: ClassVar[str] = "region.create"
    region_id: str
    stands_for: str | None

    def summary(self) -> str:
        """One sentence for people."""
        return f"Region {self.region_id} was created."


@dataclass(frozen=True, kw_only=True)
class JoinTokenMinted(AuditEvent):
    """A join token was made: whoever holds it before it expires can become a region's agent, once."""

    code: ClassVar[str] = "agent.join_token_mint"
    region_id: str
    token_id: str
    expires_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"A join token for region {self.region_id} was made."


@dataclass(frozen=True, kw_only=True)
class AgentJoined(AuditEvent):
    """An agent spent a join token and got its client certificate."""

    code: ClassVar[str] = "agent.join"
    region_id: str
    agent_id: str
    token_id: str
    fingerprint: str
    certificate_expires_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"An agent joined region {self.region_id}."


@dataclass(frozen=True, kw_only=True)
class AgentJoinDenied(AuditEvent):
    """Someone came with a join token that does not hold. At most one event per reason in ten seconds."""

    code: ClassVar[str] = "agent.join_denied"
    outcome: Outcome = Outcome.DENIED
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"An attempt to join as an agent was refused: {self.reason}."


@dataclass(frozen=True, kw_only=True)
class AgentRevoked(AuditEvent):
    """An agent is refused from now on: someone said so, or another agent joined in its place."""

    code: ClassVar[str] = "agent.revoke"
    region_id: str
    agent_id: str
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The agent of region {self.region_id} was revoked: {self.reason}."


@dataclass(frozen=True, kw_only=True)
class AgentConnected(AuditEvent):
    """An agent opened its stream."""

    code: ClassVar[str] = "agent.connect"
    region_id: str
    agent_id: str
    protocol: int
    software: str
    clock_skew_ms: int

    def summary(self) -> str:
        """One sentence for people."""
        return f"The agent of region {self.region_id} connected."


@dataclass(frozen=True, kw_only=True)
class AgentDisconnected(AuditEvent):
    """An agent's stream ended; the region goes on with what it has."""

    code: ClassVar[str] = "agent.disconnect"
    region_id: str
    agent_id: str
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"The agent of region {self.region_id} disconnected: {self.reason}."


@dataclass(frozen=True, kw_only=True)
class AgentConnectDenied(AuditEvent):
    """A stream was refused: no certificate, an unknown or revoked agent. One event per reason in ten seconds."""

    code: ClassVar[str] = "agent.connect_denied"
    outcome: Outcome = Outcome.DENIED
    agent_id: str | None
    reason: str

    def summary(self) -> str:
        """One sentence for people."""
        return f"An agent's connection was refused: {self.reason}."


@dataclass(frozen=True, kw_only=True)
class AgentCertificateRenewed(AuditEvent):
    """An agent got a new client certificate; the old one ends at the new one's first use."""

    code: ClassVar[str] = "agent.certificate_renew"
    region_id: str
    agent_id: str
    fingerprint: str
    certificate_expires_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"The agent of region {self.region_id} renewed its certificate."


@dataclass(frozen=True, kw_only=True)
class ServingCertificateSigned(AuditEvent):
    """A region's edge got a certificate for the names that it serves."""

    code: ClassVar[str] = "agent.serving_certificate_sign"
    region_id: str
    agent_id: str
    names: list[str]
    fingerprint: str
    certificate_expires_at: datetime

    def summary(self) -> str:
        """One sentence for people."""
        return f"The edge of region {self.region_id} got a certificate for {', '.join(self.names)}."


@dataclass(frozen=True, kw_only=True)
class ServingCertificateDenied(AuditEvent):
    """An agent asked for a certificate with a name that it may not serve: a bug, or an agent in wrong hands."""

    code: ClassVar[str] = "agent.serving_certificate_denied"
    outcome: Outcome = Outcome.DENIED
    region_id: str
    agent_id: str
    names: list[str]

    def summary(self) -> str:
        """One sentence for people."""
        return f"The agent of region {self.region_id} asked for a certificate for names that it may not serve."
