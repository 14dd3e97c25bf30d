"""The control channel between an agent and a worker: one JSON object a line over a pair of Unix sockets."""

import asyncio
import json
import socket

from stronghouse.kernel.canonical import Json, parse_json

MAX_LINE = 1 << 20
Message = dict[str, Json]


class ChannelClosed(Exception):  # noqa: N818 - an event more than an error
    """The other side is gone."""


def encode(message: Message) -> bytes:
    """One line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """The object in a line; raises ChannelClosed for the end, and ValueError for anything else."""
    if not line.endswith(b"\n"):
        raise ChannelClosed
    try:
        message = parse_json(line)
    except RecursionError:  # brackets within brackets
        raise ValueError("a message is not nested so deeply") from None
    if not isinstance(message, dict):
        raise ValueError("a message is an object")  # noqa: TRY004 - bad input, not a bad call
    return message


def receive(channel: socket.socket) -> Message:
    """The first message, read before there is an event loop; raises ChannelClosed and ValueError."""
    line = bytearray()
    while not line.endswith(b"\n") and len(line) <= MAX_LINE:
        piece = channel.recv(65_536)
        if not piece:
            raise ChannelClosed
        line += piece
    message = decode(bytes(line))
    line[:] = bytes(len(line))  # it held the data key
    return message


class Channel:
    """One side of the channel, in an event loop."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """The channel over one end of a pair of sockets, which it owns from now on."""
        reader, writer = await asyncio.open_unix_connection(sock=end, limit=MAX_LINE)
        return cls(reader, writer)

    async def send(self, message: Message) -> None:
        """Send; raises ChannelClosed."""
        try:
            self._writer.write(encode(message))
            await self._writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise ChannelClosed from error

    async def receive(self) -> Message:
        """The next message; raises ChannelClosed and ValueError."""
        try:
            return decode(await self._reader.readline())
        except ConnectionError as error:
            raise ChannelClosed from error

    def close(self) -> None:
        """Close this side."""
        self._writer.close()
