"""The words of this area: an invitation waits for one address, its link goes by mail or is shown to the inviter."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Channel(StrEnum):
    """How the link gets to its person."""

    MAIL = "mail"
    """By mail to the address, and nobody else sees it: who opens it has proved that the address is theirs."""
    SHOWN = "shown"
    """Shown once to whoever invites, where no mail server is set. They hand it over, and could use it themselves."""


class DeliveryState(StrEnum):
    """How far the link has got."""

    WAITING = "waiting"
    """It will be mailed for the first time in a moment, or when a mail server is set."""
    RETRYING = "retrying"
    """It was not taken; it is tried again."""
    SENT = "sent"
    """The mail server has taken it."""
    FAILED = "failed"
    """The mail server refused it for good."""
    SHOWN = "shown"
    """It was shown to whoever invites."""


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """One that is neither accepted nor revoked.

    Attributes:
        email: in lower case; only a person with this address can accept it.
        role_ids: roles that they get, as far as the inviter may still give them.
        inviter: `user/<id>` or `apiKey/<id>`.
        attempts: how often the link was mailed since it was last asked for.
        next_attempt_at: when it is mailed next; None if it is not.
        delivered_at: when the mail server took it, or when it was shown.
        error: why it was not taken the last time.
    """

    id: str
    organization_id: str
    email: str
    role_ids: tuple[str, ...]
    inviter: str
    created_at: datetime
    expires_at: datetime
    channel: Channel
    attempts: int = 0
    attempted_at: datetime | None = None
    next_attempt_at: datetime | None = None
    delivered_at: datetime | None = None
    error: str | None = None

    @property
    def state(self) -> DeliveryState:
        """How far the link has got."""
        if self.channel is Channel.SHOWN:
            return DeliveryState.SHOWN
        if self.delivered_at is not None:
            return DeliveryState.SENT
        if self.error is None:
            return DeliveryState.WAITING
        return DeliveryState.FAILED if self.next_attempt_at is None else DeliveryState.RETRYING
