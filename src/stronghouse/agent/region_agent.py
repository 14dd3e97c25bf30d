"""The agent put together: what it keeps going, how it starts from its own disk, how it ends."""

import asyncio
import dataclasses
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import structlog

from stronghouse import __version__
from stronghouse.access import certificates
from stronghouse.agent import identity as identities
from stronghouse.agent.desired import DesiredCache
from stronghouse.agent.directories import Directories
from stronghouse.agent.edge_keeper import EdgeKeeper
from stronghouse.agent.identity import Identity, IdentityStore
from stronghouse.agent.jobs import Handler, Jobs
from stronghouse.agent.link import Link
from stronghouse.agent.ports import Workers
from stronghouse.agent.queries.access import QueryAccess
from stronghouse.agent.queries.host import QueriesHost
from stronghouse.agent.queries.server import queries_socket, serve_queries
from stronghouse.agent.reconcile import Reconciler
from stronghouse.agent.service import Surroundings
from stronghouse.agent.serving import ServingCertificate
from stronghouse.agent.settings import AgentSettings
from stronghouse.edge.configuration import VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import StronghouseError
from stronghouse.keys.ports import KeyManagement
from stronghouse.regions.protocol import Desired, Job, ServiceStatus

RENEWAL_CHECK_SECONDS = 3600.0
RENEWAL_RETRY_SECONDS = 30.0
WORKER_GRACE_SECONDS = 3.0
EDGE_GRACE_SECONDS = 0.5
_log = structlog.get_logger()


class RegionAgent:
    """Everything that an agent that has joined does. `run` works until it is cancelled; then call `close`."""

    def __init__(
        self,
        settings: AgentSettings,
        identity: Identity,
        *,
        directories: Directories,
        sockets: Path,
        kms: KeyManagement,
        workers: Workers,
        clock: Clock,
    ) -> None:
        self.settings = settings
        self.identity = identity
        self.store = IdentityStore(directories.identity)
        self.kms = kms
        self.sockets = sockets
        self._clock = clock
        self._serving = ServingCertificate(
            directories.identity / "serving.json", authority=certificates.fingerprint(identity.edge_ca_pem)
        )
        self.link = Link(
            settings.control_url,
            context=self._tls_context,
            receiver=self,
            clock=clock,
            software=f"stronghouse {__version__}",
        )
        edge = Edge(directory=directories.edge, log_directory=settings.log_directory, addresses=settings.addresses)
        self.edge_keeper = EdgeKeeper(edge, wanted=self._edge_wanted, applied=self._edge_applied)
        surroundings = Surroundings(
            homes=directories.services,
            sockets=sockets,
            kms=kms,
            workers=workers,
            edge=self.edge_keeper,
            changed=self.link.poke,
            queries=queries_socket(sockets),
        )
        self.reconciler = Reconciler(settings, cache=DesiredCache(directories.desired), surroundings=surroundings)
        self._heard_at: float | None = None
        self.queries = QueriesHost(QueryAccess(clock, self._silence), self.reconciler.services.get)
        self.reconciler.endpoints_changed = self.queries.take_endpoints
        self._jobs = Jobs({}, send=self.link.send, clock=clock)

    def handle_jobs(self, handlers: Mapping[str, Handler]) -> None:
        """Say what kinds of jobs there are."""
        self._jobs = Jobs(handlers, send=self.link.send, clock=self._clock)

    async def run(self) -> None:
        """Serve from what is on disk at once, and hold the stream to the control plane."""
        await self._show_kept_certificate()
        self.reconciler.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.edge_keeper.run())
            tasks.create_task(self.reconciler.run())
            tasks.create_task(serve_queries(self.queries, self.sockets))
            tasks.create_task(self.link.run())

    async def close(self) -> None:
        """End workers, then the edge: within 7 s, losing nothing that was answered."""
        await self._jobs.close()
        await self.reconciler.close(grace=WORKER_GRACE_SECONDS)
        await self.edge_keeper.stop(EDGE_GRACE_SECONDS)

    # --- what the link asks of its receiver

    def accept(self, desired: Desired) -> None:
        """A new desired state."""
        self._heard_at = time.monotonic()
        self.reconciler.accept(desired)

    def statuses(self) -> tuple[int, list[ServiceStatus]]:
        """The applied version and how every service is."""
        return self.reconciler.statuses()

    async def take_job(self, job: Job) -> None:
        """Begin a job, or answer it again."""
        await self._jobs.take(job)

    def cancel_job(self, job_id: str) -> None:
        """Nobody waits for this job any more."""
        self._jobs.cancel(job_id)

    async def connected(self) -> None:
        """Renew certificates in time, for as long as the stream is open."""
        while True:
            delay = RENEWAL_CHECK_SECONDS
            try:
                if self._serving.is_due(self._clock.now()):
                    chain, key = await self._serving.obtain(self.link.sign_serving)
                    await self.edge_keeper.set_certificate(chain, key)
                    _log.info("serving_certificate_obtained", expires_at=certificates.expires_at(chain).isoformat())
                if self._clock.now() >= self.identity.expires_at() - identities.RENEW_BEFORE:
                    await self._renew_identity()
            except StronghouseError as error:
                _log.error("renewal_failed", reason=error.public, detail=error.detail)
                delay = RENEWAL_RETRY_SECONDS
            await asyncio.sleep(delay)

    def _silence(self) -> float | None:
        """For how long the control plane could not say that a key holds no more; None if it was never heard."""
        return None if self._heard_at is None else self.link.silent_for(self._heard_at)

    # --- certificates

    def _tls_context(self) -> ssl.SSLContext:
        return self.identity.tls_context()

    async def _show_kept_certificate(self) -> None:
        kept = self._serving.load()
        if kept is None:
            return
        try:
            await self.edge_keeper.set_certificate(*kept)
        except StronghouseError as error:
            _log.error("kept_certificate_unusable", reason=error.public)

    async def _renew_identity(self) -> None:
        key, request = certificates.new_key_and_request(self.identity.agent_id)
        chain = await self.link.renew(request)
        await asyncio.to_thread(self.store.save_certificate, chain, key)
        self.identity = dataclasses.replace(self.identity, certificate_pem=chain, key_pem=key)
        _log.info("client_certificate_renewed", expires_at=self.identity.expires_at().isoformat())
        await self.link.reconnect()  # its first use ends the old one

    # --- the edge and the reconciler need each other, so one of them is asked through here

    def _edge_wanted(self) -> tuple[int, Sequence[VirtualHost]]:
        return self.reconciler.edge_wanted()

    def _edge_applied(self, version: int) -> None:
        self.reconciler.edge_applied(version)
