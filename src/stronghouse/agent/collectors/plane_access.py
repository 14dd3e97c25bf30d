"""Whether the control plane's listener for agents lets a stranger in: tried with real handshakes."""

import asyncio
import secrets
import socket
import ssl
from base64 import b64encode
from datetime import timedelta

from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.agent.collectors.region_facts import region_facts
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.regions.protocol import STREAM_PATH
from stronghouse.regions.tls import load_key_pair

VERSION = 1
METHOD = (
    "Two TLS connections to the listener for agents, each asking to open an agent's stream: without a client "
    "certificate, and with one that was just signed by an authority made for this attempt."
)
TIMEOUT_SECONDS = 5.0
SWITCHING = b"101"


async def collect_plane_access(inventory: Inventory) -> Json:
    """Facts about the listener as seen from this region."""
    collected_at = SystemClock().now()
    listener = await asyncio.to_thread(_look, inventory.control_host, inventory.control_port, inventory)
    return region_facts(
        inventory,
        collector="plane_access",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=[listener],
    )


def _look(host: str, port: int, inventory: Inventory) -> dict[str, Json]:
    authority = inventory.edge_ca_file.read_text("ascii")
    fields: dict[str, Json] = {
        "id": f"agent_listener/{host}:{port}",
        "kind": "agent_listener",
        "reachable": True,
        "unreachable_because": None,
        "attempts": [],
    }
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS):
            pass
    except OSError as error:
        fields.update(reachable=False, unreachable_because=error.strerror or type(error).__name__)
        return fields
    stranger = _context(authority)
    key, request = new_key_and_request("stranger")
    foreign = CertificateAuthority.create("stranger", purpose=Purpose.CLIENT, clock=SystemClock())
    certificate = foreign.sign_client(request, common_name="stranger", lifetime=timedelta(hours=1))
    load_key_pair(stranger, certificate, key)
    attempts: list[Json] = [
        _attempt("no certificate", host, port, _context(authority)),
        _attempt("certificate of a foreign authority", host, port, stranger),
    ]
    return {**fields, "attempts": attempts}


def _context(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority)


def _attempt(name: str, host: str, port: int, context: ssl.SSLContext) -> dict[str, Json]:
    outcome, detail = _ask(host, port, context)
    return {"name": name, "outcome": outcome, "detail": detail}


def _ask(host: str, port: int, context: ssl.SSLContext) -> tuple[str, str]:
    """In TLS 1.3 a client's handshake ends before the server has judged it, so only an answer to a request decides."""
    nonce = b64encode(secrets.token_bytes(16)).decode()
    request = (
        f"GET {STREAM_PATH} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: stronghouse-check\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {nonce}\r\n\r\n"
    )
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            secured.sendall(request.encode("ascii"))
            answer = secured.recv(4096)
    except ssl.SSLCertVerificationError:
        return "inconclusive", "the listener's own certificate does not verify"
    except ssl.SSLError as error:
        return "refused", f"TLS: {error.reason or 'handshake failed'}"
    except TimeoutError:
        return "inconclusive", "no answer in time"
    except OSError as error:
        return "refused", f"connection closed ({error.strerror or type(error).__name__})"
    return _understood(answer)


def _understood(answer: bytes) -> tuple[str, str]:
    status = answer.split(b" ", 2)[1] if answer.startswith(b"HTTP/1.1 ") else b""
    if not answer:
        return "refused", "connection closed"
    if status in {b"401", b"403"}:
        return "refused", f"HTTP status {status.decode()}"
    if status == SWITCHING:
        return "accepted", "the stream was opened"
    return "inconclusive", f"HTTP status {status.decode('latin-1') or 'none'}"
