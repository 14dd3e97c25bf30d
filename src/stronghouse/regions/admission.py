"""Who may be an agent: join tokens, client certificates, and the names that an agent's edge may serve."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from stronghouse.access import certificates
from stronghouse.access.certificates import CertificateAuthority
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Denied, NotFound, Unauthenticated
from stronghouse.kernel.ids import new_id
from stronghouse.kernel.secret import Secret
from stronghouse.regions import events, store
from stronghouse.regions.actions import find_region
from stronghouse.regions.join_token import parse_token, token_refused
from stronghouse.regions.model import Agent, JoinToken, Region

TOKEN_LIFETIME = timedelta(minutes=10)
CLIENT_LIFETIME = timedelta(days=30)
SERVING_LIFETIME = timedelta(days=90)
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Admitted:
    """An agent and the certificate just signed for it."""

    agent: Agent
    certificate_pem: bytes


def mint_join_token(uow: UnitOfWork, *, region_id: str, edge_ca_pem: bytes, now: datetime) -> Secret:
    """A token that makes one agent of a region within ten minutes; only its hash is kept. NotFound without region."""
    region = find_region(uow.connection, region_id)
    secret = secrets.token_hex(32)
    token = JoinToken(
        id=secrets.token_hex(8),
        region_id=region.id,
        secret_hash=_hash(secret),
        expires_at=now + TOKEN_LIFETIME,
        request_hash=None,
        agent_id=None,
    )
    store.delete_expired_tokens(uow.connection, before=now - TOKEN_LIFETIME)
    store.insert_token(uow.connection, token)
    uow.record(
        events.JoinTokenMinted(
            organization_id=None, region_id=region.id, token_id=token.id, expires_at=token.expires_at
        )
    )
    return Secret(f"sh_join_{token.id}_{secret}_{certificates.fingerprint(edge_ca_pem)}")


def redeem(
    uow: UnitOfWork, *, token: Secret, request_pem: bytes, agents_ca: CertificateAuthority, now: datetime
) -> Admitted:
    """Spend a join token on a certificate request; whoever was the region's agent before is revoked.

    The same request may spend its token again while it lasts: an agent that died before it could store the answer
    asks again with the same key, and nobody else has that key.

    Raises:
        Unauthenticated: the token is unknown, spent on another request, or expired.
        Invalid: the request is malformed.
    """
    parts = parse_token(token)
    stored = store.find_token(uow.connection, parts.id)
    if stored is None or not hmac.compare_digest(_hash(parts.secret.reveal()).encode(), stored.secret_hash.encode()):
        raise token_refused("unknown")
    if now >= stored.expires_at:
        raise token_refused("expired")
    request_hash = hashlib.sha256(request_pem).hexdigest()
    if stored.request_hash not in {None, request_hash}:
        raise token_refused("used")
    agent_id = stored.agent_id or new_id()
    certificate = agents_ca.sign_client(request_pem, common_name=agent_id, lifetime=CLIENT_LIFETIME)
    agent = _joined(uow, stored, agent_id=agent_id, certificate=certificate, now=now)
    store.spend_token(uow.connection, stored.id, request_hash=request_hash, agent_id=agent_id)
    uow.record(
        events.AgentJoined(
            organization_id=None,
            region_id=agent.region_id,
            agent_id=agent_id,
            token_id=stored.id,
            fingerprint=agent.fingerprint,
            certificate_expires_at=agent.certificate_expires_at,
        )
    )
    return Admitted(agent, certificate)


def _joined(uow: UnitOfWork, token: JoinToken, *, agent_id: str, certificate: bytes, now: datetime) -> Agent:
    fingerprint, expires_at = certificates.fingerprint(certificate), certificates.expires_at(certificate)
    known = store.find_agent(uow.connection, agent_id)
    if known is not None:
        if known.revoked_at is not None:
            raise token_refused("revoked")
        store.update_agent(uow.connection, agent_id, fingerprint=fingerprint, certificate_expires_at=expires_at)
    else:
        for former in store.find_agents(uow.connection, region_id=token.region_id):
            revoke(uow, agent_id=former.id, reason="another agent joined in its place", now=now)
        store.insert_agent(uow.connection, _new_agent(agent_id, token.region_id, fingerprint, expires_at, now))
    agent = store.find_agent(uow.connection, agent_id)
    if agent is None:
        raise NotFound("There is no such agent.", detail=agent_id)
    return agent


def _new_agent(agent_id: str, region_id: str, fingerprint: str, expires_at: datetime, now: datetime) -> Agent:
    return Agent(
        id=agent_id,
        region_id=region_id,
        joined_at=now,
        fingerprint=fingerprint,
        pending_fingerprint=None,
        certificate_expires_at=expires_at,
        last_seen_at=None,
        connected=False,
        clock_skew_ms=None,
        software=None,
        protocol=None,
        applied_version=None,
        revoked_at=None,
    )


def revoke(uow: UnitOfWork, *, agent_id: str, reason: str, now: datetime) -> None:
    """Refuse an agent from now on; raises NotFound. Its open stream is closed by `Hub.notify` of its region."""
    agent = store.find_agent(uow.connection, agent_id)
    if agent is None or agent.revoked_at is not None:
        raise NotFound("There is no such agent.", detail=agent_id)
    store.update_agent(uow.connection, agent_id, revoked_at=now, connected=False)
    uow.record(events.AgentRevoked(organization_id=None, region_id=agent.region_id, agent_id=agent_id, reason=reason))


def admit(connection: Connection, *, certificate_der: bytes, certificate_fingerprint: str) -> Agent:
    """The agent that a verified client certificate belongs to.

    Raises:
        Unauthenticated: nobody known, or an agent that was revoked or has a newer certificate.
    """
    agent = store.find_agent(connection, certificates.common_name(certificate_der))
    if agent is None:
        raise Unauthenticated("This certificate belongs to no agent.", code="agent_unknown")
    if agent.revoked_at is not None:
        raise Unauthenticated("This agent was revoked; let it join again with a new token.", code="agent_revoked")
    if certificate_fingerprint not in {agent.fingerprint, agent.pending_fingerprint}:
        raise Unauthenticated("This agent has a newer certificate.", code="certificate_superseded")
    return agent


def renew(uow: UnitOfWork, *, agent_id: str, request_pem: bytes, agents_ca: CertificateAuthority) -> Admitted:
    """Sign an agent's next client certificate; the present one holds until the next is first used.

    Raises:
        Unauthenticated: the agent was revoked.
        Invalid: the request is malformed.
    """
    agent = _welcome_agent(uow.connection, agent_id)
    certificate = agents_ca.sign_client(request_pem, common_name=agent_id, lifetime=CLIENT_LIFETIME)
    fingerprint, expires_at = certificates.fingerprint(certificate), certificates.expires_at(certificate)
    store.update_agent(uow.connection, agent_id, pending_fingerprint=fingerprint, certificate_expires_at=expires_at)
    uow.record(
        events.AgentCertificateRenewed(
            organization_id=None,
            region_id=agent.region_id,
            agent_id=agent_id,
            fingerprint=fingerprint,
            certificate_expires_at=expires_at,
        )
    )
    return Admitted(agent, certificate)


def allowed_names(_region: Region) -> frozenset[str]:
    """What a region's edge may serve. Without a domain, the only mode there is, that is this machine itself."""
    return LOCAL_NAMES


def sign_serving(uow: UnitOfWork, *, agent_id: str, request_pem: bytes, edge_ca: CertificateAuthority) -> bytes:
    """A server certificate for an agent's edge, for the names in its request.

    Raises:
        Denied: the request names something that this agent may not serve, or nothing; the caller records that.
        Unauthenticated: the agent was revoked.
        Invalid: the request is malformed.
    """
    agent = _welcome_agent(uow.connection, agent_id)
    names = certificates.requested_names(request_pem)
    if not names or not allowed_names(find_region(uow.connection, agent.region_id)).issuperset(names):
        raise Denied(
            "The request names something that this agent may not serve.", code="names_denied", detail=str(names)[:500]
        )
    certificate = edge_ca.sign_server(request_pem, names=names, lifetime=SERVING_LIFETIME)
    uow.record(
        events.ServingCertificateSigned(
            organization_id=None,
            region_id=agent.region_id,
            agent_id=agent_id,
            names=names,
            fingerprint=certificates.fingerprint(certificate),
            certificate_expires_at=certificates.expires_at(certificate),
        )
    )
    return certificate


def _welcome_agent(connection: Connection, agent_id: str) -> Agent:
    agent = store.find_agent(connection, agent_id)
    if agent is None or agent.revoked_at is not None:
        raise Unauthenticated("This agent was revoked.", code="agent_revoked")
    return agent


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
