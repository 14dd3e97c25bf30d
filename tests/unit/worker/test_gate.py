import threading
import time

from stronghouse.worker.gate import Gate


def test_who_comes_while_it_is_closed_waits_and_then_comes_in() -> None:
    gate, inside = Gate(), threading.Event()

    def come() -> None:
        with gate:
            inside.set()

    gate.close()
    thread = threading.Thread(target=come)
    thread.start()
    assert not inside.wait(0.05)
    assert gate.wait_until_empty(0.0)
    gate.open()
    assert inside.wait(1.0)
    thread.join()


def test_closing_waits_for_those_inside() -> None:
    gate, leave, entered = Gate(), threading.Event(), threading.Event()

    def stay() -> None:
        with gate:
            entered.set()
            leave.wait(2.0)

    thread = threading.Thread(target=stay)
    thread.start()
    entered.wait(1.0)
    gate.close()
    began = time.monotonic()
    assert not gate.wait_until_empty(0.05)
    leave.set()
    assert gate.wait_until_empty(1.0)
    assert time.monotonic() - began < 1.0
    thread.join()
