"""From the desired state to the actual one: each service by a task of its own, access lists before anything else."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from pathlib import Path

import structlog

from stronghouse.agent.backoff import Backoff
from stronghouse.agent.desired import DesiredCache, ServiceDocument, Wishes, read_wishes
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.queries.documents import EndpointDocument
from stronghouse.agent.service import Service, Surroundings
from stronghouse.agent.settings import AgentSettings
from stronghouse.agent.virtual_hosts import virtual_hosts
from stronghouse.edge.configuration import VirtualHost
from stronghouse.kernel.errors import NotFound
from stronghouse.regions.protocol import Desired, ServiceStatus

KILL_SECONDS = 2.0
_log = structlog.get_logger()


class Reconciler:
    """Brings about what was wanted last, with services that stand on `surroundings`."""

    def __init__(self, settings: AgentSettings, *, cache: DesiredCache, surroundings: Surroundings) -> None:
        self.services: dict[str, Service] = {}
        self.endpoints_changed: Callable[[Iterable[EndpointDocument]], None] = _ignored
        """Told the query endpoints of each desired state."""
        self._settings = settings
        self._cache = cache
        self._around = surroundings
        self._version = 0
        self._saved = 0
        self._at_edge = 0
        self._unreadable: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._retiring: dict[str, asyncio.Task[None]] = {}
        self._cleaning: set[asyncio.Task[None]] = set()
        self._newest: Desired | None = None
        self._save_wanted = asyncio.Event()

    # --- taking in

    def restore(self) -> None:
        """Take up the cached desired state, if there is one: what a restarted agent serves from."""
        kept = self._cache.load()
        if kept is not None:
            self._saved = kept.version
            self._accept(read_wishes(kept))

    def accept(self, desired: Desired) -> None:
        """Take up a desired state from the control plane, whose word holds: an older version replaces a newer one."""
        self._newest = desired
        self._saved = min(self._saved, desired.version)
        self._at_edge = min(self._at_edge, desired.version)
        self._save_wanted.set()
        self._accept(read_wishes(desired))

    def _accept(self, wishes: Wishes) -> None:
        self._version, self._unreadable = wishes.version, wishes.unreadable
        wanted = {document.id: document for document in wishes.services}
        for service_id, service in self.services.items():
            if service_id in wanted:
                service.wish(wanted[service_id], wishes.version)
        for service_id in self.services.keys() - wanted.keys():
            self._drop(service_id)
        # Access lists are in force now, before the slow things begin.
        self._around.edge.poke()
        for document in wishes.services:
            if document.id not in self.services:
                self._add(document, wishes.version)
        for service_id, service in self.services.items():
            service.offer_queries(wishes.endpoints.get(service_id))
        self.endpoints_changed(wishes.endpoints.values())
        self._background(self._clean(frozenset(wanted) | frozenset(wishes.unreadable)))
        self._around.changed()

    def _add(self, document: ServiceDocument, version: int) -> None:
        service = Service(document, version, self._around)
        self.services[document.id] = service
        work = self._run_after(self._retiring.get(document.id), service)
        self._tasks[document.id] = asyncio.get_running_loop().create_task(work)
        self._around.edge.poke()

    async def _run_after(self, predecessor: "asyncio.Task[None] | None", service: Service) -> None:
        if predecessor is not None:  # it may still hold the socket and the data
            await asyncio.wait([predecessor])
        await service.run()

    def _drop(self, service_id: str) -> None:
        """A service that is not wanted any more and was not asked to be deleted keeps its data, but is not served."""
        service, task = self.services.pop(service_id), self._tasks.pop(service_id)

        async def retire() -> None:
            task.cancel()
            await asyncio.wait([task])
            await service.close(grace=0.0)

        self._retiring[service_id] = self._background(retire())

    async def _clean(self, known: frozenset[str]) -> None:
        """Forget deleted services that the control plane knows to be gone; name the ones that it does not know."""
        for service_id, is_deleted in await asyncio.to_thread(_strangers, self._around.homes, known):
            if is_deleted:
                await asyncio.to_thread(ServiceHome(self._around.homes, service_id).forget)
                _log.info("service_forgotten", service=service_id)
            else:
                _log.warning("service_unknown_to_control_plane", service=service_id)

    # --- giving out

    @property
    def applied_version(self) -> int:
        """The desired version that is in force at the edge, taken up by every service, and kept on disk."""
        return min(self._version, self._saved, self._at_edge)

    def edge_wanted(self) -> tuple[int, Sequence[VirtualHost]]:
        """What the edge is to serve now, and the version that this reflects."""
        return self._version, virtual_hosts(self._settings, self.services, queries=self._around.queries)

    def edge_applied(self, version: int) -> None:
        """The edge serves this version."""
        self._at_edge = version
        self._around.changed()

    def statuses(self) -> tuple[int, list[ServiceStatus]]:
        """The applied version, and how each service is."""
        applied = self.applied_version
        found = [service.status(applied) for service in self.services.values()]
        unreadable = [
            ServiceStatus(id=service_id, state="failed", reason=reason, version=applied)
            for service_id, reason in self._unreadable.items()
        ]
        return applied, [status for status in found if status is not None] + unreadable

    def service(self, service_id: str) -> Service:
        """A service of this agent; raises NotFound."""
        service = self.services.get(service_id)
        if service is None:
            raise NotFound("There is no such service in this region.")
        return service

    # --- living and ending

    async def run(self) -> None:
        """Keep the newest desired state on disk until cancelled."""
        backoff = Backoff(first=0.1, most=10.0)
        while True:
            await self._save_wanted.wait()
            self._save_wanted.clear()
            newest = self._newest
            if newest is None:
                continue
            try:
                await asyncio.to_thread(self._cache.save, newest)
            except OSError as error:
                _log.error("desired_cache_unwritable", reason=str(error))
                self._save_wanted.set()
                await asyncio.sleep(backoff.next_delay())
                continue
            backoff.reset()
            self._saved = newest.version
            self._around.changed()

    async def close(self, *, grace: float) -> None:
        """End every worker, all at once, letting requests finish for at most `grace` seconds.

        One that has not ended two seconds later is left to die with this process; it has nothing to lose.
        """
        for task in [*self._tasks.values(), *self._cleaning]:
            task.cancel()
        await asyncio.gather(*self._tasks.values(), *self._cleaning, return_exceptions=True)
        closing = [
            asyncio.wait_for(service.close(grace=grace), grace + KILL_SECONDS) for service in self.services.values()
        ]
        for outcome in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(outcome, Exception):
                _log.error("service_close_failed", exc_info=outcome)

    def _background(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(work)
        self._cleaning.add(task)
        task.add_done_callback(self._cleaned)
        return task

    def _cleaned(self, task: "asyncio.Task[None]") -> None:
        self._cleaning.discard(task)
        self._retiring = {service_id: other for service_id, other in self._retiring.items() if other is not task}
        if not task.cancelled() and task.exception() is not None:
            _log.error("cleaning_failed", exc_info=task.exception())


def _ignored(_endpoints: Iterable[EndpointDocument]) -> None:
    """What happens while there is no queries host."""


def _strangers(homes: Path, known: frozenset[str]) -> list[tuple[str, bool]]:
    """Services on disk that are not among `known`, and whether each was deleted."""
    found = (path for path in homes.iterdir() if path.is_dir() and path.name not in known)
    return [(path.name, ServiceHome(homes, path.name).is_deleted) for path in found]
