"""The worker process. It is started, confined, by `launch.py`; see the package for the whole."""

import base64
import os
import signal
import socket
import sys
from types import FrameType

from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.errors import StronghouseError
from stronghouse.worker.control import Control
from stronghouse.worker.log import log
from stronghouse.worker.messages import ChannelClosed
from stronghouse.worker.privileges import die_with, hide_memory
from stronghouse.worker.serving import Serving
from stronghouse.worker.specification import Launch, WorkerSpec

SIGNAL_GRACE_SECONDS = 5.0


class _Terminated(Exception):  # noqa: N818 - an event more than an error
    """Somebody sent SIGTERM."""


def main(arguments: list[str]) -> int:
    """Run the worker to its end; the exit status."""
    launch = Launch.from_json(parse_json(arguments[1]))
    hide_memory()
    die_with(launch.parent)
    control = Control(socket.socket(fileno=launch.control))
    if launch.listener is None or launch.sandbox is None:
        return 2
    try:
        message = control.receive()
        spec = WorkerSpec.from_json(message.get("spec"))
        data_key = base64.b64decode(str(message.pop("data_key", "")), validate=True)
        listener = socket.socket(fileno=launch.listener)
        serving = Serving(spec, launch.sandbox, control, listener, data_key)
    except ChannelClosed:
        return 0
    except StronghouseError as error:
        control.send({"type": "failed", "code": error.code, "reason": error.public, "detail": error.detail})
        return 1
    del data_key
    _separate_logs()
    serving.start()
    control.send(serving.ready())
    log.info("ready", engine=serving.engine.version)
    _obey(serving)
    serving.close()
    log.info("stopped")
    return 0


def _obey(serving: Serving) -> None:
    """Until the agent ends the worker or is gone, or somebody sends SIGTERM: then what was accepted is answered."""
    try:
        signal.signal(signal.SIGTERM, _terminate)
        serving.commands.obey()
    except _Terminated:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one changes nothing
        serving.server.stop_accepting()
        serving.commands.grace = SIGNAL_GRACE_SECONDS
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _terminate(_number: int, _frame: FrameType | None) -> None:
    raise _Terminated


def _separate_logs() -> None:
    """Our log goes on where it was; the engine's own words, which can hold a query's text, go nowhere from now on."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    log.write_to(sys.stderr)


if __name__ == "__main__":
    status = main(sys.argv)
    sys.stderr.flush()
    # Leaving in the usual way runs the engine's destructors beside its threads, which can crash (engine.md section 9).
    os._exit(status)
