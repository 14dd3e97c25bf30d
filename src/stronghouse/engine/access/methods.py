"""Ways to prove to be a user: made from passwords, and checked.

Invariants:
- A password is hashed here and kept nowhere; the hashes are ClickHouse's own forms, so that they can be moved.
- A check takes as long for a wrong password as for the right one.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import assert_never

import bcrypt

from stronghouse.engine.access.catalogue import Method, MethodKind
from stronghouse.engine.access.statements import NewMethod
from stronghouse.engine.errors import DatabaseError

SHORTEST_PASSWORD = 12
"""In characters. Passwords that are given as hashes cannot be measured."""
LONGEST_PASSWORD = 1024
BCRYPT_COST = 12
"""The logarithm of the number of rounds: ClickHouse's default (`bcrypt_workfactor`)."""
_COSTS = range(8, 16)
"""Costs of bcrypt hashes that are taken: below it is no protection, above a sign-in takes seconds."""
_BCRYPT_BYTES = 72
"""Bytes of a password that bcrypt looks at."""
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HEXADECIMAL = re.compile(r"[0-9a-f]*")
_SALT_BYTES = 32
_ON_DATE = "%Y-%m-%d"
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", _ON_DATE)

Random = Callable[[int], bytes]


def new_method(given: NewMethod, random: Random) -> Method:
    """The method that was asked for, with its password hashed.

    Args:
        given: what was asked for.
        random: gives so many random bytes.

    Raises:
        DatabaseError: 36, the method is not allowed here, or the password or hash is not good enough; 41, the time
            until when it is valid cannot be read.
    """
    until = None if given.valid_until is None else moment(given.valid_until)
    kind = given.kind or "sha256_password"
    if kind in {"plaintext_password", "no_password"}:
        raise bad_arguments(
            f"Authentication type {kind} is not allowed in this service: use sha256_password or bcrypt_password."
        )
    secret = given.secret or ""
    if kind.endswith("_password"):
        check_password(secret)
    match kind:
        case "sha256_password":
            salt = random(_SALT_BYTES).hex()
            return Method(kind, _sha256(secret.encode("utf-8", "surrogateescape"), salt), salt, until)
        case "double_sha1_password":
            return Method(kind, _double_sha1(secret.encode("utf-8", "surrogateescape")), "", until)
        case "bcrypt_password":
            return Method(kind, _bcrypt(secret.encode("utf-8", "surrogateescape")), "", until)
        case "sha256_hash":
            return Method("sha256_password", _hash(secret, 64), given.salt or "", until)
        case "double_sha1_hash":
            return Method("double_sha1_password", _hash(secret, 40), "", until)
        case "bcrypt_hash":
            return Method("bcrypt_password", _bcrypt_hash(secret), "", until)
        case _:
            raise bad_arguments(f"Authentication type {kind} is not supported in this service.")


def matches(method: Method, password: bytes) -> bool:
    """Whether this is the method's password. Says nothing of how long the method is valid: see `is_valid`."""
    kind: MethodKind = method.kind
    match kind:
        case "sha256_password":
            return hmac.compare_digest(_sha256(password, method.salt).encode(), method.hash.encode())
        case "double_sha1_password":
            return hmac.compare_digest(_double_sha1(password).encode(), method.hash.encode())
        case "bcrypt_password":
            fits = len(password) <= _BCRYPT_BYTES
            return bcrypt.checkpw(password[:_BCRYPT_BYTES], method.hash.encode()) and fits
        case _:
            assert_never(kind)


def is_valid(method: Method, now: float) -> bool:
    """Whether the method can be used at this time (seconds since 1970)."""
    return method.valid_until is None or now < method.valid_until


def moment(text: str) -> int | None:
    """Seconds since 1970 of a date and time, UTC; None for `infinity`. Raises DatabaseError 41."""
    if text.strip().lower() == "infinity":
        return None
    for form in _FORMS:
        try:
            return int(datetime.strptime(text.strip().removesuffix("Z"), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    raise DatabaseError(
        41, "CANNOT_PARSE_DATETIME", "VALID UNTIL takes a date, or a date and time in UTC: YYYY-MM-DD hh:mm:ss."
    )


def check_password(password: str) -> None:
    """Refuse a password that is too short or too long; raises DatabaseError 36."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise bad_arguments(
            f"Invalid password. The password should: be at least {SHORTEST_PASSWORD} and at most "
            f"{LONGEST_PASSWORD} characters long."
        )


def bad_arguments(message: str) -> DatabaseError:
    """What ClickHouse says of a method that may not be used."""
    return DatabaseError(36, "BAD_ARGUMENTS", message)


def _sha256(password: bytes, salt: str) -> str:
    return hashlib.sha256(password + salt.encode("utf-8", "surrogateescape")).hexdigest()


def _double_sha1(password: bytes) -> str:
    # The form is MySQL's, and ClickHouse's clients of its protocol need it.
    return hashlib.sha1(hashlib.sha1(password, usedforsecurity=False).digest(), usedforsecurity=False).hexdigest()


def _bcrypt(password: bytes) -> str:
    if len(password) > _BCRYPT_BYTES:
        raise bad_arguments(f"A bcrypt password can be at most {_BCRYPT_BYTES} bytes long.")
    return bcrypt.hashpw(password, bcrypt.gensalt(BCRYPT_COST, prefix=b"2a")).decode()


def _hash(text: str, length: int) -> str:
    lowered = text.lower()
    if len(lowered) != length or not _HEXADECIMAL.fullmatch(lowered):
        raise bad_arguments(f"The hash should be {length} hexadecimal digits.")
    return lowered


def _bcrypt_hash(text: str) -> str:
    found = _BCRYPT.fullmatch(text)
    if found is None or int(found[1]) not in _COSTS:
        raise bad_arguments(
            f"A bcrypt hash should have the form $2a$…, with a cost from {_COSTS.start} to {_COSTS.stop - 1}."
        )
    return text
