"""What a worker holds of its clients' bodies at a time, counted, so that no number of them uses up the machine.

The engine counts its own memory; forms, compressed blocks and the windows of decoders are outside of it.

Invariants:
- All requests together hold at most `MAX_HELD`, those of one user at most `HELD_OF_USER`.
- What a request holds is given back when it ends, whichever way.
"""

import threading

from stronghouse.engine.errors import DatabaseError

MAX_HELD = 256 << 20
"""Bytes of all requests."""
HELD_OF_USER = 192 << 20
"""Of these, those of one user, so that there are some for another."""


class Memory:
    """Counts the bytes that the requests of a worker hold. Safe to use from several threads."""

    def __init__(self, most: int = MAX_HELD, most_of_user: int = HELD_OF_USER) -> None:
        self._most, self._most_of_user = most, most_of_user
        self._lock = threading.Lock()
        self._held = 0
        self._of_user: dict[str, int] = {}

    @property
    def held(self) -> int:
        """How many bytes there are now."""
        with self._lock:
            return self._held

    def of(self, user_id: str) -> "Holding":
        """The account of one request of this user."""
        return Holding(self, user_id)

    def take(self, user_id: str, size: int) -> None:
        """Count `size` more bytes. Raises DatabaseError 241, and counts none, when that would be too many."""
        with self._lock:
            own = self._of_user.get(user_id, 0) + size
            if self._held + size > self._most or own > self._most_of_user:
                raise DatabaseError(
                    241,
                    "MEMORY_LIMIT_EXCEEDED",
                    "Memory limit exceeded: the bodies of running requests take all that there is for them",
                )
            self._held += size
            self._of_user[user_id] = own

    def give_back(self, user_id: str, size: int) -> None:
        """Count `size` bytes less."""
        with self._lock:
            self._held -= size
            left = self._of_user.get(user_id, 0) - size
            if left:
                self._of_user[user_id] = left
            else:
                self._of_user.pop(user_id, None)


class Holding:
    """What one request holds, until `close`. Used by one thread."""

    __slots__ = ("_memory", "_user_id", "held")

    def __init__(self, memory: Memory, user_id: str) -> None:
        self._memory = memory
        self._user_id = user_id
        self.held = 0

    def take(self, size: int) -> None:
        """Hold `size` more bytes; raises DatabaseError 241."""
        if size:
            self._memory.take(self._user_id, size)
            self.held += size

    def give_back(self, size: int) -> None:
        """Hold `size` bytes less."""
        if size:
            self._memory.give_back(self._user_id, size)
            self.held -= size

    def close(self) -> None:
        """Hold nothing more."""
        self.give_back(self.held)
