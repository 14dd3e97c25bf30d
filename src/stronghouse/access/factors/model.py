"""What somebody proves who they are with, beside a password or a link."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SecondFactor(StrEnum):
    """How a second factor was proven."""

    APP = "authenticator_app"
    PASSKEY = "passkey"
    RECOVERY_CODE = "recovery_code"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS = {
    SecondFactor.APP: "an authenticator app",
    SecondFactor.PASSKEY: "a passkey",
    SecondFactor.RECOVERY_CODE: "a recovery code",
}


@dataclass(frozen=True)
class AuthenticatorApp:
    """An app that shows a new code every 30 seconds (RFC 6238).

    Attributes:
        sealed_secret: what the codes are made of, sealed for this person.
        last_step: the time step of the newest code that was accepted; this one and older ones are used up.
    """

    user_id: str
    sealed_secret: bytes
    created_at: datetime
    last_step: int
    last_used_at: datetime


@dataclass(frozen=True)
class Passkey:
    """A key pair of one authenticator for this console (WebAuthn); the private half never leaves it.

    Attributes:
        credential_id: how the authenticator calls it, in base64url.
        public_key: in COSE form.
        sign_count: how often it signed, as far as it says; 0 for those that do not count.
        name: what the person calls it.
        synced: whether its maker keeps a copy for the person's other devices.
        last_used_at: None until it signed somebody in.
    """

    id: str
    user_id: str
    credential_id: str
    public_key: bytes
    sign_count: int
    name: str
    synced: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class PendingSignIn:
    """Somebody who proved a password or a link, and still has to prove a second factor.

    Attributes:
        method: link or password.
        tries: how many second factors were tried.
    """

    user_id: str
    method: str
    tries: int
    expires_at: datetime


@dataclass(frozen=True)
class Factors:
    """All second factors of a person. Recovery codes help whoever lost the others; alone they are none."""

    app: AuthenticatorApp | None
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    @property
    def kinds(self) -> tuple[SecondFactor, ...]:
        """Which kinds of second factors there are."""
        there = {SecondFactor.APP: self.app, SecondFactor.PASSKEY: self.passkeys}
        return tuple(kind for kind, found in there.items() if found)

    @property
    def words(self) -> str:
        """The kinds, for people."""
        return " and ".join(kind.words for kind in self.kinds)

    @property
    def enrolled(self) -> bool:
        """Whether signing in asks for one."""
        return bool(self.kinds)
