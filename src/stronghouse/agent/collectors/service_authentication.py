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

VERSION = 1
METHOD = (
    "HTTP requests for `SELECT 1` to the running worker's socket: without credentials, with an empty and with a random "
    "password, as an unknown user. Refused means status 401 or 403 with a ClickHouse exception code for authentication."
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
        "no credentials": "",
        "empty password": _basic("default", ""),
        "wrong password": _basic("default", wrong),
        "unknown user": _basic(f"nobody-{secrets.token_hex(8)}", wrong),
    }
    attempts: list[Json] = [await _attempt(service.socket, name, header) for name, header in credentials.items()]
    return service_resource(service, running=True, attempts=attempts)


async def _attempt(socket: Path, name: str, header: str) -> dict[str, Json]:
    request = (
        f"GET /?query=SELECT%201 HTTP/1.1\r\nHost: localhost\r\nx-sh-client-ip: 127.0.0.1\r\n{header}"
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
