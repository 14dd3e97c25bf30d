"""The console over a control plane in this process, served over TLS, and what else may answer on this host."""

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.control_plane import CONTEXT, HERE, Plane, second_factors
from tests.support.stack import free_ports

from stronghouse.access import people
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN
from stronghouse.console.application import create_console
from stronghouse.console.state import open_console


@dataclass
class ConsoleServer:
    """A console that answers at `url`."""

    plane: Plane
    url: str
    app: FastAPI

    def link(
        self, organization_id: str, role: Role = ADMIN, *, email: str = "ada@example.com", name: str = "Ada"
    ) -> str:
        """The address of a sign-in link for a new member."""
        now = self.plane.clock.now()
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            people.create_member(
                uow, organization_id=organization_id, email=email, name=name, role_ids=(role.id,), now=now
            )
        return self.another_link(email)

    def another_link(self, email: str) -> str:
        """The address of a sign-in link for somebody who is a member already."""
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            token = people.issue_sign_in_link(uow, email=email, now=self.plane.clock.now()).reveal()
        return f"{self.url}/sign-in/link?token={token}"


class AsTheEdge:
    """ASGI middleware: says where the request comes from, as the edge does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-sh-client-ip", HERE.encode())]}
        await self._app(scope, receive, send)


@contextlib.contextmanager
def console_server(plane: Plane, directory: Path) -> Iterator[ConsoleServer]:
    """Serve the console of `plane` on a free port of localhost."""
    certificate, key = certificate_files(directory)
    app = create_console(open_console(plane.control))
    port = free_ports(1)
    plane.control.console_url = f"https://localhost:{port}"
    plane.control.factors = second_factors(plane.control.console_url)
    config = uvicorn.Config(
        AsTheEdge(app),
        host="localhost",
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield ConsoleServer(plane, f"https://localhost:{port}", app)
    finally:
        server.should_exit = True
        thread.join(10)


@dataclass
class OtherPort:
    """A program of somebody else on another port of this host: what pages it serves, and which cookies it was sent."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)
    set_cookies: list[str] = field(default_factory=list)


@contextlib.contextmanager
def other_port(directory: Path) -> Iterator[OtherPort]:
    """Serve `pages` of an attacker over TLS, noting every cookie."""
    certificate, key = certificate_files(directory)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            other.cookies.append(self.headers.get("cookie", ""))
            page = other.pages.get(self.path, "").encode()
            self.send_response(200 if page else 404)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.send_header("content-length", str(len(page)))
            for cookie in other.set_cookies:
                self.send_header("set-cookie", cookie)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A browser may go away in the middle, or not trust the certificate."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    # The handshake is each connection's own thread's business: browsers open some that they never use.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    other = OtherPort(f"https://localhost:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield other
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def certificate_files(directory: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody vouches for, and its key."""
    certificate, key_file = directory / "other.pem", directory / "other.key"
    if certificate.exists():
        return certificate, key_file
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    return certificate, key_file
