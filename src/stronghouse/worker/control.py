"""The worker's end of the control channel: it obeys the agent in one thread, and other threads ask the agent."""

import base64
import itertools
import socket
import threading

from stronghouse.kernel.errors import Unavailable
from stronghouse.worker.messages import MAX_LINE, ChannelClosed, Message, decode, encode

KEY_SECONDS = 20.0
READ_BYTES = 65_536


class Control:
    """The channel. `receive` is called by one thread; everything else is safe from any."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, tuple[threading.Event, list[Message]]] = {}
        self._ended = False
        self._buffer = bytearray()

    def send(self, message: Message) -> None:
        """Send; raises ChannelClosed."""
        try:
            with self._lock:
                self._channel.sendall(encode(message))
        except OSError as error:
            raise ChannelClosed from error

    def data_key(self) -> bytes:
        """Ask the agent for the service's data key. Raises Unavailable; not to be called by who listens."""
        number, answered, answer = next(self._numbers), threading.Event(), list[Message]()
        self._waiting[number] = (answered, answer)
        try:
            self.send({"type": "need_key", "id": number})
            if not self._ended and not answered.wait(KEY_SECONDS):
                raise Unavailable("The agent does not give the data key.", code="data_key_unavailable")
        except ChannelClosed:
            raise Unavailable("The agent is gone.", code="data_key_unavailable") from None
        finally:
            del self._waiting[number]
        if not answer:
            raise Unavailable("The agent is gone.", code="data_key_unavailable")
        encoded = answer[0].pop("data_key", None)
        if not isinstance(encoded, str):
            reason, code = answer[0].get("reason"), answer[0].get("code")
            raise Unavailable(str(reason or "There is no data key."), code=str(code or "data_key_unavailable"))
        return base64.b64decode(encoded, validate=True)

    def receive(self) -> Message:
        """The agent's next command; answers to `data_key` go their own way. Raises ChannelClosed and ValueError."""
        while True:
            try:
                message = self._receive()
            except ChannelClosed:
                self._end()
                raise
            number = message.get("id")
            if message.get("type") != "key" or not isinstance(number, int):
                return message
            waiting = self._waiting.get(number)
            if waiting is not None:
                waiting[1].append(message)
                waiting[0].set()

    def _end(self) -> None:
        """Nobody will answer any more: who waits need not."""
        self._ended = True
        for answered, _ in list(self._waiting.values()):
            answered.set()

    def close(self) -> None:
        """Close this end."""
        self._channel.close()

    def _receive(self) -> Message:
        while b"\n" not in self._buffer:
            try:
                piece = self._channel.recv(READ_BYTES)
            except OSError as error:
                raise ChannelClosed from error
            if not piece or len(self._buffer) > MAX_LINE:
                raise ChannelClosed
            self._buffer += piece
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer[:] = bytes(len(self._buffer))  # it may have held a key
        self._buffer = bytearray(rest)
        return decode(line + b"\n")
