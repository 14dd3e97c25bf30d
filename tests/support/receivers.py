"""Receivers of notifications on this machine: a small SMTP server and a webhook, each in a thread."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Mailbox:
    """What an SMTP server took. `refuse` answers DATA with 554."""

    port: int = 0
    refuse: bool = False
    recipients: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


@contextmanager
def smtp_server() -> Iterator[Mailbox]:
    """A server that takes every message (RFC 5321, as much as a client needs)."""
    mailbox = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            for line in self.rfile:
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self._data()
                    continue
                if word == b"RCPT":
                    mailbox.recipients.append(line.decode().strip())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                if word == b"QUIT":
                    return

        def _data(self) -> None:
            if mailbox.refuse:
                self.wfile.write(b"554 no\r\n")
                return
            self.wfile.write(b"354 go on\r\n")
            lines = iter(self.rfile.readline, b".\r\n")
            mailbox.messages.append(b"".join(lines).decode())
            self.wfile.write(b"250 taken\r\n")

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session)) as port:
        mailbox.port = port
        yield mailbox


@dataclass
class Hook:
    """What a webhook took, and how it answers."""

    port: int = 0
    status: int = 200
    location: str | None = None
    bodies: list[str] = field(default_factory=list)


@contextmanager
def webhook() -> Iterator[Hook]:
    """A web server that notes what is posted."""
    hook = Hook()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(hook.status)
            if hook.location is not None:
                self.send_header("location", hook.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Answer)) as port:
        hook.port = port
        yield hook


@contextmanager
def _served(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    with server:
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()
