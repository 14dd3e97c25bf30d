"""Time-based one-time passwords (RFC 6238), as every authenticator app makes them."""

import base64
import secrets
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

DIGITS, STEP_SECONDS, SECRET_BYTES = 6, 30, 20  # what all apps know; RFC 4226 section 4 recommends 160 bits
ISSUER = "Stronghouse"


def new_secret() -> bytes:
    """A fresh random secret."""
    return secrets.token_bytes(SECRET_BYTES)


def address(secret: bytes, *, account: str) -> str:
    """The `otpauth:` address that a QR code holds."""
    return _totp(secret).get_provisioning_uri(account, ISSUER)


def shown(secret: bytes) -> str:
    """The secret as people type it, in base32."""
    return base64.b32encode(secret).decode()


def matching_step(secret: bytes, code: str, *, now: datetime) -> int | None:
    """The time step that this code is of, if it is of the present one or one beside it; None otherwise.

    All three are compared, each in constant time.
    """
    present = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in (present - 1, present, present + 1):
        try:
            _totp(secret).verify(code.encode(), step * STEP_SECONDS)
        except InvalidToken:
            continue
        found = step
    return found


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - HMAC-SHA-1 is what apps make; RFC 4226 B.2
