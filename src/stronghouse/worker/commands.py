"""Doing what the agent asks over the control channel, until it asks to stop or is gone."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.control import Control
from stronghouse.worker.log import log
from stronghouse.worker.messages import ChannelClosed, Message
from stronghouse.worker.running import Running
from stronghouse.worker.server import Server
from stronghouse.worker.sessions import Sessions
from stronghouse.worker.specification import KeyUsers, read_settings

IDLE_GRACE_SECONDS = 5.0


@dataclass
class Commands:
    """The agent's commands.

    Attributes:
        control, server, running, sessions: the worker's.
        set_password: gives the owner another password, by its hash.
        set_settings: gives the service other settings, but for those that the engine refuses.
        set_key_users: says which users of API keys there are.
        report: what the worker tells of a thing by name (`logs`, …); raises ValueError for another.
        grace: once the worker is to end, for how many seconds requests may go on; None before.
    """

    control: Control
    server: Server
    running: Running
    sessions: Sessions
    set_password: Callable[[str], None]
    set_settings: Callable[[Mapping[str, str]], None]
    set_key_users: Callable[[KeyUsers], None]
    report: Callable[[Message], Json]
    grace: float | None = None

    def obey(self) -> None:
        """Do what comes until the worker is to end; a lost agent is no reason to linger."""
        try:
            while self.grace is None:
                try:
                    self._take(self.control.receive())
                except ValueError as error:
                    log.error("message_unreadable", reason=str(error))
        except ChannelClosed:
            self.server.stop_accepting()
            self.grace = 0.0

    def _take(self, message: Message) -> None:
        match message:
            case {"type": "activity"}:
                activity = self.running.activity
                self._answer(
                    message, {"active_requests": activity.active_requests, "idle_seconds": activity.idle_seconds}
                )
            case {"type": "stop_if_idle", "idle_seconds": (int() | float()) as seconds}:
                if idle := self._is_idle(float(seconds)):
                    self.server.stop_accepting()
                self._answer(message, idle)
                self.grace = IDLE_GRACE_SECONDS if idle else None
            case {"type": "stop", "grace": (int() | float()) as seconds}:
                self.server.stop_accepting()
                self._answer(message, None)
                self.grace = float(seconds)
            case _:
                # They may have to wait for the data key, which comes over this channel.
                threading.Thread(target=self._take_slow, args=(message,), daemon=True).start()

    def _take_slow(self, message: Message) -> None:
        result: Json = None
        try:
            match message:
                case {"type": "set_password", "password_sha256": str(password)}:
                    self.set_password(password)
                case {"type": "set_settings"}:
                    self.set_settings(read_settings(message.get("settings")))
                case {"type": "set_key_users", "wanted": wanted}:
                    self.set_key_users(KeyUsers.from_json(wanted))
                case _:
                    result = self.report(message)
            self._answer(message, result)
        except StronghouseError as error:
            log.error("command_failed", command=str(message.get("type")), code=error.code, detail=error.detail)
        except ValueError as error:
            log.error("message_unreadable", reason=str(error))
        except ChannelClosed:
            return

    def _answer(self, message: Message, result: Json) -> None:
        self.control.send({"type": "answer", "id": message.get("id"), "result": result})

    def _is_idle(self, seconds: float) -> bool:
        self.sessions.sweep()
        activity = self.running.activity
        return not activity.active_requests and not len(self.sessions) and activity.idle_seconds >= seconds
