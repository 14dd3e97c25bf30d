"""Clients of PyPI clickhouse-connect, made as its users make them."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.client import Client

from tests.integration.worker.service import PASSWORD

COMPRESSIONS: tuple[str | bool, ...] = (False, "lz4", "zstd", "gzip")
"""What the client can send and ask for. `br` works for answers only, so not as the one word for both."""


@contextlib.contextmanager
def connected(
    port: int,
    *,
    user: str = "default",
    password: str = PASSWORD,
    compress: str | bool = True,
    session_id: str | None = None,
    own_session: bool = True,
    settings: dict[str, object] | None = None,
) -> Iterator[Client]:
    """A client; closed at the end.

    `own_session` is what the client has unless it is told otherwise; such a client takes one query at a time.
    """
    client = clickhouse_connect.get_client(
        host="127.0.0.1",
        port=port,
        username=user,
        password=password,
        compress=compress,
        session_id=session_id,
        autogenerate_session_id=own_session,
        settings=settings,
    )
    try:
        yield client
    finally:
        client.close()


@contextlib.asynccontextmanager
async def connected_async(port: int, *, compress: str | bool = True) -> AsyncIterator[AsyncClient]:
    """An asynchronous client; closed at the end."""
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1", port=port, username="default", password=PASSWORD, compress=compress
    )
    try:
        yield client
    finally:
        await client.close()
