"""Passwords of people: what a new one must be, and Argon2id (RFC 9106), the same work whether or not it is stored."""

import contextlib
import functools
import re
import threading
from collections.abc import Iterable, Iterator

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from stronghouse.access.breached_passwords import folded, is_predictable
from stronghouse.kernel.errors import Invalid, TooMany
from stronghouse.kernel.secret import Secret

MINIMUM_LENGTH = 12  # the managed cloud's own minimum (ClickHouse documentation, "manage my account")
MAXIMUM_LENGTH = 256
CLASSES_NEEDED = 3  # of four, as in the managed cloud
SHORTEST_OWN_WORD = 3
PRODUCT = "stronghouse"
# RFC 9106 section 4, second recommended option: 64 MiB and three passes.
CONCURRENT = 2
_turns = threading.BoundedSemaphore(CONCURRENT)
_turns_of_known = threading.BoundedSemaphore(CONCURRENT)
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2, type=Type.ID)


@functools.cache
def _decoy() -> str:
    """A hash that no password has, made once and not while the process starts: it takes a tenth of a second."""
    return _hasher.hash(Secret.generate().reveal())


def check_new_password(password: Secret, *, own_words: Iterable[str] = ()) -> None:
    """Pass if a person may choose this password.

    Args:
        password: as it was typed.
        own_words: what others know of the person, as it stands: addresses, names, names of organizations.

    Raises:
        Invalid: its length, its classes of characters, a breach, or what it is made of; the sentence says which.
    """
    for broken in _broken(password.reveal(), own_words):
        raise broken


def broken_rules(password: Secret, *, own_words: Iterable[str] = ()) -> list[Invalid]:
    """Every rule that this password breaks, and not only the first as `check_new_password`."""
    return list(_broken(password.reveal(), own_words))


def _broken(text: str, own_words: Iterable[str]) -> Iterator[Invalid]:
    if not MINIMUM_LENGTH <= len(text) <= MAXIMUM_LENGTH:
        yield Invalid(
            f"A password has {MINIMUM_LENGTH} to {MAXIMUM_LENGTH} characters; this one has {len(text)}.",
            code="password_length",
        )
    if len({_class(character) for character in text}) < CLASSES_NEEDED:
        yield Invalid(
            "A password has characters of at least three of these kinds: lower-case letters, upper-case letters, "
            "digits, others.",
            code="password_classes",
        )
    if len(text) > MAXIMUM_LENGTH:
        return  # nobody looks for words in what is refused anyway, however long it is
    if is_predictable(text):
        yield Invalid(
            "This password is known from breaches, or is made of such ones by what attackers try as well; "
            "choose four words at random, or let a password manager choose.",
            code="password_breached",
        )
    elif is_predictable(text, own_words=_pieces(own_words)):
        yield Invalid(
            "This password is made of your name, your address, your organization's name or the product's; "
            "choose four words at random, or let a password manager choose.",
            code="password_personal",
        )


def hash_password(password: Secret, *, own_words: Iterable[str] = ()) -> str:
    """The Argon2id string of a new password; raises Invalid when a person may not choose it."""
    check_new_password(password, own_words=own_words)
    with _turn(_turns_of_known):
        return _hasher.hash(password.reveal())


def password_matches(stored: str | None, password: Secret, *, is_known: bool = False) -> bool:
    """Whether `password` is the stored one. Without a stored one the same work is done, for nothing.

    `is_known` says that who asks is signed in: strangers who keep the machine busy do not keep them from going on.
    """
    with _turn(_turns_of_known if is_known else _turns):
        try:
            return _hasher.verify(stored or _decoy(), password.reveal()) and stored is not None
        except VerificationError:
            return False


def _class(character: str) -> str:
    if character.islower():
        return "lower"
    if character.isupper():
        return "upper"
    return "digit" if character.isdigit() else "other"


def _pieces(own_words: Iterable[str]) -> frozenset[str]:
    """The words in `own_words`, and each of them whole without what is between: `adalovelace` of `Ada Lovelace`."""
    split = [[PRODUCT], *(re.findall(r"[^\W_]+", folded(words)) for words in own_words)]
    found = {piece for pieces in split for piece in (*pieces, "".join(pieces))}
    return frozenset(piece for piece in found if len(piece) >= SHORTEST_OWN_WORD)


@contextlib.contextmanager
def _turn(turns: threading.BoundedSemaphore) -> Iterator[None]:
    """Run at most a few at a time, and refuse the rest at once: waiting would hold the threads of everybody else."""
    if not turns.acquire(blocking=False):
        raise TooMany("Too many people are signing in; try again in a few seconds.", code="sign_in_busy")
    try:
        yield
    finally:
        turns.release()
