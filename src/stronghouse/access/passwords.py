"""Passwords of people: Argon2id (RFC 9106), the same work whether or not the account exists."""

import contextlib
import functools
import threading
from collections.abc import Iterator

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from stronghouse.kernel.errors import Invalid, TooMany
from stronghouse.kernel.secret import Secret

MINIMUM_LENGTH = 12  # the managed cloud's own minimum (ClickHouse documentation, "manage my account")
MAXIMUM_LENGTH = 256
# RFC 9106 section 4, second recommended option: 64 MiB and three passes.
CONCURRENT = 2
_turns = threading.BoundedSemaphore(CONCURRENT)
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2, type=Type.ID)


@functools.cache
def _decoy() -> str:
    """A hash that no password has, made once and not while the process starts: it takes a tenth of a second."""
    return _hasher.hash(Secret.generate().reveal())


def hash_password(password: Secret) -> str:
    """The Argon2id string of a new password; raises Invalid when it is too short or too long."""
    length = len(password.reveal())
    if not MINIMUM_LENGTH <= length <= MAXIMUM_LENGTH:
        raise Invalid(
            f"A password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters; this one has {length}.",
            code="password_length",
        )
    with _turn():
        return _hasher.hash(password.reveal())


def password_matches(stored: str | None, password: Secret) -> bool:
    """Whether `password` is the stored one. Without a stored one the same work is done, for nothing."""
    with _turn():
        try:
            return _hasher.verify(stored or _decoy(), password.reveal()) and stored is not None
        except VerificationError:
            return False


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Run at most a few at a time, and refuse the rest at once: waiting would hold the threads of everybody else."""
    if not _turns.acquire(blocking=False):
        raise TooMany("Too many people are signing in; try again in a few seconds.", code="sign_in_busy")
    try:
        yield
    finally:
        _turns.release()
