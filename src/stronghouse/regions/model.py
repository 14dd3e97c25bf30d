"""A region, its agent, and what the region is to bring about."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from stronghouse.kernel.canonical import Json

HEARTBEAT_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""An agent that said nothing for this long counts as disconnected."""
MAX_CLOCK_SKEW = timedelta(seconds=60)
"""The limit above which a check fails (design.md section 1)."""


@dataclass(frozen=True)
class Region:
    """A place where services run.

    Attributes:
        id: its name, as in `local`.
        cloud_provider, cloud_region: the cloud region that it stands for, which create requests may name instead.
        version: the version of its desired state.
    """

    id: str
    cloud_provider: str | None
    cloud_region: str | None
    version: int
    created_at: datetime


@dataclass(frozen=True)
class Agent:
    """An agent that joined.

    Attributes:
        id: its UUID, the common name of its certificate.
        fingerprint: SHA-256 of the certificate that it uses.
        pending_fingerprint: of the renewed one, which takes over at its first use.
        clock_skew_ms: by how much its clock is behind ours (negative: ahead).
        applied_version: the desired version that it last said to have brought about.
        revoked_at: since when it is refused; None while it is welcome.
    """

    id: str
    region_id: str
    joined_at: datetime
    fingerprint: str
    pending_fingerprint: str | None
    certificate_expires_at: datetime
    last_seen_at: datetime | None
    connected: bool
    clock_skew_ms: int | None
    software: str | None
    protocol: int | None
    applied_version: int | None
    revoked_at: datetime | None

    @property
    def clock_is_wrong(self) -> bool:
        """Whether its clock is more than a minute away from ours."""
        return self.clock_skew_ms is not None and abs(self.clock_skew_ms) > MAX_CLOCK_SKEW / timedelta(milliseconds=1)

    def is_connected(self, now: datetime) -> bool:
        """Whether it holds a stream and was heard of within the last 30 seconds."""
        if not self.connected or self.last_seen_at is None or self.revoked_at is not None:
            return False
        return now - self.last_seen_at <= timedelta(seconds=SILENCE_SECONDS)


@dataclass(frozen=True)
class JoinToken:
    """A join token without its secret. `request_hash` is the SHA-256 of the request that it was spent on."""

    id: str
    region_id: str
    secret_hash: str
    expires_at: datetime
    request_hash: str | None
    agent_id: str | None


@dataclass(frozen=True)
class DesiredDocument:
    """One thing that a region is to bring about, and the desired version that it came with."""

    kind: str
    id: str
    version: int
    document: dict[str, Json]


@dataclass(frozen=True)
class DesiredState:
    """Everything that a region is to bring about, as of `version`."""

    version: int
    documents: tuple[DesiredDocument, ...]
