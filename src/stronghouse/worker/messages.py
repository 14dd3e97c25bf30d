"""What goes over the control channel between an agent and a worker: one JSON object a line."""

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
