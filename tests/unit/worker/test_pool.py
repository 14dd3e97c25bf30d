import socket
import threading
from collections.abc import Iterator

import pytest

from stronghouse.worker.pool import Pool
from stronghouse.worker.wire import Wire


@pytest.fixture
def wires() -> Iterator[list[Wire]]:
    pairs = [socket.socketpair() for _ in range(11)]
    yield [Wire(ours) for ours, _ in pairs]
    for pair in pairs:
        for end in pair:
            end.close()


def test_a_connection_never_waits_while_threads_are_to_be_had(wires: list[Wire]) -> None:
    for _ in range(30):
        one_round(wires)


def one_round(wires: list[Wire]) -> None:
    quick, slow = wires[0], wires[1:]
    go_on, served = threading.Event(), threading.Semaphore(0)

    def serve(wire: Wire) -> None:
        served.release()
        if wire is not quick:
            go_on.wait(5)

    pool = Pool(serve, threads=16)
    assert pool.give(quick)
    assert served.acquire(timeout=2)
    for wire in slow:
        assert pool.give(wire)
    assert all(served.acquire(timeout=2) for _ in slow)
    go_on.set()
    pool.close()
