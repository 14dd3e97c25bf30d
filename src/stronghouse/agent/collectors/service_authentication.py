"""How a running service takes requests without valid credentials: asked over its own socket, behind the edge."""

import asyncio
import base64
import contextlib
import secrets
from pathlib import Path

from stronghouse.agent.collectors.region_facts import RUNNING_STATE, region_facts, service_resource, services
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock

VERSION = 2
METHOD = (
    "HTTP requests for `SELECT 1` to the running worker's socket: without credentials, with an empty and with a random "
    "password, as an unknown user. They say that they come from a random address of 198.18.0.0/15, which is nobody's "
    "(RFC 2544), so that they keep no client from signing in. Refused means status 401 or 403 with a ClickHouse "
    "exception code for authentication."
)
TIMEOUT_SECONDS = 5.0
MAX_HEAD = 64 * 1024
AUTHENTICATION_CODES = frozenset({"192", "193", "194", "516"})
"""ClickHouse's UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD and AUTHENTICATION_FAILED."""


async def collect_service_authentication(inventory: Inventory) -> Json:
    """Facts about each service. One that does not run is not asked: a request would wake it."""
    collected_at = SystemClock().now()
    resources = [await _service(service) for service in services(inventory)]
    return region_facts(
        inventory,
        collector="service_authentication",
        version=VERSION,
        method=METHOD,
        collected_at=collected_at,
        resources=resources,
    )


async def _service(service: ServiceInventory) -> dict[str, Json]:
    if service.state != RUNNING_STATE or service.pid is None:
        return service_resource(service, running=False, attempts=[])
    wrong = secrets.token_urlsafe(32)
    credentials = {
        "no credentials": None,
        "empty password": ("default", ""),
        "wrong password": ("default", wrong),
        "unknown user": (f"nobody-{secrets.token_hex(8)}", wrong),
    }
    address = nobodys_address()
    attempts: list[Json] = [
        await attempt(service.socket, name, given, address=address) for name, given in credentials.items()
    ]
    return service_resource(service, running=True, attempts=attempts)


def nobodys_address() -> str:
    """An address to say that one comes from. A worker slows an address down from which sign-ins fail."""
    return f"198.{18 + secrets.randbelow(2)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


async def attempt(socket: Path, name: str, credentials: tuple[str, str] | None, *, address: str) -> dict[str, Json]:
    """Ask a worker for `SELECT 1`, with a user and a password or neither; `name`, `outcome` and `detail` of that."""
    header = "" if credentials is None else _basic(*credentials)
    request = (
        f"GET /?query=SELECT%201 HTTP/1.1\r\nHost: localhost\r\nx-sh-client-ip: {address}\r\n{header}"
        "Connection: close\r\n\r\n"
    )
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await _ask(socket, request.encode("ascii"))
    except TimeoutError:
        return {"name": name, "outcome": "inconclusive", "detail": "no answer in time"}
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return {"name": name, "outcome": "inconclusive", "detail": "the connection broke"}
    status, code = _status(head), _exception_code(head)
    if status in {"401", "403"} and code in AUTHENTICATION_CODES:
        return {"name": name, "outcome": "refused", "detail": f"status {status}, code {code}"}
    outcome = "accepted" if status.startswith("2") else "inconclusive"
    return {"name": name, "outcome": outcome, "detail": f"status {status}, code {code or 'none'}"}


async def _ask(socket: Path, request: bytes) -> list[str]:
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=MAX_HEAD)
    try:
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return head.decode("latin-1").split("\r\n")


def _status(head: list[str]) -> str:
    parts = head[0].split(" ")
    return parts[1] if len(parts) > 1 else "none"


def _exception_code(head: list[str]) -> str | None:
    for line in head[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "x-clickhouse-exception-code":
            return value.strip()
    return None


def _basic(user: str, password: str) -> str:
    return f"Authorization: Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}\r\n"
