"""The responses of ClickHouse's HTTP interface: headers, errors, and results as they come."""

import asyncio
import json
import secrets
import string
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from stronghouse.engine.connection import Counters
from stronghouse.engine.errors import DatabaseError
from stronghouse.worker.pipe import PipeReader
from stronghouse.worker.query import QueryJob
from stronghouse.worker.statuses import content_type_of, status_of

HELD_BYTES = 256 << 10
"""How much of a result is held back, so that an error before its end can still have its own status."""
HELD_SECONDS = 1.0
"""How long: a slow result is sent as it comes after that."""
WAITING_BYTES = 32 << 20
"""With `wait_end_of_query`, how much is held at most. ClickHouse goes on in a file; we do not put rows in files."""
_TAG_LETTERS = string.ascii_lowercase


@dataclass(frozen=True)
class Identity:
    """What every response says of the server."""

    version: str
    timezone: str
    display_name: str


def error_response(
    error: DatabaseError, identity: Identity, *, query_id: str = "", challenge: bool = False
) -> web.Response:
    """An error before any result. `challenge`: no credentials were given, so ask for some (RFC 9110 section 11.6.1)."""
    status = HTTPStatus.UNAUTHORIZED if challenge else status_of(error.number)
    headers = {**_common(identity, query_id), "X-ClickHouse-Exception-Code": str(error.number)}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return web.Response(
        status=int(status),
        text=error.wire(identity.version),
        headers=headers,
        content_type="text/plain",
        charset="UTF-8",
    )


async def send_result(
    request: web.Request, job: QueryJob, done: "asyncio.Future[None]", pipe: PipeReader, identity: Identity
) -> tuple[web.StreamResponse, DatabaseError | None]:
    """Send a job's result; the response, and the error that came when part of it was on its way already.

    Raises DatabaseError when the job failed before anything was sent.
    """
    started = time.monotonic()
    held, ended = await _hold(pipe, WAITING_BYTES if job.options.wait_end_of_query else HELD_BYTES, job)
    if ended:
        await done
        body = held or job.data
        headers = _headers(job, identity, elapsed=time.monotonic() - started)
        return web.Response(body=body, headers=headers), None
    tag = "".join(secrets.choice(_TAG_LETTERS) for _ in range(16))
    headers = _headers(job, identity, elapsed=time.monotonic() - started)
    if job.encoding is None:
        headers["X-ClickHouse-Exception-Tag"] = tag
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    await response.write(held)
    while data := await pipe.read():
        await response.write(data)
    try:
        await done
    except DatabaseError as error:
        await _break_off(request, response, error, identity, tag if job.encoding is None else None)
        return response, error
    await response.write_eof()
    return response, None


async def _hold(pipe: PipeReader, limit: int, job: QueryJob) -> tuple[bytes, bool]:
    """The beginning of a result, and whether it is the whole of it."""
    held = bytearray(await pipe.read())
    if not held:
        return b"", True
    seconds = None if job.options.wait_end_of_query else HELD_SECONDS
    try:
        async with asyncio.timeout(seconds):
            while len(held) < limit:
                data = await pipe.read()
                if not data:
                    return bytes(held), True
                held += data
    except TimeoutError:
        pass
    return bytes(held), False


async def _break_off(
    request: web.Request, response: web.StreamResponse, error: DatabaseError, identity: Identity, tag: str | None
) -> None:
    """End a result in the middle so that nobody takes it for whole: the error where clients look, and no last chunk."""
    if tag is not None:
        message = error.wire(identity.version).rstrip("\n")
        length = len(message.encode("utf-8", "replace"))
        block = f"\r\n__exception__\r\n{tag}\r\n{message}\n{length} {tag}\r\n__exception__\r\n"
        await response.write(block.encode("utf-8", "replace"))
    if request.transport is not None:
        request.transport.close()


def _headers(job: QueryJob, identity: Identity, *, elapsed: float) -> dict[str, str]:
    headers = _common(identity, job.options.query_id)
    headers["X-ClickHouse-Summary"] = _summary(job.counters, elapsed)
    if job.output_format:
        headers["X-ClickHouse-Format"] = job.output_format
    headers["Content-Type"] = content_type_of(job.output_format or "TabSeparated")
    if job.encoding is not None:
        headers["Content-Encoding"] = job.encoding
    return headers


def _common(identity: Identity, query_id: str) -> dict[str, str]:
    headers = {
        "X-ClickHouse-Server-Display-Name": identity.display_name,
        "X-ClickHouse-Timezone": identity.timezone,
        "Cache-Control": "no-store",
    }
    if query_id:
        headers["X-ClickHouse-Query-Id"] = query_id
    return headers


def _summary(counters: Counters, elapsed: float) -> str:
    numbers: Mapping[str, int] = {
        "read_rows": counters.read_rows,
        "read_bytes": counters.read_bytes,
        "written_rows": counters.written_rows,
        "written_bytes": counters.written_bytes,
        "total_rows_to_read": counters.read_rows,
        "result_rows": counters.written_rows or counters.result_rows,
        "result_bytes": counters.written_bytes,
        "elapsed_ns": int(elapsed * 1e9),
    }
    return json.dumps({name: str(number) for name, number in numbers.items()}, separators=(",", ":"))
