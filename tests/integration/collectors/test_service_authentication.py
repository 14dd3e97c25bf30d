"""Asking a service without valid credentials: only a refusal that ClickHouse itself would give counts."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from stronghouse.agent.collectors.service_authentication import collect_service_authentication
from stronghouse.responsibility.model import Result, ResultState
from tests.integration.collectors.region import Region, judge

REFUSED = b"HTTP/1.1 403 Forbidden\r\nX-ClickHouse-Exception-Code: 516\r\nContent-Length: 0\r\n\r\n"
WELCOME = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LetIn = Callable[[str | None, str | None], bool]
Answer = Callable[[bytes], bytes]
Serve = Callable[[Answer], Awaitable[list[bytes]]]


@pytest.fixture
async def worker(region: Region) -> AsyncIterator[Serve]:
    servers: list[asyncio.Server] = []

    async def start(answer: Answer) -> list[bytes]:
        heads: list[bytes] = []

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer(heads[-1]))
            writer.close()

        servers.append(await asyncio.start_unix_server(handle, str(region.service.socket)))
        return heads

    yield start
    for server in servers:
        server.close()


async def _look(region: Region) -> Result:
    (result,) = judge("service_password_required", await collect_service_authentication(region.inventory))
    return result


async def test_service_that_refuses_everyone_passes(region: Region, worker: Serve) -> None:
    heads = await worker(lambda _head: REFUSED)
    result = await _look(region)
    assert result.state is ResultState.PASS
    assert len(heads) == 4
    assert sum(b"Authorization: Basic " in head for head in heads) == 3


def _credentials(head: bytes) -> tuple[str | None, str | None]:
    found = re.search(rb"Authorization: Basic (\S+)", head)
    if found is None:
        return None, None
    user, _, password = base64.b64decode(found[1]).decode().partition(":")
    return user, password


@pytest.mark.parametrize(
    "let_in",
    [
        lambda user, _password: user is None,
        lambda user, password: user == "default" and not password,
        lambda user, password: user == "default" and bool(password),
        lambda user, _password: user not in {None, "default"},
    ],
    ids=["no credentials", "empty password", "wrong password", "unknown user"],
)
async def test_each_way_in_is_found(region: Region, worker: Serve, let_in: LetIn) -> None:
    await worker(lambda head: WELCOME if let_in(*_credentials(head)) else REFUSED)
    result = await _look(region)
    assert result.state is ResultState.FAIL
    assert result.reason.count("status 200") == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 403 Forbidden\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nX-ClickHouse-Exception-Code: 516\r\n\r\n",
        b"\r\n\r\n",
    ],
)
async def test_refusal_for_another_reason_proves_nothing(region: Region, worker: Serve, answer: bytes) -> None:
    await worker(lambda _head: answer)
    assert (await _look(region)).state is ResultState.FAIL


async def test_sleeping_service_is_not_touched(region: Region, worker: Serve) -> None:
    heads = await worker(lambda _head: REFUSED)
    region.change(state="idle", pid=None)
    assert (await _look(region)).state is ResultState.NOT_APPLICABLE
    assert heads == []
