"""The worker's HTTP server: a thread for each request, and one thread that watches the idle connections.

A statement takes a thread inside the engine anyway. So the thread that reads a request also runs it and sends its
answer, on blocking sockets, and nothing is handed over between: an event loop with threads beside it costs ten times as
much for a short query. A connection without a request costs no thread.

Invariants:
- A connection is accepted by who will answer it; after `stop_accepting` none is.
- Whatever a client sends, no thread ends of it, and none waits for it longer than the time-outs say.
"""

import socket
import threading
import time
from collections.abc import Callable
from enum import Enum

from stronghouse.worker.exchange import Exchange
from stronghouse.worker.log import log
from stronghouse.worker.parser import BadRequest, Head, take_head
from stronghouse.worker.pool import Pool
from stronghouse.worker.watch import Watch
from stronghouse.worker.wire import Wire

THREADS = 320
"""Requests at a time; more wait for a thread."""
LINGERING = 32
"""Of these, those that have been answered and whose client is still sending; the connections of more are closed."""
FRESH_SECONDS = 0.25
"""How long, at the end, a connection that was accepted just before is given to send its request."""
LAST_WORDS_SECONDS = 3.0
_BUSY = "Code: 202. DB::Exception: Too many requests wait (TOO_MANY_SIMULTANEOUS_QUERIES)"


class _Next(Enum):
    """What becomes of a connection that a thread lets go of: it waits for a request, for a thread, or ends."""

    REQUEST = 1
    THREAD = 2
    END = 3


class Server:
    """Serves `handle` on a listening socket. The socket's other copy, the agent's, goes on collecting connections.

    `handle` answers an exchange, in a thread of its own. What it raises ends the exchange: ConnectionError silently,
    anything else with a line in the log and status 500.

    Attributes:
        draining: whether each answer is its connection's last.
        lingering: what a thread takes to listen to a client that it has answered.
    """

    def __init__(self, handle: Callable[[Exchange], None], listener: socket.socket, *, threads: int = THREADS) -> None:
        self.draining = False
        self.lingering = threading.Semaphore(LINGERING)
        self._handle = handle
        self._lock = threading.Condition(threading.Lock())
        self._pool = Pool(self._serve, threads=threads)
        self._watch = Watch(listener, self._ready, self._lock)
        self._busy: set[Wire] = set()
        self._active = 0

    @property
    def active(self) -> int:
        """Requests that are being answered."""
        return self._active

    @property
    def idle(self) -> int:
        """Connections that wait for a request."""
        return len(self._watch)

    def start(self) -> None:
        """Begin to accept."""
        self._watch.start()

    def stop_accepting(self) -> None:
        """Accept no more; what was accepted is answered, with the last response on each connection."""
        self.draining = True
        self._watch.stop_accepting(LAST_WORDS_SECONDS)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no request is being answered; says whether that was within `seconds`."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._busy, seconds)

    def finish(self, grace: float) -> None:
        """Let requests end for `grace` seconds, cut the rest off, close every connection, and end."""
        self.stop_accepting()
        deadline = time.monotonic() + FRESH_SECONDS
        while time.monotonic() < deadline and self._watch.expects_request():
            time.sleep(FRESH_SECONDS / 20)
        if not self.wait_idle(grace):
            self._cut_off()
        self._watch.close_connections()
        if not self.wait_idle(LAST_WORDS_SECONDS):
            self._cut_off()
        self._watch.end(LAST_WORDS_SECONDS)
        self._pool.close()

    def _cut_off(self) -> None:
        with self._lock:
            for wire in self._busy:
                wire.cut()
        self.wait_idle(LAST_WORDS_SECONDS)

    def _ready(self, wire: Wire) -> None:
        """Give a connection to a thread. The lock is held."""
        self._busy.add(wire)
        if not self._pool.give(wire):
            self._busy.discard(wire)
            wire.send_now(_short_answer(503, _BUSY))
            wire.close()

    def _serve(self, wire: Wire) -> None:
        """Answer what comes on a connection until nothing does. The thread's outermost function: raises nothing."""
        following = _Next.END
        try:
            following = self._answer_all(wire)
        except BadRequest as refused:
            wire.send_now(_short_answer(refused.status, refused.reason))
        except OSError:
            pass  # the client is gone
        except Exception as error:  # noqa: BLE001 - the edge of the process for this connection
            log.error("connection_failed", error=type(error).__name__, place=_place(error))
        finally:
            self._let_go(wire, following)

    def _answer_all(self, wire: Wire) -> _Next:
        linger = False
        while True:
            head = take_head(wire)
            while head is None:
                arrived = wire.fill(linger=linger and not wire.buffer)
                if not arrived:
                    return _Next.REQUEST if arrived is None else _Next.END
                head = take_head(wire)
            if not self._answer(wire, head):
                return _Next.END
            if self._pool.crowded:
                return _Next.THREAD if wire.buffer else _Next.REQUEST
            linger = True

    def _answer(self, wire: Wire, head: Head) -> bool:
        """Answer one request; says whether the connection goes on. Raises ConnectionError."""
        wire.fresh = wire.arriving = False
        exchange = Exchange(wire, head, self)
        self._count(1)
        try:
            self._handle(exchange)
        except ConnectionError:
            exchange.abort()
        except Exception as error:  # noqa: BLE001 - the edge of the process for this request
            # Its text may quote a statement, so it goes nowhere.
            log.error("request_failed", error=type(error).__name__, place=_place(error))
            _apologize(exchange)
        finally:
            self._count(-1)
        return exchange.finish()

    def _count(self, step: int) -> None:
        with self._lock:
            self._active += step

    def _let_go(self, wire: Wire, following: _Next) -> None:
        with self._lock:
            self._busy.discard(wire)
            if following is _Next.REQUEST:
                self._watch.add(wire)
            elif following is _Next.THREAD:
                self._ready(wire)
            else:
                wire.close()
            if not self._busy:
                self._lock.notify_all()


def _apologize(exchange: Exchange) -> None:
    if not exchange.started:
        exchange.close_after()
        exchange.respond(500, [("Content-Type", "text/plain; charset=UTF-8")], b"Internal error\n")


def _short_answer(status: int, reason: str) -> bytes:
    """An answer to what is no request, after which the connection ends."""
    body = f"{reason}\n".encode()
    head = (
        f"HTTP/1.1 {status} Refused\r\nContent-Type: text/plain; charset=UTF-8\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _place(error: BaseException) -> str:
    """Where in the code it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace is not None else ""
