"""The thread that accepts connections and watches those on which no request is being answered.

Invariants:
- The lock that it shares with the server is held where a connection changes hands, so that it is in one place always.
- It never waits for a client.
"""

import contextlib
import os
import select
import socket
import threading
import time
from collections.abc import Callable

from stronghouse.worker.log import log
from stronghouse.worker.wire import Wire

KEEP_ALIVE_SECONDS = 60.0
"""Longer than the edge keeps an idle connection, so that it is the edge that closes."""
HEAD_SECONDS = 30.0
"""How long a request's head may take from its first byte to its last."""
TICK_SECONDS = 1.0
PAUSE_SECONDS = 0.1
ACCEPT_AT_ONCE = 64
MAX_IDLE = 4096
_WATCH = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=UTF-8\r\nConnection: close\r\n"
    b"Content-Length: 35\r\n\r\nThe request's head stopped coming.\n"
)


class Watch:
    """Idle connections and the listening socket.

    Args:
        ready: takes a connection on which something came; called with the lock held.
        lock: the server's.
    """

    def __init__(self, listener: socket.socket, ready: Callable[[Wire], None], lock: threading.Condition) -> None:
        self._listener = listener
        self._listener_fd = listener.fileno()
        self._ready = ready
        self._lock = lock
        self._epoll = select.epoll()
        self._rousing = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._wires: dict[int, Wire] = {}
        self._accepting = False
        self._listening = False
        self._paused_until = 0.0
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="connections", daemon=True)

    def __len__(self) -> int:
        return len(self._wires)

    def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's own
        self._epoll.register(self._rousing, select.EPOLLIN)
        self._accepting = True
        self._thread.start()

    def add(self, wire: Wire) -> None:
        """Watch a connection. The lock is held."""
        if not wire.buffer or not wire.arriving:
            wire.arriving = bool(wire.buffer)
            wire.since = time.monotonic()
        self._wires[wire.descriptor] = wire
        self._epoll.modify(wire.descriptor, _WATCH)
        if len(self._wires) == 1:
            self._rouse()  # it may sleep without a limit, and this connection has one

    def stop_accepting(self, seconds: float) -> None:
        """Accept no more, from now on. What has not been accepted stays in the socket."""
        with self._lock:
            self._accepting = False
            self._rouse()
            self._lock.wait_for(lambda: not self._listening or not self._thread.is_alive(), seconds)

    def expects_request(self) -> bool:
        """Whether a connection has sent part of a request, or was accepted and has sent nothing at all."""
        with self._lock:
            return any(wire.fresh or wire.arriving for wire in self._wires.values())

    def close_connections(self) -> None:
        """Close all; those on which something has just come are ready instead."""
        with self._lock:
            wires, self._wires = self._wires, {}
            for wire in wires.values():
                if wire.has_data() and not wire.arriving:
                    self._ready(wire)
                else:
                    wire.close()

    def end(self, seconds: float) -> None:
        """End the thread."""
        with self._lock:
            self._ending = True
            self._rouse()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._ending:
            self._listen()
            waits = self._wires or self._paused_until
            for descriptor, _ in self._epoll.poll(TICK_SECONDS if waits else None):
                if descriptor == self._listener_fd:
                    self._accept()
                elif descriptor == self._rousing:
                    os.eventfd_read(self._rousing)
                else:
                    with self._lock:
                        wire = self._wires.pop(descriptor, None)
                        if wire is not None:
                            self._ready(wire)
            self._expire()
        self._epoll.close()
        os.close(self._rousing)

    def _listen(self) -> None:
        """Watch the listening socket, or do not: while there is no room, connections wait in it."""
        with self._lock:
            room = len(self._wires) < MAX_IDLE and time.monotonic() >= self._paused_until
            if room:
                self._paused_until = 0.0
            wanted = self._accepting and room
            if wanted and not self._listening:
                self._epoll.register(self._listener_fd, select.EPOLLIN)
            elif self._listening and not wanted:
                self._epoll.unregister(self._listener_fd)
            self._listening = wanted
            self._lock.notify_all()

    def _accept(self) -> None:
        for _ in range(ACCEPT_AT_ONCE):
            if not self._accepting:
                return
            try:
                connected, _address = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:  # no more descriptors or memory, which may come back
                log.warning("accept_failed", reason=error.strerror)
                self._paused_until = time.monotonic() + PAUSE_SECONDS
                return
            wire = Wire(connected)
            with self._lock:
                self._wires[wire.descriptor] = wire
                self._epoll.register(wire.descriptor, _WATCH)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [wire for wire in self._wires.values() if now - wire.since > _limit(wire)]
            for wire in late:
                if wire.arriving:
                    wire.send_now(_TOO_SLOW)
                elif wire.has_data():
                    continue  # its event is on the way
                del self._wires[wire.descriptor]
                wire.close()

    def _rouse(self) -> None:
        with contextlib.suppress(OSError):
            os.eventfd_write(self._rousing, 1)


def _limit(wire: Wire) -> float:
    return HEAD_SECONDS if wire.arriving else KEEP_ALIVE_SECONDS
