"""Doing what the agent asks over the control channel, until it asks to stop or is gone."""

import structlog

from stronghouse.kernel.canonical import Json
from stronghouse.worker.channel import Channel, ChannelClosed, Message
from stronghouse.worker.front import Front
from stronghouse.worker.server import Server

_log = structlog.get_logger()


async def obey(channel: Channel, front: Front, server: Server) -> None:
    """Answer the agent's messages; returns when the worker has stopped serving. A lost agent is no reason to linger."""
    while True:
        try:
            message = await channel.receive()
            if await _obey(message, channel, front, server):
                return
        except ChannelClosed:
            await server.stop_accepting()
            await server.finish(0.0)
            return
        except ValueError as error:
            _log.error("message_unreadable", reason=str(error))


async def _obey(message: Message, channel: Channel, front: Front, server: Server) -> bool:
    """Do what one message asks; says whether the worker is to end."""
    ends = False
    grace = 0.0
    result: Json = None
    match message:
        case {"type": "set_password", "password_sha256": str(password)}:
            front.set_password(password)
        case {"type": "activity"}:
            activity = front.running.activity
            result = {"active_requests": activity.active_requests, "idle_seconds": activity.idle_seconds}
        case {"type": "stop_if_idle", "idle_seconds": (int() | float()) as seconds}:
            ends = result = _is_idle(front, float(seconds))
            grace = 5.0
        case {"type": "stop", "grace": (int() | float()) as seconds}:
            ends, grace = True, float(seconds)
        case _:
            raise ValueError("an unknown message")
    if ends:
        await server.stop_accepting()
    await channel.send({"type": "answer", "id": message.get("id"), "result": result})
    if ends:
        await server.finish(grace)
    return ends


def _is_idle(front: Front, seconds: float) -> bool:
    activity = front.running.activity
    return not activity.active_requests and not len(front.sessions) and activity.idle_seconds >= seconds
