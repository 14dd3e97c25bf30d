"""Where connections are received: joining, and the greeting that turns a connection into an agent's stream.

Whoever comes without a certificate of the agents' authority gets no further than `/join` and `/ca`. The latter
gives the edge's authority away, which is no secret: a joining agent compares it with the hash in its token.
"""

import asyncio
import contextlib
import http
import ssl
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from stronghouse.access import certificates
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.kernel.secret import Secret
from stronghouse.regions import protocol
from stronghouse.regions.model import Agent
from stronghouse.regions.registry import Registry

FIRST_MESSAGE_SECONDS = 10.0
MAX_JOINING = 64
"""How many connections may be open at a time on which someone tries to join."""
_log = structlog.get_logger()


class Reception:
    """Receives connections.

    Args:
        joined: told the region of an agent that just joined.
        stream: serves the stream of an agent that was greeted, until it ends.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        edge_ca_pem: bytes,
        joined: Callable[[str], None],
        stream: Callable[[ServerConnection, Agent], Awaitable[None]],
    ) -> None:
        self._registry = registry
        self._edge_ca_pem = edge_ca_pem
        self._joined = joined
        self._stream = stream
        # Weak: a connection that breaks off before it is handled is forgotten with its object.
        self._admitted: WeakKeyDictionary[ServerConnection, Agent] = WeakKeyDictionary()
        self._joining = 0

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Decide over a request before it becomes a websocket; None lets it."""
        match request.path:
            case protocol.AUTHORITY_PATH:
                return connection.respond(http.HTTPStatus.OK, self._edge_ca_pem.decode("ascii"))
            case protocol.JOIN_PATH if self._joining >= MAX_JOINING:
                return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "Try again later.\n")
            case protocol.JOIN_PATH:
                return None
            case protocol.STREAM_PATH:
                return await self._admit_agent(connection)
        return connection.respond(http.HTTPStatus.NOT_FOUND, "There is nothing here.\n")

    async def _admit_agent(self, connection: ServerConnection) -> Response | None:
        der, address = _peer_certificate(connection), _address(connection)
        if der is None:
            await asyncio.to_thread(self._registry.deny_stream, "certificate_missing", address=address)
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "A client certificate is needed.\n")
        try:
            self._admitted[connection] = await asyncio.to_thread(self._registry.admit, der, address=address)
        except StronghouseError as error:
            return connection.respond(http.HTTPStatus.FORBIDDEN, f"{error.public}\n")
        return None

    async def handle(self, connection: ServerConnection) -> None:
        """Serve an open websocket to its end."""
        agent = self._admitted.pop(connection, None)
        try:
            if agent is None:
                await self._join(connection)
            else:
                await self._greet(connection, agent)
                await self._stream(connection, agent)
        except (ConnectionClosed, TimeoutError):
            return  # it went away, or never said what it wants
        except StronghouseError as error:
            _log.warning("agent_refused", code=error.code, reason=error.public, detail=error.detail)
            with contextlib.suppress(ConnectionClosed):
                await connection.send(protocol.encode(protocol.Refused(code=error.code, message=error.public)))

    async def _join(self, connection: ServerConnection) -> None:
        self._joining += 1
        try:
            async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
                request = protocol.decode(protocol.JOIN_REQUEST, await connection.recv())
        finally:
            self._joining -= 1
        protocol.negotiate(request.protocols)
        admitted = await asyncio.to_thread(
            self._registry.redeem, Secret(request.token), request.request_pem.encode(), address=_address(connection)
        )
        self._joined(admitted.agent.region_id)
        answer = protocol.Joined(
            agent_id=admitted.agent.id,
            region=admitted.agent.region_id,
            certificate_pem=admitted.certificate_pem.decode("ascii"),
            ca_pem=self._edge_ca_pem.decode("ascii"),
        )
        await connection.send(protocol.encode(answer))

    async def _greet(self, connection: ServerConnection, agent: Agent) -> None:
        async with asyncio.timeout(FIRST_MESSAGE_SECONDS):
            hello = protocol.decode(protocol.FROM_AGENT, await connection.recv())
        if not isinstance(hello, protocol.Hello):
            raise Invalid("An agent says hello first.", code="protocol_violation")
        version = protocol.negotiate(hello.protocols)
        der = _peer_certificate(connection) or b""
        await asyncio.to_thread(
            self._registry.connected,
            agent,
            hello,
            protocol=version,
            fingerprint=certificates.fingerprint(ssl.DER_cert_to_PEM_cert(der).encode()),
            address=_address(connection),
        )
        connection.protocol.max_message_size = protocol.MAX_MESSAGE_BYTES
        welcome = protocol.Welcome(protocol=version, region=agent.region_id, agent_id=agent.id)
        await connection.send(protocol.encode(welcome))


def _peer_certificate(connection: ServerConnection) -> bytes | None:
    """The client certificate, which TLS has verified; None where there was none."""
    secured: ssl.SSLObject = connection.transport.get_extra_info("ssl_object")
    return secured.getpeercert(binary_form=True)


def _address(connection: ServerConnection) -> str:
    return str(connection.remote_address[0])
