"""Challenges that passkeys sign. Nothing is kept of one until it is answered, so that asking for many costs nothing.

The browser holds the challenge sealed with its end and what it is for; one that was answered is remembered until then.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from stronghouse.access.api_keys import hash_text
from stronghouse.access.factors import store
from stronghouse.access.factors.ports import Sealing
from stronghouse.kernel.errors import StronghouseError, Unauthenticated

LIFETIME = timedelta(minutes=10)
CHALLENGE_BYTES, TIME_BYTES = 32, 8


class Purpose(StrEnum):
    """What an answer is good for."""

    REGISTER = "register"
    SIGN_IN = "sign in"
    PROVE = "prove"


@dataclass(frozen=True)
class Challenge:
    """A challenge, and the token that the browser sends back with the answer."""

    value: bytes
    token: str


class Challenges:
    """Makes challenges and takes them back, sealed by `sealer`."""

    def __init__(self, sealer: Sealing) -> None:
        self._sealer = sealer

    def issue(self, purpose: Purpose, *, session_id: str, now: datetime) -> Challenge:
        """A new one, for a session; an empty id before there is one."""
        value = secrets.token_bytes(CHALLENGE_BYTES)
        until = int((now + LIFETIME).timestamp()).to_bytes(TIME_BYTES, "big")
        sealed = self._sealer.seal(until + value, _bound(purpose, session_id))
        return Challenge(value, base64.urlsafe_b64encode(sealed).decode())

    def open(self, token: str, purpose: Purpose, *, session_id: str, now: datetime) -> bytes:
        """The challenge of a token; raises Unauthenticated for one that is over, or of another purpose or session."""
        return self._open(token, purpose, session_id, now)[0]

    def spend(self, connection: Connection, token: str, purpose: Purpose, *, session_id: str, now: datetime) -> None:
        """Use up a challenge that was answered; raises Unauthenticated when it was already."""
        value, until = self._open(token, purpose, session_id, now)
        if not store.spend_challenge(connection, challenge_hash=hash_text(value.hex()), expires_at=until):
            raise _over()

    def _open(self, token: str, purpose: Purpose, session_id: str, now: datetime) -> tuple[bytes, datetime]:
        try:
            opened = self._sealer.open(base64.urlsafe_b64decode(token.encode()), _bound(purpose, session_id))
        except (binascii.Error, ValueError, StronghouseError):
            raise _over() from None
        until = datetime.fromtimestamp(int.from_bytes(opened[:TIME_BYTES], "big"), UTC)
        if until <= now:
            raise _over()
        return opened[TIME_BYTES:], until


def _bound(purpose: Purpose, session_id: str) -> dict[str, str]:
    return {"use": "challenge of a passkey", "purpose": purpose.value, "session": session_id}


def _over() -> Unauthenticated:
    return Unauthenticated("This took too long, or was sent already; try again.", code="challenge_over")
