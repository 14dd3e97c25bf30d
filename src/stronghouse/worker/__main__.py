"""The worker process. It is started, confined, by `launch.py`; see the package for the whole."""

import base64
import os
import socket
import sys

import structlog
import uvloop

from stronghouse.engine.admission import Admission
from stronghouse.engine.engine import Engine
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.kernel.logs import configure_logs
from stronghouse.worker.authentication import Owner
from stronghouse.worker.channel import Channel, ChannelClosed, encode, receive
from stronghouse.worker.commands import obey
from stronghouse.worker.front import Front
from stronghouse.worker.privileges import die_with, hide_memory
from stronghouse.worker.responses import Identity
from stronghouse.worker.server import Server
from stronghouse.worker.specification import Launch, WorkerSpec

_log = structlog.get_logger()


def main(arguments: list[str]) -> int:
    """Run the worker to its end; the exit status."""
    launch = Launch.from_json(parse_json(arguments[1]))
    hide_memory()
    die_with(launch.parent)
    control = socket.socket(fileno=launch.control)
    if launch.listener is None or launch.sandbox is None:
        return 2
    try:
        spec, engine = _open(control)
    except ChannelClosed:
        return 0
    except StronghouseError as error:
        control.sendall(encode({"type": "failed", "code": error.code, "reason": error.public, "detail": error.detail}))
        return 1
    _separate_logs()
    listener = socket.socket(fileno=launch.listener)
    try:
        uvloop.run(_serve(control, listener, launch, spec, engine))
    finally:
        engine.close()
    return 0


def _open(control: socket.socket) -> tuple[WorkerSpec, Engine]:
    """Read the specification and the data key, and open the engine; nothing here keeps the key."""
    message = receive(control)
    spec = WorkerSpec.from_json(message.get("spec"))
    data_key = base64.b64decode(str(message.pop("data_key", "")), validate=True)
    return spec, Engine.open(spec.data_directory, data_key=data_key, memory_limit_bytes=spec.memory_limit_bytes)


def _separate_logs() -> None:
    """Our log goes on where it was; the engine's own words, which can hold a query's text, go nowhere from now on."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    configure_logs("worker")


async def _serve(
    control: socket.socket, listener: socket.socket, launch: Launch, spec: WorkerSpec, engine: Engine
) -> None:
    channel = await Channel.over(control)
    admission = Admission(engine)
    identity = Identity(engine.version, engine.timezone, spec.service_id)
    front = Front(engine, admission, Owner(spec.username, spec.password_sha256), identity)
    server = Server(front, listener)
    await server.start()
    sandbox = launch.sandbox.to_json() if launch.sandbox else None
    await channel.send({"type": "ready", "engine_version": engine.version, "sandbox": sandbox})
    _log.info("ready", engine=engine.version)
    await obey(channel, front, server)
    admission.close()
    channel.close()
    _log.info("stopped")


if __name__ == "__main__":
    status = main(sys.argv)
    sys.stderr.flush()
    # Leaving in the usual way runs the engine's destructors beside its threads, which can crash (engine.md section 9).
    os._exit(status)
