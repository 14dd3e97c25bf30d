"""The agent's side of the control channel between an agent and a worker: a pair of Unix sockets."""

import asyncio
import socket

from stronghouse.worker.messages import MAX_LINE, ChannelClosed, Message, decode, encode


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
