"""What the listener reads and writes: synchronous, one transaction a call, run in worker threads."""

import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock

import structlog

from stronghouse.access import certificates
from stronghouse.access.certificates import CertificateAuthority
from stronghouse.audit.event import SYSTEM, Actor, ActorType, AuditEvent, Context
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Denied, StronghouseError, Unauthenticated
from stronghouse.kernel.secret import Secret
from stronghouse.regions import actions, admission, events, store
from stronghouse.regions.admission import Admitted
from stronghouse.regions.model import MAX_CLOCK_SKEW, Agent, DesiredState
from stronghouse.regions.ports import ServiceStatusSink
from stronghouse.regions.protocol import Hello, ServiceStatus, skew_ms

DENIAL_INTERVAL = timedelta(seconds=10)
_log = structlog.get_logger()


class Registry:
    """The listener's view of the database."""

    def __init__(
        self,
        audit: AuditLog,
        *,
        agents_ca: CertificateAuthority,
        edge_ca: CertificateAuthority,
        sink: ServiceStatusSink,
        clock: Clock,
    ) -> None:
        self._audit = audit
        self._agents_ca = agents_ca
        self._edge_ca = edge_ca
        self._sink = sink
        self._clock = clock
        self._denied_at: dict[str, datetime] = {}
        self._denials = Lock()

    def begin(self) -> None:
        """Note that nobody is connected yet."""
        with self._audit.bookkeeping("a fresh listener has no streams") as connection:
            store.disconnect_all(connection)

    def redeem(self, token: Secret, request_pem: bytes, *, address: str) -> Admitted:
        """Spend a join token; records the refusal, too. Raises as `admission.redeem`."""
        try:
            with self._audit.unit_of_work(Context(SYSTEM, address=address)) as uow:
                return admission.redeem(
                    uow, token=token, request_pem=request_pem, agents_ca=self._agents_ca, now=self._clock.now()
                )
        except StronghouseError as error:
            self.deny(events.AgentJoinDenied(organization_id=None, reason=error.detail or error.code), address=address)
            raise

    def admit(self, certificate_der: bytes, *, address: str) -> Agent:
        """The agent of a verified certificate; records the refusal, too. Raises Unauthenticated or Invalid."""
        pem = ssl.DER_cert_to_PEM_cert(certificate_der).encode()
        try:
            with self._audit.database.read() as connection:
                return admission.admit(
                    connection, certificate_der=certificate_der, certificate_fingerprint=certificates.fingerprint(pem)
                )
        except StronghouseError as error:
            self.deny_stream(error.code, address=address)
            raise

    def deny_stream(self, reason: str, *, address: str) -> None:
        """Record that a stream was refused."""
        self.deny(events.AgentConnectDenied(organization_id=None, agent_id=None, reason=reason), address=address)

    def deny(self, event: AuditEvent, *, address: str) -> None:
        """Record a refusal in its own transaction, at most one of a kind in ten seconds: they cost nothing to cause."""
        now, kind = self._clock.now(), f"{event.code} {event.data().get('reason')}"
        with self._denials:
            last = self._denied_at.get(kind)
            if last is not None and now - last < DENIAL_INTERVAL:
                return
            self._denied_at[kind] = now
        with self._audit.unit_of_work(Context(SYSTEM, address=address)) as uow:
            uow.record(event)

    def connected(self, agent: Agent, hello: Hello, *, protocol: int, fingerprint: str, address: str) -> Agent:
        """Note a new stream; a renewed certificate replaces the old one with its first use."""
        now = self._clock.now()
        skew = skew_ms(hello.time, now)
        event = events.AgentConnected(
            organization_id=None,
            region_id=agent.region_id,
            agent_id=agent.id,
            protocol=protocol,
            software=hello.software,
            clock_skew_ms=skew,
        )
        with self._audit.unit_of_work(Context(_actor(agent), address=address)) as uow:
            # What was admitted may have been revoked or superseded while the stream said nothing.
            current = store.find_agent(uow.connection, agent.id)
            if current is None or current.revoked_at is not None:
                raise Unauthenticated(
                    "This agent was revoked; let it join again with a new token.", code="agent_revoked"
                )
            if fingerprint not in {current.fingerprint, current.pending_fingerprint}:
                raise Unauthenticated("This agent has a newer certificate.", code="certificate_superseded")
            pending = None if current.pending_fingerprint == fingerprint else current.pending_fingerprint
            store.update_agent(
                uow.connection,
                agent.id,
                fingerprint=fingerprint,
                pending_fingerprint=pending,
                connected=True,
                last_seen_at=now,
                clock_skew_ms=skew,
                software=hello.software,
                protocol=protocol,
                applied_version=hello.applied_version,
            )
            uow.record(event)
        if abs(skew) > MAX_CLOCK_SKEW / timedelta(milliseconds=1):
            _log.warning("agent_clock_skewed", agent=agent.id, skew_ms=skew)
        return agent

    def disconnected(self, agent: Agent, reason: str) -> None:
        """Note that a stream ended and no other took its place."""
        with self._audit.unit_of_work(Context(_actor(agent))) as uow:
            store.update_agent(uow.connection, agent.id, connected=False, last_seen_at=self._clock.now())
            uow.record(
                events.AgentDisconnected(
                    organization_id=None, region_id=agent.region_id, agent_id=agent.id, reason=reason
                )
            )

    def heard(self, agent: Agent, *, time: datetime, applied_version: int) -> None:
        """Note a heartbeat."""
        now = self._clock.now()
        with self._audit.bookkeeping("an agent's sign of life is no act") as connection:
            store.update_agent(
                connection,
                agent.id,
                last_seen_at=now,
                clock_skew_ms=skew_ms(time, now),
                applied_version=applied_version,
            )

    def report(self, agent: Agent, statuses: Sequence[ServiceStatus]) -> None:
        """Hand statuses to the services area; an error there is logged and does not end the stream."""
        try:
            self._sink.report(agent.region_id, statuses)
        except Exception:  # noqa: BLE001 - the sink is another area's: its bug must not cut off a region
            _log.exception("status_report_failed", region=agent.region_id)

    def is_welcome(self, agent_id: str) -> bool:
        """Whether an agent is known and not revoked."""
        with self._audit.database.read() as connection:
            agent = store.find_agent(connection, agent_id)
            return agent is not None and agent.revoked_at is None

    def desired(self, region_id: str) -> DesiredState:
        """What a region is to bring about, from one snapshot."""
        with self._audit.database.read() as connection:
            return actions.desired_state(connection, region_id)

    def renew(self, agent: Agent, request_pem: bytes) -> bytes:
        """An agent's next client certificate; raises as `admission.renew`."""
        with self._audit.unit_of_work(Context(_actor(agent))) as uow:
            return admission.renew(
                uow, agent_id=agent.id, request_pem=request_pem, agents_ca=self._agents_ca
            ).certificate_pem

    def sign_serving(self, agent: Agent, request_pem: bytes) -> bytes:
        """A certificate for an agent's edge; records the refusal, too. Raises as `admission.sign_serving`."""
        try:
            with self._audit.unit_of_work(Context(_actor(agent))) as uow:
                return admission.sign_serving(uow, agent_id=agent.id, request_pem=request_pem, edge_ca=self._edge_ca)
        except Denied:
            names = [name[:253] for name in certificates.requested_names(request_pem)[:20]]
            event = events.ServingCertificateDenied(
                organization_id=None, region_id=agent.region_id, agent_id=agent.id, names=names
            )
            self.deny(event, address="")
            raise


def _actor(agent: Agent) -> Actor:
    return Actor(ActorType.SYSTEM, agent.id, f"agent of region {agent.region_id}")
