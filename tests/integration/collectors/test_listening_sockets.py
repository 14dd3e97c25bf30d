"""Listening sockets are found in the kernel, in children too, wherever they listen."""

import socket
import sys
from subprocess import PIPE

from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.processes import spawn
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.collectors.listening_sockets import collect_listening_sockets
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.model import Result, ResultState

CHECK = load_catalogue().checks["listening_loopback_only"]
CHILD = """
import socket, sys, time
with open("/proc/self/comm", "w") as file:
    file.write("test-listener")
listener = socket.create_server((sys.argv[1], 0))
print(listener.getsockname()[1], flush=True)
time.sleep(60)
"""


def _look(root: int | None = None) -> dict[str, Result]:
    seen = collect_listening_sockets(target="a test", clock=SystemClock(), root=root)
    return {result.resource: result for result in evaluate(CHECK, seen)}


def _child(address: str) -> tuple[int, Result]:
    child = spawn([sys.executable, "-c", CHILD, address], environment={}, stdout=PIPE)
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        return port, _look()["process/test-listener"]
    finally:
        child.kill()
        child.communicate()


def test_child_on_loopback_passes_and_its_port_is_told() -> None:
    port, result = _child("127.0.0.1")
    assert (result.state, f"127.0.0.1:{port}" in result.reason) == (ResultState.PASS, True)


def test_child_on_every_address_fails() -> None:
    port, result = _child("0.0.0.0")
    assert (result.state, f"0.0.0.0:{port}" in result.reason) == (ResultState.FAIL, True)


def test_own_socket_counts_as_well() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert any(f"127.0.0.1:{listener.getsockname()[1]}" in result.reason for result in _look().values())
