"""Doing the same with many things, a few at a time, in threads that do not keep the process alive."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import TypeVar

_T = TypeVar("_T")


def side_by_side(items: Sequence[_T], work: Callable[[_T], None], *, workers: int, name: str) -> None:
    """Call `work` for each item, in at most `workers` threads, and wait for all of them.

    The threads are daemons, which the pools of `concurrent.futures` are not: those are waited for when the process
    ends. An item whose work raises does not keep the others from being done; the first error is raised at the end.
    """
    waiting: SimpleQueue[_T] = SimpleQueue()
    for item in items:
        waiting.put(item)
    errors: list[Exception] = []

    def take() -> None:
        while True:
            try:
                item = waiting.get_nowait()
            except Empty:
                return
            try:
                work(item)
            except Exception as error:  # noqa: BLE001 - raised again by the thread that waits
                errors.append(error)

    threads = [
        threading.Thread(target=take, name=f"{name}-{number}", daemon=True)
        for number in range(min(workers, len(items)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
