"""Who asks: name and password as a request gives them, in the three ways of ClickHouse's HTTP interface."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stronghouse.engine.errors import DatabaseError


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A name and a password as given. `given` is false when the request has none at all."""

    username: str
    password: str
    given: bool


def authentication_failed(username: str) -> DatabaseError:
    """ClickHouse's error, in its words, which clients look for."""
    return DatabaseError(
        516,
        "AUTHENTICATION_FAILED",
        f"{username[:64]}: Authentication failed: password is incorrect, or there is no user with such name.",
    )


def read_credentials(headers: Mapping[str, str], parameters: Sequence[tuple[str, str]]) -> Credentials:
    """What the request says of who it is from; raises DatabaseError when it says so in two ways at once.

    Args:
        headers: names in lower case.
        parameters: the URL's.
    """
    ways: list[Credentials] = []
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        username, password = headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
        ways.append(Credentials(username, password, given=True))
    if "authorization" in headers:
        ways.append(_basic(headers["authorization"]))
    named = {name: value for name, value in parameters if name in {"user", "password"}} if parameters else {}
    if named:
        ways.append(Credentials(named.get("user", "default"), named.get("password", ""), given=True))
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
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
        decoded = ""
    username, colon, password = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise DatabaseError(
            516, "AUTHENTICATION_FAILED", "Invalid authentication: the Authorization header is not Basic"
        )
    return Credentials(username, password, given=True)
