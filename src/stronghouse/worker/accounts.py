"""Signing in: a name, a password and an address against the catalogue as it is now.

Comparing a password is slow on purpose, and every request brings one. So a password that was right is remembered as a
keyed digest, whose key lives as long as this process, until the catalogue changes.
"""

import hashlib
import ipaddress
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from stronghouse.engine.access.catalogue import KEY_PREFIX, Catalogue, Method, MethodKind, User
from stronghouse.engine.access.methods import is_valid, matches
from stronghouse.worker.attempts import Attempts
from stronghouse.worker.authentication import Credentials, authentication_failed
from stronghouse.worker.caller import Caller

REMEMBERED = 1024


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    method: Method


@dataclass(frozen=True, slots=True)
class _State:
    """What follows from one catalogue."""

    catalogue: Catalogue
    by_name: Mapping[str, User]
    samples: Mapping[MethodKind, Method]
    known: dict[bytes, _Known]


class Accounts:
    """The users of a service. Safe to use from several threads."""

    def __init__(self, catalogue: Catalogue, attempts: Attempts) -> None:
        self._attempts = attempts
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._comparing = threading.BoundedSemaphore(2)
        self.replace(catalogue)

    @property
    def catalogue(self) -> Catalogue:
        """As it is now."""
        return self._state.catalogue

    def replace(self, catalogue: Catalogue) -> None:
        """From now on this is who there is."""
        users = catalogue.users.values()
        by_name = {user.name: user for user in users}
        samples = {method.kind: method for user in users for method in user.methods}
        # All at once: who signs in meanwhile must not find the old names beside the new catalogue.
        self._state = _State(catalogue, by_name, samples, {})

    def authenticate(self, credentials: Credentials, address: str) -> Caller:
        """Who it is, with their default roles.

        Raises:
            DatabaseError: 516, with the same words and after the same work for a wrong name and a wrong password.
        """
        if not credentials.given:  # nobody's password is empty, so there is nothing to compare and nothing to count
            raise authentication_failed(credentials.username)
        digest = self._digest(credentials)
        state = self._state
        known = state.known.get(digest)
        if known is not None and is_valid(known.method, time.time()) and _may_come_from(known.caller.user, address):
            return known.caller
        counted = not credentials.username.startswith(KEY_PREFIX)  # nobody guesses those, nor may shut them out
        if counted:
            self._attempts.check(credentials.username, address)
        catalogue, user = state.catalogue, state.by_name.get(credentials.username)
        method = self._proven(user, credentials, state.samples.values())
        if user is None or method is None or user.locked or not _may_come_from(user, address):
            if counted:
                self._attempts.failed(credentials.username, address)
            raise authentication_failed(credentials.username)
        if counted:
            self._attempts.succeeded(credentials.username, address)
        caller = Caller(catalogue, user, catalogue.default_roles_of(user), method.kind)
        self._remember(state, digest, _Known(caller, method))
        return caller

    def still(self, caller: Caller) -> Caller:
        """The same caller by the catalogue of now, for who has been under way for long.

        Raises:
            DatabaseError: 516 when the user is gone, locked, or signs in another way by now.
        """
        catalogue = self._state.catalogue
        if catalogue is caller.catalogue:
            return caller
        user = catalogue.users.get(caller.user.id)
        if user is None or user.locked or user.methods != caller.user.methods or user.hosts != caller.user.hosts:
            raise authentication_failed(caller.user.name)
        granted = frozenset(grant.role for grant in user.roles)
        if caller.current == caller.catalogue.default_roles_of(caller.user):
            return Caller(catalogue, user, catalogue.default_roles_of(user), caller.method)
        return Caller(catalogue, user, caller.current & granted, caller.method)

    def _proven(self, user: User | None, credentials: Credentials, samples: Iterable[Method]) -> Method | None:
        password = credentials.password.encode("utf-8", "surrogateescape")
        own = [method for method in user.methods if is_valid(method, time.time())] if user is not None else []
        # A comparison of each kind that anybody has, so that the time tells nothing of whether there is such a user.
        kinds = {method.kind for method in own}
        others = [method for method in samples if method.kind not in kinds]
        with self._comparing:  # slow hashes must not take both processors
            found = [method for method in own if matches(method, password)]
            if not found:
                for method in others:
                    matches(method, password)
        return found[0] if found else None

    def _digest(self, credentials: Credentials) -> bytes:
        name = credentials.username.encode("utf-8", "surrogateescape")
        content = b"%d:%b:%b" % (len(name), name, credentials.password.encode("utf-8", "surrogateescape"))
        return hashlib.blake2b(content, key=self._key, digest_size=32).digest()

    def _remember(self, state: _State, digest: bytes, known: _Known) -> None:
        """For as long as that state lasts: what was right in it may be right no more."""
        with self._lock:
            if len(state.known) >= REMEMBERED:
                state.known.clear()
            state.known[digest] = known


def _may_come_from(user: User, address: str) -> bool:
    if "ANY" in user.hosts:
        return True
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(source, "ipv4_mapped", None)
    source = mapped or source
    for host in user.hosts:
        if host == "LOCAL":
            if source.is_loopback:
                return True
        elif source in ipaddress.ip_network(host):
            return True
    return False
