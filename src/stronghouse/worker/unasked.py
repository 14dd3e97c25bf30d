"""What a worker says to its agent without being asked: that it needs its data key, or that something happened.

Invariants:
- Nothing that a worker says can make the agent keep a key, grow without bound or fill its log.
- A key goes to the worker that asked, and nowhere else; why there is none is told in a sentence for people.
"""

import asyncio
import base64
import contextlib
import re
import time
from collections.abc import Awaitable, Callable

import structlog

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.channel import Channel
from stronghouse.worker.messages import ChannelClosed, Message

DataKeyProvider = Callable[[], Awaitable[bytes]]
"""Unwraps a service's data key anew; raises StronghouseError."""
MAX_WAITING = 4
"""Requests for the key that are answered at a time; a worker that reopens its engine makes one."""
LOG_EVERY_SECONDS = 1.0
_EVENT_NAME = re.compile(r"[a-z][a-z_]{0,63}")
_log = structlog.get_logger()


class Unasked:
    """Takes such messages of one worker."""

    def __init__(self, channel: Channel, service_id: str, data_key_provider: DataKeyProvider | None) -> None:
        self._channel = channel
        self._service_id = service_id
        self._provide = data_key_provider
        self._giving: set[asyncio.Task[None]] = set()
        self._next_line = 0.0
        self._left_out = 0

    def take(self, message: Message) -> None:
        """Do what a message asks for. One of an unknown type is noted and otherwise ignored."""
        match message:
            case {"type": "need_key", "id": int(number)}:
                self._give_key(number)
            case {"type": "event", "name": str(name)} if _EVENT_NAME.fullmatch(name):
                self._note("worker_event", name=name)
            case _:
                self._note("worker_message_unknown")

    def note_unreadable(self) -> None:
        """A line that is no message."""
        self._note("worker_message_unreadable")

    def close(self) -> None:
        """Give up what goes on: the worker has ended."""
        for task in self._giving:
            task.cancel()

    def _give_key(self, number: int) -> None:
        if len(self._giving) >= MAX_WAITING:
            self._note("worker_asks_for_key_too_often")
            return
        task = asyncio.get_running_loop().create_task(self._send_key(number))
        self._giving.add(task)
        task.add_done_callback(self._giving.discard)

    async def _send_key(self, number: int) -> None:
        with contextlib.suppress(ChannelClosed):
            await self._channel.send({"type": "key", "id": number, **await self._key()})

    async def _key(self) -> dict[str, Json]:
        if self._provide is None:
            return {"data_key": None, "code": "data_key_withheld", "reason": "The agent gives the data key only once."}
        try:
            return {"data_key": base64.b64encode(await self._provide()).decode()}
        except StronghouseError as error:
            _log.error("data_key_unavailable", service=self._service_id, reason=error.public, detail=error.detail)
            return {"data_key": None, "code": error.code, "reason": error.public}
        except Exception as error:  # noqa: BLE001 - the edge of this request: the worker has to be told in any case
            # Without a traceback, which might show what was being unwrapped.
            _log.error("data_key_failed", service=self._service_id, error=type(error).__name__)
            return {"data_key": None, "code": "internal", "reason": "The agent met an internal error."}

    def _note(self, event: str, **fields: str) -> None:
        """At most one line a second; the next one says how many were left out."""
        now = time.monotonic()
        if now < self._next_line:
            self._left_out += 1
            return
        _log.warning(event, service=self._service_id, left_out=self._left_out, **fields)
        self._next_line, self._left_out = now + LOG_EVERY_SECONDS, 0
