"""A worker whose engine can be made to keep the rights that it has, by a forgotten connection or by an old file.

The parent runs `leaking_worker`; this module as a program is the worker, in no sandbox, which would not let it see the
tests.
"""

import base64
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.connection import Connection
from stronghouse.kernel.canonical import parse_json
from stronghouse.worker.control import Control
from stronghouse.worker.serving import Serving
from stronghouse.worker.specification import SandboxReport, WorkerSpec
from tests.integration.worker.service import KEY, Service

READY, DONE = b"ready\n", b"done\n"
FAULTS = {"connection": signal.SIGUSR1, "file": signal.SIGUSR2}
"""What goes wrong: a connection that nobody closes, or a users file that is always the one of now."""


@dataclass(frozen=True)
class LeakingWorker:
    process: "subprocess.Popen[bytes]"

    def fail(self, fault: str) -> None:
        """Have it go wrong from now on."""
        self.process.send_signal(FAULTS[fault])
        assert self._line() == DONE

    def wait(self) -> int:
        """Its exit status."""
        return self.process.wait(20)

    def _line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextlib.contextmanager
def leaking_worker(service: Service) -> Iterator[LeakingWorker]:
    """Such a worker for a service that has none; its data belong to the usual worker afterwards."""
    ours, theirs = socket.socketpair()
    task = {"spec": service.spec.to_json(), "control": theirs.fileno(), "listener": service.listener.fileno()}
    with service.log.open("ab") as log, theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, json.dumps(task)],
            pass_fds=(theirs.fileno(), service.listener.fileno()),
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(__file__).parents[3],
        )
    threading.Thread(target=_give_keys, args=(ours,), daemon=True).start()
    worker = LeakingWorker(process)
    try:
        assert worker._line() == READY
        yield worker
    finally:
        process.kill()
        process.wait()
        ours.close()
        assert process.stdout is not None
        process.stdout.close()
        if service.spec.uid is not None:
            for path in (service.data, *service.data.rglob("*")):
                os.lchown(path, service.spec.uid, service.spec.uid)


def _give_keys(channel: socket.socket) -> None:
    """Be the agent, as far as keys go, until the worker is gone."""
    key = base64.b64encode(KEY).decode()
    control = Control(channel)
    with contextlib.suppress(Exception):
        while True:
            message = control.receive()
            if message.get("type") == "need_key":
                control.send({"type": "key", "id": message.get("id"), "data_key": key})


def main(arguments: list[str]) -> None:
    """Serve, and go wrong when told."""
    task = parse_json(arguments[1])
    assert isinstance(task, dict)
    spec = WorkerSpec.from_json(task["spec"])
    control = Control(socket.socket(fileno=int(str(task["control"]))))
    listener = socket.socket(fileno=int(str(task["listener"])))
    serving = Serving(spec, SandboxReport(7, seccomp=True, separate_uid=True, missing=()), control, listener, KEY)
    forgotten: list[Connection] = []

    def forget(_number: int, _frame: object) -> None:
        engine = serving.engine  # past its own list of connections, all of which it closes
        forgotten.append(Connection(engine._module.connect(engine._address)))
        os.write(1, DONE)

    def keep(_number: int, _frame: object) -> None:
        reopen, old = serving.engine.reopen, users_tree(serving.accounts.catalogue)
        setattr(serving.engine, "reopen", lambda *, data_key, users: reopen(data_key=data_key, users=old))  # noqa: B010 - mypy
        os.write(1, DONE)

    signal.signal(FAULTS["connection"], forget)
    signal.signal(FAULTS["file"], keep)
    serving.start()
    os.write(1, READY)
    serving.commands.obey()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv)
