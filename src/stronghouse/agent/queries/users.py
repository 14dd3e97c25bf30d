"""Database users of the keys that may query one service: what is wanted, and which worker has it in force.

All of them have one password, which is made anew for each life of the agent and never leaves it: whoever reaches a
worker's socket, or the service's own port, cannot act as a key without it.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable

import structlog

from stronghouse.agent.ports import Worker
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.engine.access.catalogue import KEY_PREFIX
from stronghouse.kernel.errors import Conflict, Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.worker.specification import KeyUsers, SandboxReport

SETTLE_SECONDS = 25.0
RETRY_SECONDS = 2.0
_log = structlog.get_logger()


class QueryUsers:
    """One service's users of keys."""

    def __init__(self, service_id: str) -> None:
        self._service_id = service_id
        self.password = Secret.generate()
        self._salt = secrets.token_hex(32)
        self._wanted = self._users(None)
        self._in_force: tuple[int, KeyUsers] | None = None
        self._changed = asyncio.Condition()

    def wish(self, endpoint: EndpointDocument | None) -> bool:
        """What is wanted from now on; whether that is something else than before."""
        before, self._wanted = self._wanted, self._users(endpoint)
        return before != self._wanted

    async def bring_about(self, worker: Worker) -> float | None:
        """Give a worker what is wanted, if it has it not; seconds until the next try if that failed."""
        wanted = self._users(None) if worker.sandbox.missing_for_users else self._wanted
        if self._in_force == (worker.pid, wanted):
            return None
        try:
            await worker.set_key_users(wanted)
        except Unavailable as error:
            _log.error("key_users_not_set", service=self._service_id, reason=error.public)
            return RETRY_SECONDS
        async with self._changed:
            self._in_force = worker.pid, wanted
            self._changed.notify_all()
        return None

    async def settled(self, user: str, *, pid: Callable[[], int | None]) -> None:
        """Return once the worker that runs, whose process id `pid` tells, has this user.

        Raises:
            Unavailable: not within 25 s.
        """
        try:
            async with asyncio.timeout(SETTLE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._has(user, pid()))
        except TimeoutError:
            raise Unavailable(
                "The service did not take this API key's user in time; try again.", code="key_user_absent"
            ) from None

    def _has(self, user: str, pid: int | None) -> bool:
        """Whether the worker has the user with just the roles that are wanted: one that was narrowed has to wait."""
        if self._in_force is None or self._in_force[0] != pid:
            return False
        roles = self._in_force[1].roles.get(user)
        return roles is not None and roles == self._wanted.roles.get(user)

    def _users(self, endpoint: EndpointDocument | None) -> KeyUsers:
        named = endpoint.keys if endpoint else []
        roles = frozenset(endpoint.roles) if endpoint else frozenset()
        digest = hashlib.sha256(f"{self.password.reveal()}{self._salt}".encode()).hexdigest()
        return KeyUsers({user_of(key.id): frozenset(map(str, roles)) for key in named}, self._salt, digest)


def user_of(key_id: str) -> str:
    """The name of a key's database user."""
    return f"{KEY_PREFIX}{key_id}"


def require_confined(sandbox: SandboxReport) -> None:
    """Pass if a worker may have users of keys; raises Conflict."""
    missing = sandbox.missing_for_users
    if missing:
        raise Conflict(
            f"This service has one database user, its owner: the machine's kernel lacks {missing}, without which users "
            "cannot be kept apart. So nothing can be run as an API key.",
            code="users_not_confined",
        )
