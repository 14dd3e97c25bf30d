"""Who the agent is: how it joins once with a token, keeps its key and certificate, and renews them."""

import asyncio
import http.client
import json
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from stronghouse.access import certificates
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Denied, Internal, Unauthenticated, Unavailable
from stronghouse.kernel.files import write_private
from stronghouse.kernel.secret import Secret
from stronghouse.regions import protocol, tls
from stronghouse.regions.join_token import parse_token

ANSWER_SECONDS = 10.0
RENEW_BEFORE = timedelta(days=10)
_AGENT, _AUTHORITY, _CLIENT, _REQUEST = "agent.json", "edge-ca.pem", "client.json", "join.json"


@dataclass(frozen=True)
class Identity:
    """An agent's identity: what the control plane knows it by, and what it trusts the control plane by."""

    agent_id: str
    region: str
    certificate_pem: bytes
    key_pem: Secret
    edge_ca_pem: bytes

    def tls_context(self) -> ssl.SSLContext:
        """For connections to the agents' listener."""
        context = tls.agent_context(edge_ca_pem=self.edge_ca_pem)
        tls.load_key_pair(context, self.certificate_pem, self.key_pem)
        return context

    def expires_at(self) -> datetime:
        """When its certificate ends."""
        return certificates.expires_at(self.certificate_pem)


class IdentityStore:
    """The identity on disk. The certificate and its key share one file, so that they change together or not at all."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def edge_ca_file(self) -> Path:
        """The certificate of the edge's authority."""
        return self._directory / _AUTHORITY

    def load(self, now: datetime) -> Identity | None:
        """The identity, or None before the agent joined and when its certificate has expired."""
        try:
            agent = _fields(self._directory / _AGENT)
            client = _fields(self._directory / _CLIENT)
            identity = Identity(
                agent["agent_id"],
                agent["region"],
                client["certificate_pem"].encode(),
                Secret(client["key_pem"]),
                self.edge_ca_file.read_bytes(),
            )
        except (FileNotFoundError, KeyError):
            return None
        return identity if now < identity.expires_at() else None

    def save(self, identity: Identity) -> None:
        """Keep an identity; its certificate last, since that is what makes it one."""
        agent = {"agent_id": identity.agent_id, "region": identity.region}
        write_private(self.edge_ca_file, identity.edge_ca_pem)
        write_private(self._directory / _AGENT, json.dumps(agent).encode())
        self.save_certificate(identity.certificate_pem, identity.key_pem)
        (self._directory / _REQUEST).unlink(missing_ok=True)

    def save_certificate(self, certificate_pem: bytes, key_pem: Secret) -> None:
        """Keep a renewed certificate."""
        pair = {"certificate_pem": certificate_pem.decode("ascii"), "key_pem": key_pem.reveal()}
        write_private(self._directory / _CLIENT, json.dumps(pair).encode())

    def join_request(self) -> tuple[Secret, bytes]:
        """The key and request to join with: the same ones each time until it has worked.

        A token is spent on one request. An agent that dies between spending it and storing the answer may only ask
        again if it still has the key.
        """
        path = self._directory / _REQUEST
        try:
            kept = _fields(path)
            return Secret(kept["key_pem"]), kept["request_pem"].encode()
        except (FileNotFoundError, KeyError):
            key, request = certificates.new_key_and_request("agent")
        write_private(path, json.dumps({"key_pem": key.reveal(), "request_pem": request.decode("ascii")}).encode())
        return key, request


async def join(url: str, token: Secret, store: IdentityStore) -> Identity:
    """Become an agent; what is kept in `store` afterwards.

    Raises:
        Unauthenticated: the token is malformed, or the control plane does not take it.
        Denied: the listener is not the one that the token was made for.
        Unavailable: the control plane does not answer; trying again may help.
    """
    authority = await asyncio.to_thread(_fetch_authority, url, parse_token(token).authority)
    key, request_pem = store.join_request()
    request = protocol.JoinRequest(
        protocols=list(protocol.SUPPORTED_PROTOCOLS), token=token.reveal(), request_pem=request_pem.decode("ascii")
    )
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            connect(
                url.rstrip("/") + protocol.JOIN_PATH,
                ssl=tls.agent_context(edge_ca_pem=authority),
                compression=None,
                proxy=None,
                user_agent_header=None,
                max_size=protocol.MAX_JOIN_BYTES * 2,
            ) as connection,
        ):
            await connection.send(protocol.encode(request))
            answer = protocol.decode(protocol.JOIN_ANSWER, await connection.recv())
    except (OSError, WebSocketException, TimeoutError) as error:
        raise Unavailable("The control plane does not answer.", code="control_silent", detail=str(error)) from error
    if isinstance(answer, protocol.Refused):
        raise Unauthenticated(answer.message, code=answer.code)
    identity = Identity(answer.agent_id, answer.region, answer.certificate_pem.encode(), key, answer.ca_pem.encode())
    if certificates.fingerprint(identity.edge_ca_pem) != certificates.fingerprint(authority):
        raise Internal("The control plane answered with another authority than it proved.", code="authority_differs")
    store.save(identity)
    return identity


def _fetch_authority(url: str, expected: str) -> bytes:
    """The edge authority's certificate, over a connection that proves nothing: the token's hash does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    host = url.removeprefix("wss://").rstrip("/")
    connection = http.client.HTTPSConnection(host, timeout=ANSWER_SECONDS, context=context)
    try:
        connection.request("GET", protocol.AUTHORITY_PATH)
        pem = connection.getresponse().read(protocol.MAX_JOIN_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable("The control plane does not answer.", code="control_silent", detail=str(error)) from error
    finally:
        connection.close()
    if certificates.fingerprint(pem) != expected:
        raise Denied(
            "The listener's authority is not the one in the join token: another installation, or someone between.",
            code="authority_unknown",
        )
    return pem


def _fields(path: Path) -> dict[str, str]:
    try:
        value: Json = parse_json(path.read_bytes())
    except ValueError as error:
        raise Internal(
            f"{path} is damaged; remove it and let the agent join again.", code="identity_damaged"
        ) from error
    return {name: text for name, text in value.items() if isinstance(text, str)} if isinstance(value, dict) else {}
