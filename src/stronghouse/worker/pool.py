"""Threads that are made when they are needed and end when they have not been for a while."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from stronghouse.worker.wire import Wire

SPARE_SECONDS = 30.0
MAX_QUEUED = 1024


class Pool:
    """At most `threads` threads, each serving one connection at a time; the others queue.

    Args:
        serve: what a thread does with a connection. It raises nothing.
    """

    def __init__(self, serve: Callable[[Wire], None], *, threads: int) -> None:
        self._serve = serve
        self._most = threads
        self._queue: SimpleQueue[Wire | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._spare = 0  # threads that wait, without those that a connection in the queue is meant for
        self._backlog = 0  # connections in the queue that no thread is meant for
        self._closed = False

    @property
    def crowded(self) -> bool:
        """Whether connections wait for a thread, so that those that have one should take turns."""
        return self._backlog > 0

    @property
    def threads(self) -> int:
        """How many there are now."""
        return len(self._threads)

    def give(self, wire: Wire) -> bool:
        """Have a connection served; says False, and does nothing, when too many wait already."""
        with self._lock:
            if self._closed:
                return False
            if self._spare:
                self._spare -= 1
            elif len(self._threads) < self._most:
                thread = threading.Thread(target=self._run, name="request", daemon=True)
                self._threads.add(thread)
                thread.start()
            elif self._backlog < MAX_QUEUED:
                self._backlog += 1
            else:
                return False
            self._queue.put(wire)
            return True

    def close(self, seconds: float = 1.0) -> None:
        """End the threads; waits for each at most `seconds`. No connection may be given after this."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            for _ in threads:
                self._queue.put(None)
        for thread in threads:
            thread.join(seconds)

    def _run(self) -> None:
        while True:
            try:
                wire = self._queue.get(timeout=SPARE_SECONDS)
            except Empty:
                with self._lock:
                    if not self._spare or not self._queue.empty():
                        continue  # a connection is meant for one of those that wait
                    self._spare -= 1
                    self._threads.discard(threading.current_thread())
                    return
            if wire is None:
                return
            self._serve(wire)
            with self._lock:
                if self._backlog:
                    self._backlog -= 1
                else:
                    self._spare += 1
