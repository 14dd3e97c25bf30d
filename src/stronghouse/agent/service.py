"""One service, from wish to fact: a task of its own that makes one safe step after the other.

A wish may change at any time, a worker may die at any time, and a client may connect at any time; each of them only
pokes the task, which then looks at everything again. So nothing is lost and no two steps run at once.
"""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog

from stronghouse.agent.backoff import Backoff
from stronghouse.agent.desired import ServiceDocument
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.listening import ListeningSocket
from stronghouse.agent.ports import EdgeSide, Worker, Workers
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.agent.queries.users import QueryUsers, require_confined
from stronghouse.kernel.errors import StronghouseError, Unavailable
from stronghouse.keys.data_keys import WrappedDataKey, open_data_key
from stronghouse.keys.ports import KeyManagement
from stronghouse.regions.protocol import KeyStatus, ReportedState, ServiceStatus

MINUTE_SECONDS = 60.0
GRACE_SECONDS = 5.0
"""How long running queries may go on when a service is stopped (design.md section 2, Reopen)."""
IDLE_CHECKS = 20
"""How often idleness is looked at within the idle time-out, so that a service sleeps at most 5 % late."""
FAILURES_UNTIL_FAILED = 5
STEADY_SECONDS = 60.0
"""A worker that ran for this long has made up for earlier failures."""
State = Literal[ReportedState, "deleting"]
_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What services stand on.

    Attributes:
        homes: where their directories are.
        sockets: where their sockets are.
        kms: wraps their data keys.
        workers: starts their workers.
        edge: serves them.
        changed: called when a status may have changed.
        queries: the queries host's socket.
    """

    homes: Path
    sockets: Path
    kms: KeyManagement
    workers: Workers
    edge: EdgeSide
    changed: Callable[[], None]
    queries: Path


class Service:
    """A service of this agent, as it is wanted by `document` of the desired version `version`."""

    def __init__(self, document: ServiceDocument, version: int, surroundings: Surroundings) -> None:
        self.document = document
        self.version = version
        self.home = ServiceHome(surroundings.homes, document.id)
        self.worker: Worker | None = None
        self.listener: ListeningSocket | None = None
        self.wrapped_key: WrappedDataKey | None = None
        self.query_users = QueryUsers(document.id)
        self.reason: str | None = None
        self.takes_requests = document.state == "running"
        self._around = surroundings
        self._running_document = document
        self._ended: Worker | None = None
        self._wake_wanted = False
        self._poked = asyncio.Event()
        self._steady_at = 0.0
        self._failures = 0
        self._backoff = Backoff(first=0.1, most=30.0)
        self._watchers: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[None]] = set()
        self.state: State = self._first_state()
        if document.state == "running":
            # At once, so that the edge never has to turn a client away only because the agent has just started.
            with contextlib.suppress(OSError):
                self.listener = ListeningSocket(surroundings.sockets, service_id=document.id)

    # --- what others ask of it

    def wish(self, document: ServiceDocument, version: int) -> None:
        """Take up what is wanted from now on; its state shows it at once, since reports carry the new version."""
        before, self.document, self.version = self.document, document, version
        if document.state == "deleted" and self.state != "deleted":
            self.state = "deleting"
        elif document.state == "stopped" and self.state != "stopped":
            self.state = "stopping"
        elif document.state == "running" and self.state in {"stopped", "stopping"}:
            self.state = "starting"
        if document.state != before.state:
            self._forgive()
        self._poked.set()

    async def wake(self) -> None:
        """Start an idle service and return once it runs; at once if it does.

        Raises:
            Unavailable: it is stopped or deleted, or failed to start.
        """
        self._wake_wanted = True
        self._poked.set()
        while self.state != "running":
            if self.document.state != "running" or self.state == "failed":
                raise Unavailable(f"The service cannot wake: it is {self.state}.", code="wake_failed")
            await self._next_change()

    def offer_queries(self, endpoint: EndpointDocument | None) -> None:
        """Take up which API keys may run statements; None for none."""
        if self.query_users.wish(endpoint):
            self._poked.set()

    async def ready_for(self, user: str) -> Path:
        """The socket on which the service answers a key's database user; wakes it if it sleeps.

        Raises:
            Unavailable: it is stopped or deleted, failed to start, or did not take the user in time.
            Conflict: it can have no user but its owner.
        """
        await self.wake()
        if self.worker is not None:
            require_confined(self.worker.sandbox)
        await self.query_users.settled(user, pid=lambda: self.worker.pid if self.worker else None)
        if self.listener is None:
            raise Unavailable("The service is being stopped.", code="service_stopping")
        return self.listener.path

    def status(self, applied: int) -> ServiceStatus | None:
        """How it is, as of the older of its own version and the edge's; None while it is being deleted."""
        if self.state == "deleting":
            return None
        return ServiceStatus(
            id=self.document.id,
            state=self.state,
            reason=self.reason,
            engine_version=self.worker.engine_version if self.worker else None,
            pid=self.worker.pid if self.worker else None,
            sandbox=self.worker.sandbox.to_json() if self.worker else None,
            key=_key_status(self.wrapped_key),
            version=min(self.version, applied),
        )

    # --- the task

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._poked.clear()
            try:
                delay = await self._step()
            except Exception as error:  # noqa: BLE001 - the edge of this service: its trouble must not reach another
                delay = self._failed(error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._poked.wait()

    async def close(self, *, grace: float) -> None:
        """End the worker, letting requests finish for at most `grace` seconds. Call it after `run` was cancelled."""
        await self._stop_worker(grace)
        for watcher in self._watchers:
            watcher.cancel()
        self._close_listener()

    async def _step(self) -> float | None:
        """Do the next thing; seconds until something is to be looked at even without a poke, else None."""
        match self.document.state:
            case "deleted":
                await self._delete()
                return None
            case "stopped":
                await self._stop()
                return None
            case _:
                return await self._serve()

    async def _serve(self) -> float | None:
        if self.wrapped_key is None:
            self.wrapped_key = await asyncio.to_thread(self.home.create, self._around.kms, slot=self.document.slot)
        if self.listener is None:
            self.listener = ListeningSocket(self._around.sockets, service_id=self.document.id)
        if not self.takes_requests:
            self.takes_requests = True
            self._changed()
        if self.worker is not None and self.worker is self._ended:
            self.worker = None
            raise Unavailable("The engine ended unexpectedly and is started again.", code="worker_died")
        if self.worker is not None and self.document.memory_gb != self._running_document.memory_gb:
            await self._stop_worker(GRACE_SECONDS)
        if self.worker is None:
            if self.home.record.idle and self.document.idle_scaling and not self._wake_wanted:
                self._sleep(self.listener)
                return None
            asyncio.get_running_loop().remove_reader(self.listener.fileno())
            await self._start(self.listener)
            return self._check_interval()
        return await self._tend(self.worker)

    async def _start(self, listener: ListeningSocket) -> None:
        if self.home.record.idle:
            self._become("awaking")
        elif self.home.record.provisioned and self._failures < FAILURES_UNTIL_FAILED:
            self._become("starting", self.reason)
        document = self.document
        worker = await self._around.workers.start(document, self.home, listener=listener, data_key=self._data_key)
        self.worker, self._running_document, self._wake_wanted = worker, document, False
        self._steady_at = time.monotonic() + STEADY_SECONDS
        self._watch(worker)
        self._poked.set()  # it has to be told of users of API keys
        await self._remember(provisioned=True, idle=False)
        if self.document.state == "running":  # else it was stopped meanwhile, which must not look like running
            self._become("running")

    async def _data_key(self) -> bytes:
        """The data key, unwrapped anew each time, so that it is nowhere in this process in between.

        Raises:
            StronghouseError: the key management does not unwrap it.
            Unavailable: the service has no key any more.
        """
        if self.wrapped_key is None:
            raise Unavailable("The service has no data key.", code="data_key_missing")
        return await asyncio.to_thread(open_data_key, self._around.kms, self.wrapped_key, service_id=self.document.id)

    async def _tend(self, worker: Worker) -> float | None:
        if time.monotonic() >= self._steady_at:
            self._forgive()
        if self.document.password_sha256 != self._running_document.password_sha256:
            await worker.set_password(self.document.password_sha256)
        if self.document.settings != self._running_document.settings:
            await worker.set_settings(self.document.settings)
        self._running_document = self.document
        self._wake_wanted = False
        if self.state != "running" or self.reason is not None:
            self._become("running")
        retry = await self.query_users.bring_about(worker)
        if retry is not None:
            return retry
        idle_after = self.document.idle_timeout_minutes * MINUTE_SECONDS
        if self.document.idle_scaling and await worker.stop_if_idle(idle_after):
            self.worker = None
            await self._remember(provisioned=True, idle=True)
            self._poked.set()
        return self._check_interval()

    async def _stop(self) -> None:
        """Let queries end, have the edge say that it is stopped, and only then close the socket that it pointed to."""
        await self._stop_worker(GRACE_SECONDS)
        if self.takes_requests:
            self.takes_requests = False
            self._changed()
            await self._around.edge.settled()
        self._close_listener()
        if self.wrapped_key is None and self.home.exists:
            self.wrapped_key = await asyncio.to_thread(self.home.key)
        if self.home.record.idle:
            await self._remember(provisioned=True, idle=False)
        self._become("stopped")

    async def _delete(self) -> None:
        self._changed()
        await self._stop_worker(0.0)
        self._close_listener()
        await asyncio.to_thread(self.home.destroy)
        self.wrapped_key = None
        self._become("deleted")

    async def _stop_worker(self, grace: float) -> None:
        worker, self.worker = self.worker, None
        if worker is not None and worker is not self._ended:
            await worker.quiesce_and_stop(grace)

    # --- sleeping and waking

    def _sleep(self, listener: ListeningSocket) -> None:
        """Wait for a connection. The edge makes one only for an allowed address, so nobody else can wake a service."""
        self._become("idle")
        asyncio.get_running_loop().add_reader(listener.fileno(), self._connected)

    def _connected(self) -> None:
        if self.listener is not None:
            asyncio.get_running_loop().remove_reader(self.listener.fileno())
        self._wake_wanted = True
        self._poked.set()

    def _close_listener(self) -> None:
        if self.listener is not None:
            asyncio.get_running_loop().remove_reader(self.listener.fileno())
            self.listener.close()
            self.listener = None
            self._changed()

    # --- failing

    def _watch(self, worker: Worker) -> None:
        async def watch() -> None:
            status = await worker.wait()
            if self.worker is worker:
                _log.warning("worker_ended", service=self.document.id, status=status)
                self._ended = worker
                self._poked.set()

        task = asyncio.get_running_loop().create_task(watch())
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    def _failed(self, error: Exception) -> float:
        """Note a failure; seconds until the next try."""
        self._failures += 1
        self._wake_wanted = True  # whoever woke it still waits
        public = error.public if isinstance(error, StronghouseError) else "The service met an internal error."
        detail = error.detail if isinstance(error, StronghouseError) else None
        unexpected = None if isinstance(error, StronghouseError) else error
        _log.error("service_failed", service=self.document.id, reason=public, detail=detail, exc_info=unexpected)
        self.reason = public
        if self._failures >= FAILURES_UNTIL_FAILED or self.home.is_deleted:
            self._become("failed", public)
        elif self.state in {"running", "idle"}:
            self._become("starting", public)
        else:
            self._changed()
        return self._backoff.next_delay()

    def _forgive(self) -> None:
        self._failures = 0
        self._backoff.reset()
        self.reason = None

    # --- bookkeeping

    def _changed(self) -> None:
        self._around.edge.poke()
        self._around.changed()

    def _first_state(self) -> State:
        match self.document.state:
            case "deleted":
                return "deleting"
            case "stopped":
                return "stopping"
        if self.home.record.idle and self.document.idle_scaling:
            return "idle"
        return "starting" if self.home.record.provisioned else "provisioning"

    def _become(self, state: State, reason: str | None = None) -> None:
        if state != self.state:
            _log.info("service_state", service=self.document.id, before=self.state, after=state)
        self.state, self.reason = state, reason
        for change in self._waiting:
            if not change.done():
                change.set_result(None)
        self._changed()

    async def _next_change(self) -> None:
        change = asyncio.get_running_loop().create_future()
        self._waiting.add(change)
        try:
            await change
        finally:
            self._waiting.discard(change)

    async def _remember(self, *, provisioned: bool, idle: bool) -> None:
        record = dataclasses.replace(self.home.record, provisioned=provisioned, idle=idle)
        if record != self.home.record:
            await asyncio.to_thread(self.home.remember, record)

    def _check_interval(self) -> float | None:
        if not self.document.idle_scaling:
            return STEADY_SECONDS
        return self.document.idle_timeout_minutes * MINUTE_SECONDS / IDLE_CHECKS


def _key_status(wrapped: WrappedDataKey | None) -> KeyStatus | None:
    return (
        None if wrapped is None else KeyStatus(kms=wrapped.kms, key_id=wrapped.key_id, fingerprint=wrapped.fingerprint)
    )
