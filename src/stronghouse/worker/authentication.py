"""Who asks: the owner of the service, by name and password, in the three ways of ClickHouse's HTTP interface."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from stronghouse.engine.errors import DatabaseError


@dataclass(frozen=True, repr=False)
class Credentials:
    """A name and a password as given. `given` is false when the request has none at all."""

    username: str
    password: str
    given: bool


class Owner:
    """The one user. Holds no password, only its SHA-256."""

    def __init__(self, username: str, password_sha256: str) -> None:
        self.username = username
        self._digest = password_sha256.encode()

    def set_password(self, password_sha256: str) -> None:
        """Another password from now on; base64 of its SHA-256."""
        self._digest = password_sha256.encode()

    def authenticate(self, credentials: Credentials) -> None:
        """Accept the owner; raises DatabaseError 516, in the same time for a wrong name and a wrong password."""
        digest = base64.b64encode(hashlib.sha256(credentials.password.encode("utf-8", "surrogateescape")).digest())
        right_password = hmac.compare_digest(digest, self._digest)
        right_name = hmac.compare_digest(
            credentials.username.encode("utf-8", "surrogateescape"), self.username.encode()
        )
        if not (right_password and right_name):
            raise authentication_failed(credentials.username)


def authentication_failed(username: str) -> DatabaseError:
    """ClickHouse's error, in its words, which clients look for."""
    return DatabaseError(
        516,
        "AUTHENTICATION_FAILED",
        f"{username[:64]}: Authentication failed: password is incorrect, or there is no user with such name.",
    )


def read_credentials(headers: Mapping[str, str], parameters: Mapping[str, str]) -> Credentials:
    """What the request says of who it is from; raises DatabaseError when it says so in two ways at once."""
    ways: list[Credentials] = []
    if "X-ClickHouse-User" in headers or "X-ClickHouse-Key" in headers:
        ways.append(
            Credentials(headers.get("X-ClickHouse-User", "default"), headers.get("X-ClickHouse-Key", ""), given=True)
        )
    if "Authorization" in headers:
        ways.append(_basic(headers["Authorization"]))
    if "user" in parameters or "password" in parameters:
        ways.append(Credentials(parameters.get("user", "default"), parameters.get("password", ""), given=True))
    if len(ways) > 1:
        raise DatabaseError(
            516,
            "AUTHENTICATION_FAILED",
            "Invalid authentication: it is not allowed to use several of X-ClickHouse headers, the Authorization "
            "header and URL parameters simultaneously",
        )
    return ways[0] if ways else Credentials("default", "", given=False)


def _basic(header: str) -> Credentials:
    scheme, _, encoded = header.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        text = ""
    username, colon, password = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise DatabaseError(
            516, "AUTHENTICATION_FAILED", "Invalid authentication: the Authorization header is not Basic"
        )
    return Credentials(username, password, given=True)
